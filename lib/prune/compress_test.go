// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	. "github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// thin returns a small network with some of its weights.
func thin(t testing.TB, seed uint64, keep ...float64) nn.Sequential {
	net := small(seed)
	layers, _ := Network(net)
	var cuts []Cut
	for _, k := range keep {
		cuts = append(cuts, Cut{Keep: k})
	}
	if err := Prune(layers, Magnitude, nil, cuts...); err != nil {
		t.Fatal(err)
	}
	return net
}

func outputs(net nn.Module, x *tensor.Tensor) []float32 {
	return slices.Clone(net.Forward(autograd.NewTape(1).Input(x)).Data())
}

// A compressed network has sparse layers where that is faster, and the same outputs up to rounding.
func TestCompress(t *testing.T) {
	net := thin(t, 1, 0.8, 0.12, 0.08, 0.19)
	fast := Compress(net)
	if _, ok := fast[0].(*nn.Conv2D); !ok {
		t.Errorf("80 %% of the weights: %T", fast[0])
	}
	for i, m := range []nn.Module{&nn.SparseConv2D{}, &nn.SparseDense{}, &nn.SparseDense{}} {
		if at := []int{3, 6, 8}[i]; !sameType(fast[at], m) {
			t.Errorf("module %d is a %T, want a %T", at, fast[at], m)
		}
	}
	x := tensor.New(30, 2, 8, 8)
	tensor.Stream(2, "x").Normal(x.Data(), 0, 1)
	want, got := outputs(net, x), outputs(fast, x)
	for i, v := range want {
		if d := math.Abs(float64(got[i] - v)); !(d < 1e-5) {
			t.Fatalf("output %d is %g, dense %g", i, got[i], v)
		}
	}
}

func sameType(a, b nn.Module) bool {
	switch a.(type) {
	case *nn.SparseConv2D:
		_, ok := b.(*nn.SparseConv2D)
		return ok
	case *nn.SparseDense:
		_, ok := b.(*nn.SparseDense)
		return ok
	}
	return false
}

// Units that nothing uses go, and no output changes.
func TestTrim(t *testing.T) {
	net := thin(t, 1, 0.9, 0.5, 0.1, 0.1) // 10 weights out of 20 hidden units
	x := tensor.New(30, 2, 8, 8)
	tensor.Stream(2, "x").Normal(x.Data(), 0, 1)
	layers, _ := Network(net)
	before, want := 0, outputs(net, x)
	for _, l := range layers {
		before += l.Remaining()
	}
	removed := Trim(net)
	after, _ := Network(net)
	left := 0
	for _, l := range after {
		left += l.Remaining()
	}
	if removed == 0 || left != before-removed || !slices.Equal(outputs(net, x), want) {
		t.Errorf("%d of %d weights removed, %d left; the same outputs: %v", removed, before, left,
			slices.Equal(outputs(net, x), want))
	}
	if again := Trim(net); again != 0 {
		t.Errorf("%d more removed by trimming again", again)
	}
}

// A file restores a pruned network exactly, or with few different values, and is small.
func TestSaveLoad(t *testing.T) {
	net := nn.Sequential{nn.NewDense(300, 200, nil, tensor.Stream(1, "w")), relu, nn.NewGate(200),
		nn.NewDense(200, 10, nil, tensor.Stream(2, "w"))}
	net[2].(*nn.Gate).Mask.Set(0, 17)
	layers, _ := Network(net)
	if err := Prune(layers, Magnitude, nil, Cut{Keep: 0.08}); err != nil {
		t.Fatal(err)
	}
	for i, w := range net[0].(*nn.Dense).Weight.Data() {
		if w == 0 && i%2 == 1 { // as masking leaves of negative weights
			net[0].(*nn.Dense).Weight.Data()[i] = float32(math.Copysign(0, -1))
		}
	}
	path := filepath.Join(t.TempDir(), "net.pruned")
	for levels, limit := range map[int]int64{0: 4960*4 + 4960 + 1500, 32: 4960*7/4 + 1500} {
		if err := Save(path, net, levels); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Size() > limit {
			t.Errorf("%d levels: %d bytes, more than %d (%v)", levels, info.Size(), limit, err)
		}
		read := nn.Sequential{nn.NewDense(300, 200, nil, tensor.Stream(3, "w")), relu, nn.NewGate(200),
			nn.NewDense(200, 10, nil, tensor.Stream(4, "w"))}
		if err := Load(path, read); err != nil {
			t.Fatal(err)
		}
		for i, p := range nn.Params(net) {
			got, different := nn.Params(read)[i].Data(), map[float32]bool{}
			for j, v := range p.Data() {
				if got[j] != 0 {
					different[got[j]] = true
				}
				if levels == 0 && v != got[j] || v == 0 && got[j] != 0 {
					t.Fatalf("%d levels: %s[%d] is %g, want %g", levels, p.Name, j, got[j], v)
				}
			}
			if levels > 0 && len(p.Shape()) == 2 && len(different) > levels {
				t.Errorf("%s has %d values", p.Name, len(different))
			}
		}
		if read[2].(*nn.Gate).Mask.At(17) != 0 {
			t.Error("the gate is open")
		}
	}
	if err := Save(path, net, 257); err == nil || !strings.Contains(err.Error(), "257 levels: want 1 to 256") {
		t.Errorf("257 levels: %v", err)
	}
	if err := Load(path+"no", net); err == nil {
		t.Error("a file that is not there")
	}
}

// A file that is cut anywhere, or has any bit flipped, or is of another model, is refused, and the model stays.
func TestDamagedFiles(t *testing.T) {
	net := thin(t, 1, 0.3)
	path := filepath.Join(t.TempDir(), "net.pruned")
	if err := Save(path, net, 16); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := small(2)
	before := outputs(other, spots(3, 1).X)
	try := func(what string, content []byte, model nn.Sequential, want string) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		err := Load(path, model)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := 0; n < len(file); n += 7 {
		try("cut", file[:n], other, "")
	}
	for i := range file {
		flipped := slices.Clone(file)
		flipped[i] ^= 1 << (i % 8)
		try("flipped", flipped, other, "")
	}
	if !slices.Equal(outputs(other, spots(3, 1).X), before) {
		t.Error("a refused file changed the model")
	}
	try("longer", append(slices.Clone(file), 0), other, "damaged")
	try("text", []byte("hello"), other, "not a file of package prune")
	narrow := slices.Clone(other)
	narrow[8] = nn.NewDense(20, 4, nil, tensor.Stream(1, "w"))
	try("another shape", file, narrow, "8.weight [5 20], the model [4 20]")
	try("fewer layers", file, other[:8], "more tensors than the model")
	try("more layers", file, append(slices.Clone(other), nn.NewDense(5, 5, nil, tensor.Stream(1, "w"))), "ends too early")
}

// sealed returns content as a file with the right check sum.
func sealed(content []byte) []byte {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.BestSpeed)
	z.Write(content)
	z.Close()
	sum := sha256.Sum256(b.Bytes())
	return slices.Concat([]byte("lateral pruned 1\n"), sum[:], b.Bytes())
}

// Content with the right check sum but the wrong meaning is an error, never a panic.
func FuzzLoad(f *testing.F) {
	model := func() nn.Sequential { return nn.Sequential{nn.NewDense(3, 2, nil, tensor.Stream(1, "w"))} }
	f.Add([]byte("\x080.weight\x02\x02\x03\x02\x00\x01\x00\x00\x00\x80\x3f\x00\x00\x80\x3f"))
	f.Add([]byte("\x080.weight\x02\x02\x03\x03\x05\x00\x00\x02"))
	f.Add([]byte("\x080.weight\x02\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, sealed(content), 0o600); err != nil {
			t.Fatal(err)
		}
		net := model()
		before := slices.Clone(nn.Params(net)[0].Data())
		if err := Load(path, net); err != nil && !slices.Equal(nn.Params(net)[0].Data(), before) {
			t.Error("a refused file changed the model")
		}
	})
}
