// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func noise(name string, shape ...int) *tensor.Tensor {
	x := tensor.New(shape...)
	tensor.Stream(1, name).Normal(x.Data(), 0, 1)
	return x
}

// The codes are the submasks of package competitive, bit by bit.
func TestCodesOfDenseLayers(t *testing.T) {
	z := noise("z", 7, 90)
	z.Row(2)[6], z.Row(2)[7], z.Row(2)[8] = 3, 3, 3 // a tie
	clear(z.Row(3))                                 // nothing but ties
	z.Row(4)[0] = float32(math.NaN())
	tape := autograd.NewTape(1)
	x := tape.Input(z)
	for name, y := range map[string]*autograd.Var{
		"ReLU": autograd.ReLU(x), "LWTA": competitive.LWTA(x, 2), "maxout": competitive.Maxout(x, 5),
	} {
		want := competitive.Submask(y)
		codes := PackCodes(want)
		if !slices.Equal(codes.Unpack().Data(), want.Data()) {
			t.Errorf("%s: %v, want %v", name, codes.Unpack(), want)
		}
		if name == "ReLU" && !slices.Equal(codes.Words(), ActiveCodes(z).Words()) {
			t.Error("the active units are not the submask of ReLU")
		}
	}
	if got := ActiveCodes(autograd.ReLU(x).Value()); !slices.Equal(got.Words(), ActiveCodes(z).Words()) {
		t.Error("activations of ReLU have other codes than net inputs")
	}
}

// winnerCodes returns the codes of a layer of LWTA.
func winnerCodes(z *tensor.Tensor, block int) *Codes {
	return PackCodes(competitive.Submask(competitive.LWTA(autograd.NewTape(1).Input(z), block)))
}

func TestCodesOfConvolutionalLayers(t *testing.T) {
	// Two blocks of two maps of 1 x 3 places.
	z := tensor.From([]float32{
		1, 5, 2, // map 0
		3, 4, 2, // map 1
		-1, -2, -3, // map 2
		-2, -1, float32(math.NaN()), // map 3
	}, 1, 4, 1, 3)
	want := []float32{0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0}
	if got := winnerCodes(z, 2).Unpack().Data(); !slices.Equal(got, want) {
		t.Errorf("winners %v, want %v", got, want)
	}
	want = []float32{1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}
	if got := ActiveCodes(z).Unpack().Data(); !slices.Equal(got, want) {
		t.Errorf("ReLU %v, want %v", got, want)
	}
	// The net of the document: 24 blocks of 4 maps of 6 x 6 places.
	codes := winnerCodes(noise("maps", 2, 96, 6, 6), 4)
	if codes.Bits() != 3456 || codes.Ones(0) != 864 || codes.Ones(1) != 864 {
		t.Errorf("%d bits of which %d and %d are 1, want 3456, 864 and 864", codes.Bits(), codes.Ones(0), codes.Ones(1))
	}
}

func TestFlipRate(t *testing.T) {
	before, after := NewCodes(4, 70), NewCodes(4, 70)
	for i := range 4 {
		before.Set(i, 69)
	}
	after.Set(0, 69)
	after.Set(2, 3)
	flips := FlipRate(before, after)
	for j, share := range flips {
		if want := map[int]float64{69: 0.75, 3: 0.25}[j]; share != want {
			t.Errorf("bit %d flips in %g of the samples, want %g", j, share, want)
		}
	}
}

func TestAppendAndSlice(t *testing.T) {
	all := random("codes", 9, 130)
	var joined Codes
	joined.Append(all.Slice(0, 4))
	joined.Append(all.Slice(4, 9))
	if joined.Len() != 9 || joined.Bits() != 130 || !slices.Equal(joined.Words(), all.Words()) {
		t.Error("what was cut and joined is not what it was")
	}
}

// Five neighbours of classes b a a b a at distances 1 2 2 2 4.
func TestJoin(t *testing.T) {
	for _, lengths := range [][]int{{1}, {64, 64}, {1, 63, 1}, {100, 28, 128, 7}, {1000, 1000, 1000}, {65, 127, 190, 3}} {
		var layers []*Codes
		for i, n := range lengths {
			layers = append(layers, ActiveCodes(noise(fmt.Sprint("layer ", i), 5, n)))
		}
		joined := JoinCodes(layers...)
		first := 0
		for _, c := range layers {
			for i := range 5 {
				for j := range c.Bits() {
					if joined.At(i, first+j) != c.At(i, j) {
						t.Fatalf("lengths %v: bit %d of code %d is not bit %d of its layer", lengths, first+j, i, j)
					}
				}
			}
			first += c.Bits()
		}
		if joined.Bits() != first || joined.Len() != 5 || joined.stray() >= 0 {
			t.Errorf("lengths %v: %d codes of %d bits", lengths, joined.Len(), joined.Bits())
		}
	}
}

func TestClassify(t *testing.T) {
	near := &Neighbours{K: 5, ID: []int32{0, 1, 2, 3, 4}, Distance: []float32{1, 2, 2, 2, 4}}
	labels := []int{1, 0, 0, 1, 0}
	for _, c := range []struct {
		k    int
		vote Vote
		want int
	}{
		{1, UniformVote, 1},
		{2, UniformVote, 1}, // a tie: b is nearer
		{3, UniformVote, 0},
		{4, UniformVote, 1},
		{5, UniformVote, 0},
		{3, InverseDistance, 1}, // 1 against 1/2 + 1/2
		{4, InverseDistance, 1},
		{5, InverseDistance, 1}, // 1.5 against 1.25
	} {
		if got := Classify(near.First(c.k), labels, 2, c.vote)[0]; got != c.want {
			t.Errorf("%d neighbours: class %d, want %d", c.k, got, c.want)
		}
	}
	if votes := ClassVotes(near, labels, 3, InverseDistance).Data(); votes[0] != 1.25 || votes[1] != 1.5 || votes[2] != 0 {
		t.Errorf("votes %v, want 1.25, 1.5, 0", votes)
	}
	// With 3 and 5 neighbours the answer is right; 3 is the smaller.
	k, errors := ChooseK(near, labels, []int{0}, 2, UniformVote, []int{5, 1, 3})
	if k != 3 || !slices.Equal(errors, []int{0, 1, 0}) {
		t.Errorf("chose %d by errors %v", k, errors)
	}
}

// Computed by hand. Query 0, of class 0: results 0 1 0 0 by rank, P(r) = 1, 1/2, 2/3, 3/4 and AP = (1 + 2/3 + 3/4)/3.
// Query 1, of class 1: 0 1 0 0, AP = (1/2)/1. Query 2, of class 7: no results, 0.
func TestMeanAveragePrecision(t *testing.T) {
	near := &Neighbours{K: 4, ID: []int32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}, Distance: make([]float32, 12)}
	got := MeanAveragePrecision(near, []int{0, 1, 0, 0}, []int{0, 1, 7})
	if want := ((1+2.0/3+3.0/4)/3 + 0.5) / 3; math.Abs(got-want) > 1e-15 {
		t.Errorf("mAP %g, want %g", got, want)
	}
}

// Computed by hand: codes 000 (a), 001 (b), 011 (a), 111 (a) and the query 000 of class a.
func TestPrecisionRecall(t *testing.T) {
	codes := CodesFromWords([]uint64{0, 1, 3, 7}, 3)
	for _, workers := range []int{1, 2, 5} {
		index := &Index{Codes: codes, Workers: workers}
		curve := index.PrecisionRecall(CodesFromWords([]uint64{0}, 3), []int{0, 1, 0, 0}, []int{0})
		if want := []float64{1, 1.0 / 2, 2.0 / 3, 3.0 / 4}; !slices.Equal(curve.Precision, want) {
			t.Errorf("precision %v, want %v", curve.Precision, want)
		}
		if want := []float64{1.0 / 3, 1.0 / 3, 2.0 / 3, 1}; !slices.Equal(curve.Recall, want) {
			t.Errorf("recall %v, want %v", curve.Recall, want)
		}
	}
	curve := (&Index{Codes: codes}).PrecisionRecall(CodesFromWords([]uint64{2}, 3), []int{0, 1, 0, 0}, []int{0})
	if !math.IsNaN(curve.Precision[0]) || curve.Recall[0] != 0 {
		t.Errorf("nothing at distance 0: precision %g, recall %g", curve.Precision[0], curve.Recall[0])
	}
}

// The directions are compared with those of explicit sums over pairs.
func TestDiffHash(t *testing.T) {
	const n, d, alpha = 40, 6, 2.0
	x := noise("features", n, d)
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % 3 * 2 // classes 1 and 3 are empty
		x.Row(i)[0] += 5 * float32(labels[i])
	}
	var sums [2]*mat.SymDense
	var count [2]float64
	for i := range sums {
		sums[i] = mat.NewSymDense(d, nil)
	}
	for i := range n {
		for j := range i {
			kind := 0
			if labels[i] != labels[j] {
				kind = 1
			}
			difference := mat.NewVecDense(d, nil)
			for k := range d {
				difference.SetVec(k, float64(x.At(i, k))-float64(x.At(j, k)))
			}
			sums[kind].SymRankOne(sums[kind], 1, difference)
			count[kind]++
		}
	}
	h, err := NewDiffHash(x, labels, 3, alpha)
	if err != nil {
		t.Fatal(err)
	}
	objective := mat.NewSymDense(d, nil)
	for i := range d {
		for j := range i + 1 {
			objective.SetSym(i, j, alpha*sums[0].At(i, j)/count[0]-sums[1].At(i, j)/count[1])
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(objective, false) {
		t.Fatal("no eigenvalues")
	}
	for b := range 3 {
		p := mat.NewVecDense(d, nil)
		for j := range d {
			p.SetVec(j, float64(h.Projection.At(b, j)))
		}
		if got, want := mat.Inner(p, objective, p), eigen.Values(nil)[b]; math.Abs(got-want) > 1e-4*math.Abs(want)+1e-4 {
			t.Errorf("direction %d has value %g, want %g", b, got, want)
		}
		if length := mat.Norm(p, 2); math.Abs(length-1) > 1e-6 {
			t.Errorf("direction %d has length %g", b, length)
		}
		checkThreshold(t, h, x, labels, count, b)
	}
	if codes := h.Codes(x); codes.Bits() != 3 || codes.Len() != n || codes.At(0, 0) == codes.At(2, 0) {
		t.Error("the first bit does not part classes 0 and 4")
	}
}

// checkThreshold tries all thresholds of a bit on all pairs.
func checkThreshold(t *testing.T, h *DiffHash, x *tensor.Tensor, labels []int, count [2]float64, bit int) {
	t.Helper()
	projected := h.project(x)
	cost := func(threshold float32) float64 {
		var parted [2]float64
		for i := range labels {
			for j := range i {
				if (projected.At(i, bit) > threshold) != (projected.At(j, bit) > threshold) {
					kind := 0
					if labels[i] != labels[j] {
						kind = 1
					}
					parted[kind]++
				}
			}
		}
		return parted[0]/count[0] + 1 - parted[1]/count[1]
	}
	got := cost(h.Threshold[bit])
	for i := range labels {
		if other := cost(projected.At(i, bit)); other < got-1e-12 {
			t.Fatalf("bit %d: threshold %g costs %g, %g only %g", bit, h.Threshold[bit], got, projected.At(i, bit), other)
		}
	}
}

func TestDiffHashRefuses(t *testing.T) {
	if _, err := NewDiffHash(noise("x", 4, 2), []int{1, 1, 1, 1}, 1, 1); err == nil ||
		!strings.Contains(err.Error(), "pairs") {
		t.Errorf("one class: %v", err)
	}
	x := noise("x", 4, 2)
	x.Set(float32(math.Inf(1)), 2, 1)
	if _, err := NewDiffHash(x, []int{0, 0, 1, 1}, 1, 1); err == nil ||
		!strings.Contains(err.Error(), "vector 2: element 1 is +Inf") {
		t.Errorf("infinity: %v", err)
	}
}

func TestSaveLoadMap(t *testing.T) {
	for _, size := range []struct{ n, bits int }{{0, 5}, {1, 1}, {3, 64}, {20_000, 130}} {
		path := filepath.Join(t.TempDir(), "codes")
		want := random("codes", size.n, size.bits)
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadCodes(path)
		if err != nil {
			t.Fatal(err)
		}
		mapped, err := MapCodes(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := mapped.Verify(); err != nil {
			t.Error(err)
		}
		for _, got := range []*Codes{loaded, mapped.Codes} {
			if got.Len() != size.n || got.Bits() != size.bits || !slices.Equal(got.Words(), want.Words()) {
				t.Errorf("%d codes of %d bits came back as others", size.n, size.bits)
			}
		}
		if size.n > 10 {
			near := (&Index{Codes: mapped.Codes}).Search(want.Slice(0, 3), 2)
			checkEqual(t, "mapped", near, (&Index{Codes: want}).Search(want.Slice(0, 3), 2))
		}
		if err := mapped.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codes")
	if err := random("codes", 20, 100).Save(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, want string
		damage     func(b []byte) []byte
		mapped     bool // MapCodes reports it, too
	}{
		{"empty", "not a file of codes", func([]byte) []byte { return nil }, true},
		{"another format", "not a file of codes", func(b []byte) []byte { return bytes.Repeat([]byte("x"), 200) }, true},
		{"a bit of the header", "the header is damaged", func(b []byte) []byte { b[17] ^= 4; return b }, true},
		{"cut short", "do not fill a file of 376 bytes", func(b []byte) []byte { return b[:len(b)-8] }, true},
		{"too long", "do not fill a file of 385 bytes", func(b []byte) []byte { return append(b, 0) }, true},
		{"a bit of a code", "the codes are damaged", func(b []byte) []byte { b[100] ^= 1; return b }, false},
	} {
		if err := os.WriteFile(path, c.damage(bytes.Clone(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCodes(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Load: %v", c.what, err)
		}
		m, err := MapCodes(path)
		if c.mapped {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: Map: %v", c.what, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: Verify: %v", c.what, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "codes")
	if err := random("codes", 3, 70).Save(path); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "codes")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadCodes(path)
		if err != nil {
			return
		}
		if err := c.Save(path); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(path); err != nil || len(again) != len(b) {
			t.Errorf("%d bytes were read and %d written: %v", len(b), len(again), err)
		}
	})
}

func TestMistakesPanic(t *testing.T) {
	codes := NewCodes(3, 70)
	for want, mistake := range map[string]func(){
		"retrieval: NewCodes: -1 codes of 3 bits": func() { NewCodes(-1, 3) },
		"retrieval: CodesFromWords: 3 words do not make codes of 70 bits": func() {
			CodesFromWords(make([]uint64, 3), 70)
		},
		"retrieval: CodesFromWords: code 1 has a 1 beyond its 3 bits": func() {
			CodesFromWords([]uint64{7, 8}, 3)
		},
		"retrieval: At: bit 70 of codes of 70 bits":           func() { codes.At(0, 70) },
		"retrieval: Slice: [2:4] of 3 codes":                  func() { codes.Slice(2, 4) },
		"retrieval: Append: codes of 3 bits to codes of 70":   func() { codes.Append(NewCodes(1, 3)) },
		"retrieval: JoinCodes: no codes":                      func() { JoinCodes() },
		"retrieval: JoinCodes: 3 codes and 2":                 func() { JoinCodes(codes, NewCodes(2, 70)) },
		"retrieval: FlipRate: 3 codes of 70 bits and 2 of 70": func() { FlipRate(codes, NewCodes(2, 70)) },
		"retrieval: Search: the 4 nearest of 3 codes of 70 bits to codes of 70 bits": func() {
			(&Index{Codes: codes}).Search(codes, 4)
		},
		"retrieval: neighbour 5 has no label among 1 labels of 2 classes": func() {
			Classify(&Neighbours{1, []int32{5}, []float32{0}}, []int{0}, 2, UniformVote)
		},
		"retrieval: NewDiffHash: 3 bits, alpha 1, vectors of shape [4 2] with 4 labels": func() {
			_, _ = NewDiffHash(noise("x", 4, 2), make([]int, 4), 3, 1)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			mistake()
		}()
	}
}
