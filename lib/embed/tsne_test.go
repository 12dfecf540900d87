// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// clusters returns n points around each of some centres in 5 dimensions, and the centre of each point.
func clusters(n, centres int) (*tensor.Tensor, []int) {
	x, label := tensor.New(n*centres, 5), make([]int, n*centres)
	rng := tensor.Stream(1, "clusters")
	rng.Normal(x.Data(), 0, 0.3)
	for i := range label {
		label[i] = i % centres
		x.Row(i)[label[i]%5] += float32(4 + label[i]/5)
	}
	return x, label
}

// affinities returns the affinities of points.
func affinities(t *testing.T, x *tensor.Tensor, perplexity float64) *Affinities {
	t.Helper()
	v, err := retrieval.NewVectors(x)
	if err != nil {
		t.Fatal(err)
	}
	near := v.Search(v, min(x.Rows(), int(3*perplexity)+2))
	a, err := NewAffinities(near.WithoutSelf(), false, perplexity)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAffinities(t *testing.T) {
	x, _ := clusters(30, 3)
	a := affinities(t, x, 8)
	total := 0.0
	for i := range a.Len() {
		to, p := a.Row(i)
		for e, j := range to {
			total += float64(p[e])
			if int(j) == i {
				t.Fatalf("sample %d belongs to itself", i)
			}
			back, q := a.Row(int(j))
			if at := slices.Index(back, int32(i)); at < 0 || q[at] != p[e] {
				t.Fatalf("p of %d and %d is not that of %d and %d", i, j, j, i)
			}
		}
		if !slices.IsSorted(to) {
			t.Fatalf("row %d: %v", i, to)
		}
	}
	if math.Abs(total-1) > 1e-6 {
		t.Errorf("the sum of p is %g", total)
	}
}

func TestCalibrate(t *testing.T) {
	d := []float64{1e6, 1e6 + 1, 1e6 + 2, 1e6 + 5, 1e6 + 9, 1e6 + 9} // exp(-d) is 0: only differences count
	p := make([]float64, len(d))
	for _, perplexity := range []float64{1.1, 2, 5.5} {
		calibrate(p, d, math.Log(perplexity))
		entropy := 0.0
		for _, v := range p {
			if v > 0 {
				entropy -= v * math.Log(v)
			}
		}
		if math.Abs(math.Exp(entropy)-perplexity) > 1e-4*perplexity {
			t.Errorf("perplexity %g, want %g", math.Exp(entropy), perplexity)
		}
	}
	calibrate(p, make([]float64, len(d)), math.Log(2)) // all equally near
	for _, v := range p {
		if math.Abs(v-1.0/6) > 1e-12 {
			t.Errorf("equal distances: %v", p)
		}
	}
	calibrate(p, []float64{0, 0, 0, 1, 1, 1}, math.Log(2)) // three ties: 3 is the smallest possible perplexity
	if math.Abs(p[0]-1.0/3) > 1e-6 || p[3] > 1e-6 {
		t.Errorf("three equals: %v", p)
	}
}

// divergenceOf is the definition, in float64. It moves coordinate c of point i by h.
func divergenceOf(a *Affinities, x, y []float32, i, c int, h float64) float64 {
	place := [2][]float64{make([]float64, len(x)), make([]float64, len(x))}
	for j := range x {
		place[0][j], place[1][j] = float64(x[j]), float64(y[j])
	}
	place[c][i] += h
	w := func(i, j int) float64 {
		dx, dy := place[0][i]-place[0][j], place[1][i]-place[1][j]
		return 1 / (1 + dx*dx + dy*dy)
	}
	z := 0.0
	for i := range x {
		for j := range x {
			if i != j {
				z += w(i, j)
			}
		}
	}
	kl := 0.0
	for i := range x {
		to, p := a.Row(i)
		for e, j := range to {
			kl += float64(p[e]) * math.Log(float64(p[e])*z/w(i, int(j)))
		}
	}
	return kl
}

func TestGradientByDifferences(t *testing.T) {
	x, _ := clusters(25, 3)
	a := affinities(t, x, 6)
	for _, scale := range []float32{1e-2, 1, 20} {
		init := tensor.New(a.Len(), 2)
		tensor.Stream(1, "places").Normal(init.Data(), 0, scale)
		c := TSNE{Exact: true, Init: init}
		c.defaults(a.Len())
		s := newLayout(a, c)
		s.exaggeration = 1
		if got, want := s.divergence(), divergenceOf(a, s.x, s.y, 0, 0, 0); math.Abs(got-want) > 1e-5 {
			t.Errorf("scale %g: divergence %g, want %g", scale, got, want)
		}
		s.gradient()
		norm := 0.0
		for i := range s.x {
			gx, gy := s.at(i)
			norm = max(norm, math.Abs(float64(gx)), math.Abs(float64(gy)))
		}
		for i := range s.x {
			gx, gy := s.at(i)
			for c, got := range []float32{gx, gy} {
				h := 1e-4 * float64(scale)
				want := (divergenceOf(a, s.x, s.y, i, c, h) - divergenceOf(a, s.x, s.y, i, c, -h)) / (2 * h)
				if !(math.Abs(float64(got)-want) < 1e-4*norm) {
					t.Fatalf("scale %g: derivative %d of point %d is %g, by differences %g, of at most %g", scale, c, i, got, want,
						norm)
				}
			}
		}
	}
}

func TestFastGradientIsNearTheExactOne(t *testing.T) {
	x, _ := clusters(100, 7)
	a := affinities(t, x, 10)
	init := tensor.New(a.Len(), 2)
	tensor.Stream(1, "places").Normal(init.Data(), 0, 10)
	copy(init.Row(5), init.Row(4)) // two at one position
	layouts := [2]*layout{}
	for i, exact := range []bool{true, false} {
		c := TSNE{Exact: exact, Init: init}
		c.defaults(a.Len())
		layouts[i] = newLayout(a, c)
		layouts[i].gradient()
	}
	exact, fast := layouts[0], layouts[1]
	if !(math.Abs(fast.z/exact.z-1) < 2e-3) {
		t.Errorf("Z is %g, exactly %g", fast.z, exact.z)
	}
	wrong, size := 0.0, 0.0
	for i := range exact.x {
		wrong += math.Hypot(float64(fast.pushX[i]-exact.pushX[i]), float64(fast.pushY[i]-exact.pushY[i]))
		size += math.Hypot(float64(exact.pushX[i]), float64(exact.pushY[i]))
	}
	if !(wrong < 0.01*size) {
		t.Errorf("the repulsion is off by %g of %g", wrong, size)
	}
	if wrong == 0 {
		t.Error("the fast gradient is the exact one")
	}
}

func TestMapSeparatesClusters(t *testing.T) {
	x, label := clusters(60, 5)
	a := affinities(t, x, 15)
	var kl []float64
	c := TSNE{Iterations: 300, Early: 100, Progress: func(_ int, v float64) { kl = append(kl, v) }}
	if race.Enabled {
		c.Iterations = 250
	}
	m, err := c.Fit(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	points, err := retrieval.NewVectors(m.Y)
	if err != nil {
		t.Fatal(err)
	}
	first := points.Search(points, 6)
	if errors := retrieval.Errors(retrieval.Classify(first.WithoutSelf(), label, 5, retrieval.UniformVote),
		label); errors > 0 {
		t.Errorf("%d of %d points lie among others of another cluster", errors, len(label))
	}
	if len(kl) != c.Iterations/50 || kl[len(kl)-1] != m.KL || !(m.KL < kl[1]) {
		t.Errorf("divergence %v, at last %g", kl, m.KL)
	}
	if exact := a.KL(m.Y); math.Abs(m.KL-exact) > 0.01 {
		t.Errorf("divergence %g, summed exactly %g", m.KL, exact)
	}
	truth := func(i int, d []float32) {
		for j := range d {
			d[j] = 0
			for c, v := range x.Row(j) {
				d[j] += (v - x.Row(i)[c]) * (v - x.Row(i)[c])
			}
		}
	}
	if trust := Trustworthiness(m.Y, 10, truth, 0); !(trust > 0.9 && trust <= 1) {
		t.Errorf("trustworthiness %g", trust)
	}
}

func TestMapDoesNotDependOnWorkers(t *testing.T) {
	codes := retrieval.ActiveCodes(noisy(300, 40))
	near := (&retrieval.Index{Codes: codes}).Search(codes, 31).WithoutSelf()
	a, err := NewAffinities(near, true, 10)
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	for _, workers := range []int{1, 2, 5, 2} {
		m, err := TSNE{Iterations: 60, Early: 30, Workers: workers, Seed: 3}.Fit(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = m.Y.Data()
		} else if !slices.Equal(m.Y.Data(), want) {
			t.Errorf("%d workers draw another map", workers)
		}
	}
	m, err := TSNE{Iterations: 60, Early: 30, Seed: 4}.Fit(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(m.Y.Data(), want) {
		t.Error("another seed draws the same map")
	}
}

func noisy(n, d int) *tensor.Tensor {
	x := tensor.New(n, d)
	tensor.Stream(1, "noise").Normal(x.Data(), 0, 1)
	return x
}

func TestFitStops(t *testing.T) {
	a := affinities(t, noisy(50, 3), 5)
	ctx, cancel := context.WithCancelCause(context.Background())
	c := TSNE{Progress: func(iteration int, _ float64) {
		if iteration == 100 {
			cancel(errors.New("enough"))
		}
	}}
	m, err := c.Fit(ctx, a)
	if m == nil || m.Iterations != 100 || err == nil ||
		err.Error() != "embed: TSNE: stopped after 100 of 1000 steps: enough" {
		t.Errorf("%v after %+v", err, m)
	}
	if m, err := (TSNE{Rate: 1e30}).Fit(context.Background(), a); m != nil || err == nil ||
		!strings.Contains(err.Error(), "choose a rate below 1e+30") {
		t.Errorf("with a rate of 1e30: %v", err)
	}
}

// The map does not depend on the unit of the coordinates.
func TestMapDoesNotDependOnScale(t *testing.T) {
	x, _ := clusters(20, 3)
	fit := func(x *tensor.Tensor) *Map {
		m, err := TSNE{Iterations: 60}.Fit(context.Background(), affinities(t, x, 5))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := fit(x)
	tiny := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		tiny.Data()[i] = float32(math.Ldexp(float64(v), -100)) // about 1e-30, exactly
	}
	if got := fit(tiny); !slices.Equal(got.Y.Data(), want.Y.Data()) {
		t.Errorf("coordinates of scale 2^-100 make another map, with a divergence of %g for %g", got.KL, want.KL)
	}
}

func TestFitRefusesAStartFromWhichNoMapGrows(t *testing.T) {
	x, _ := clusters(10, 2)
	a := affinities(t, x, 3)
	start := func(set func(init *tensor.Tensor)) *tensor.Tensor {
		init := tensor.New(20, 2)
		tensor.Stream(1, "start").Normal(init.Data(), 0, 1e-4)
		set(init)
		return init
	}
	for want, init := range map[string]*tensor.Tensor{
		"all 20 samples on one point": start(func(init *tensor.Tensor) { init.Fill(3) }),
		"too near for float32":        start(func(init *tensor.Tensor) { scaleBy(init, 1e-26) }),
		"sample 7 at (NaN":            start(func(init *tensor.Tensor) { init.Set(float32(math.NaN()), 7, 0) }),
		"sample 19 at":                start(func(init *tensor.Tensor) { init.Set(float32(math.Inf(-1)), 19, 1) }),
	} {
		if _, err := (TSNE{Init: init, Iterations: 5}).Fit(context.Background(), a); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func scaleBy(x *tensor.Tensor, by float32) {
	for i := range x.Data() {
		x.Data()[i] *= by
	}
}

func TestOnePoint(t *testing.T) {
	a := &Affinities{start: []int{0, 0}}
	m, err := TSNE{Iterations: 5}.Fit(context.Background(), a)
	if err != nil || m.Y.At(0, 0) != 0 || m.Y.At(0, 1) != 0 {
		t.Errorf("one sample: %v, %v", m, err)
	}
}

// By hand: points 0 1 2 10 11 12 on a line, on a map where 2 and 10 are exchanged. With k = 1 and ties to the lower
// index, the nearest on the map are 1 0 4 1 2 4 at 0 1 10 2 11 12; see the ranks below.
func TestTrustworthiness(t *testing.T) {
	truth := []float32{0, 1, 2, 10, 11, 12}
	onMap := tensor.From([]float32{0, 1, 10, 2, 11, 12}, 6, 1)
	distances := func(i int, d []float32) {
		for j := range d {
			d[j] = float32(math.Abs(float64(truth[i] - truth[j])))
		}
	}
	// 0: 1, rank 1. 1: 0, rank 1. 2 (at 10): 4 (at 11), with true distance 9, after 1, 0 and 3: rank 4. 3 (at 2): 1 (at
	// 1), with true distance 9, after 4, 5 and 2: rank 4. 4 (at 11): 2 (at 10), with true distance 9, after 3 and 5: rank
	// 3. 5: 4, rank 1.
	want := 1 - 2.0/(6*1*(12-3-1))*(3+3+2)
	for _, workers := range []int{1, 2, 5} {
		if got := Trustworthiness(onMap, 1, distances, workers); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d workers: %g, want %g", workers, got, want)
		}
	}
	if got := Trustworthiness(tensor.From(truth, 6, 1), 2, distances, 0); got != 1 {
		t.Errorf("the truth has trustworthiness %g", got)
	}
}

// A map that is thrown apart when exaggeration ends converges to a divergence that depends on the new positions: it is
// larger by up to a fifth here. After a restart from rest, any start gives nearly the same divergence.
func TestDivergenceDoesNotDependOnTheStart(t *testing.T) {
	if race.Enabled {
		t.Skip("slow, and no other code than the tests above run")
	}
	images, _ := dataset.Glyphs(1)
	codes := retrieval.ActiveCodes(projected(images.X.Slice(0, 300), 200))
	near := (&retrieval.Index{Codes: codes}).Search(codes, 91).WithoutSelf()
	a, err := NewAffinities(near, true, 30)
	if err != nil {
		t.Fatal(err)
	}
	least, most := math.Inf(1), 0.0
	for seed := range uint64(4) {
		m, err := TSNE{Iterations: 750, Seed: seed}.Fit(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		least, most = min(least, m.KL), max(most, m.KL)
	}
	if !(most < 1.05*least) {
		t.Errorf("divergences from %g to %g", least, most)
	}
}

// projected returns x on d random directions.
func projected(x *tensor.Tensor, d int) *tensor.Tensor {
	w := noisy(d, x.Width())
	y := tensor.New(x.Rows(), d)
	for i := range x.Rows() {
		for j := range d {
			y.Set(simd.Dot(x.Row(i), w.Row(j)), i, j)
		}
	}
	return y
}
