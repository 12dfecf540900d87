// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// patches returns n combinations of a few atoms each, with noise, of norm about 1.
func patches(d *Dictionary, n int, noise float32) *tensor.Tensor {
	rng := tensor.Stream(2, "patches")
	codes := tensor.New(n, d.Len())
	for i := range n {
		for range 5 {
			codes.Set(float32(rng.NormFloat64())/2, i, rng.IntN(d.Len()))
		}
	}
	x, e := d.Reconstruct(codes), tensor.New(n, d.Pixels())
	rng.Normal(e.Data(), 0, noise)
	for i := range x.Data() {
		x.Data()[i] += e.Data()[i]
	}
	return x
}

func encode(t *testing.T, e Encoder, d *Dictionary, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	codes, err := Encode(e, d, x)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// products returns <r,phi_i> of all atoms in float64, r = x - a Phi.
func products(d *Dictionary, x, code []float32) []float64 {
	r := make([]float64, len(x))
	for i, v := range x {
		r[i] = float64(v)
	}
	for k, a := range code {
		for i, v := range d.Atoms().Row(k) {
			r[i] -= float64(a) * float64(v)
		}
	}
	p := make([]float64, d.Len())
	for k := range p {
		for i, v := range d.Atoms().Row(k) {
			p[k] += r[i] * float64(v)
		}
	}
	return p
}

func all() []Encoder {
	return []Encoder{
		&MatchingPursuit{Steps: 7}, &OMP{Atoms: 7}, &OMP{Atoms: 7, Optimized: true}, &ISTA{Lambda: 0.1}, &FISTA{Lambda: 0.1},
		&CoordinateDescent{Lambda: 0.1}, &LCA{Lambda: 0.1}, &LCA{Lambda: 0.1, Hard: true},
		&Sparsenet{Cost: LogCost, Lambda: 0.1, Sigma: 0.3}, &Sparsenet{Cost: ExpCost, Lambda: 0.1, Sigma: 0.5},
		&Sparsenet{Lambda: 0.1}, &SparseSet{Lambda: 0.01},
	}
}

func withWorkers(e Encoder, n int) Encoder {
	switch e := e.(type) {
	case *MatchingPursuit:
		e.Workers = n
	case *OMP:
		e.Workers = n
	case *ISTA:
		e.Workers = n
	case *FISTA:
		e.Workers = n
	case *CoordinateDescent:
		e.Workers = n
	case *LCA:
		e.Workers = n
	case *Sparsenet:
		e.Workers = n
	case *SparseSet:
		e.Workers = n
	}
	return e
}

// Each encoder gives a patch the same code, bit by bit, alone, in any batch, and on any number of workers; and leaves
// its inputs as they are.
func TestCodesDependOnThePatchAlone(t *testing.T) {
	d := RandomDictionary(90, 1, 7, 9)
	x := patches(d, 150, 0.05)
	before := x.Clone()
	for _, e := range all() {
		want := encode(t, withWorkers(e, 1), d, x)
		if got := encode(t, withWorkers(e, 3), d, x); !slices.Equal(got.Data(), want.Data()) {
			t.Errorf("%T: three workers find other codes than one", e)
		}
		if got := encode(t, withWorkers(e, 1), d, x.Slice(70, 71)); !slices.Equal(got.Data(), want.Row(70)) {
			t.Errorf("%T: a patch alone has another code than in a batch", e)
		}
		if !slices.Equal(x.Data(), before.Data()) {
			t.Fatalf("%T writes to the patches", e)
		}
	}
}

func TestEncodersAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	d := RandomDictionary(40, 1, 6, 6)
	x, codes := patches(d, 100, 0.05), new(tensor.Tensor)
	for _, e := range all() {
		step := func() {
			if err := e.EncodeTo(codes, d, x); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if n := testing.AllocsPerRun(10, step); n > 1 { // a collection may empty the pools
			t.Errorf("%T allocates %v times a batch", e, n)
		}
	}
}

// All encoders of the lasso reach a point that satisfies its conditions, and the same objective.
func TestLasso(t *testing.T) {
	for _, gains := range []bool{false, true} {
		d := RandomDictionary(100, 3, 8, 8)
		if gains {
			for i := range d.Gains() {
				d.Gains()[i] = 0.7 + float32(i%5)/6
			}
		}
		x := patches(d, 80, 0.02)
		const lambda = 0.05
		objectives := map[string]float64{}
		for _, e := range []Encoder{
			&ISTA{Lambda: lambda, Iterations: 5000}, &FISTA{Lambda: lambda}, &CoordinateDescent{Lambda: lambda},
			&LCA{Lambda: lambda, Steps: 5000}, &Sparsenet{Lambda: lambda, Iterations: 2000},
		} {
			codes := encode(t, e, d, x)
			name := fmt.Sprintf("%T, gains %v", e, gains)
			objectives[name] = Objective(e, d, x, codes)
			worst, nonzero := 0.0, 0
			for n := range x.Rows() {
				for i, c := range products(d, x.Row(n), codes.Row(n)) {
					threshold := lambda / float64(d.Gains()[i])
					switch a := codes.At(n, i); {
					case a > 0:
						worst, nonzero = max(worst, math.Abs(c-threshold)), nonzero+1
					case a < 0:
						worst, nonzero = max(worst, math.Abs(c+threshold)), nonzero+1
					default:
						worst = max(worst, math.Abs(c)-threshold)
					}
				}
			}
			t.Logf("%s: objective %.8f, conditions violated by %.1e, %.1f coefficients", name, objectives[name], worst,
				float64(nonzero)/float64(x.Rows()))
			if !(worst < 2e-4) || nonzero < 5*x.Rows() || nonzero > x.Len()/2 {
				t.Errorf("%s: the conditions of the lasso are violated by %g, %d coefficients", name, worst, nonzero)
			}
		}
		want := objectives[fmt.Sprintf("%T, gains %v", &CoordinateDescent{}, gains)]
		for name, got := range objectives {
			if !(math.Abs(got-want) <= 1e-5*want) {
				t.Errorf("%s: objective %.9f, coordinate descent's is %.9f", name, got, want)
			}
		}
	}
}

// No iteration of ISTA raises the objective of a single patch.
func TestISTADescends(t *testing.T) {
	d := RandomDictionary(60, 1, 6, 6)
	x := patches(d, 20, 0.1)
	for n := range x.Rows() {
		before := math.Inf(1)
		first := 0.0
		for i := 1; i <= 40; i++ {
			e := &ISTA{Lambda: 0.05, Iterations: i}
			one := x.Slice(n, n+1)
			now := Objective(e, d, one, encode(t, e, d, one))
			if i == 1 {
				first = now
			}
			if !(now <= before*(1+1e-6)) {
				t.Fatalf("patch %d: iteration %d raises the objective from %.9f to %.9f", n, i, before, now)
			}
			before = now
		}
		if before > 0.999*first {
			t.Errorf("patch %d: 40 iterations lower the objective from %g to %g only", n, first, before)
		}
	}
}

// FISTA needs fewer iterations than ISTA.
func TestMomentumHelps(t *testing.T) {
	d := RandomDictionary(150, 1, 8, 8)
	x := patches(d, 30, 0.05)
	best := Objective(&CoordinateDescent{Lambda: 0.02}, d, x, encode(t, &CoordinateDescent{Lambda: 0.02}, d, x))
	slow, fast := &ISTA{Lambda: 0.02, Iterations: 60}, &FISTA{Lambda: 0.02, Iterations: 60}
	a, b := Objective(slow, d, x, encode(t, slow, d, x))-best, Objective(fast, d, x, encode(t, fast, d, x))-best
	if !(b < a/5) {
		t.Errorf("after 60 iterations FISTA is %g above the minimum, ISTA %g", b, a)
	}
}

// With an orthonormal dictionary each solution is known: b = x Phi^T, shrunk by lambda for the lasso, kept where it is
// above lambda by the hard threshold, the largest ones by pursuit.
func TestOrthonormalAtoms(t *testing.T) {
	eye := tensor.New(6, 6)
	for i := range 6 {
		eye.Set(1, i, i)
	}
	d, err := NewDictionary(eye)
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.From([]float32{3, -2, 0.5, -0.4, 1, 0}, 1, 6)
	for _, c := range []struct {
		e    Encoder
		want []float32
	}{
		{&ISTA{Lambda: 0.75}, []float32{2.25, -1.25, 0, 0, 0.25, 0}},
		{&FISTA{Lambda: 0.75}, []float32{2.25, -1.25, 0, 0, 0.25, 0}},
		{&CoordinateDescent{Lambda: 0.75}, []float32{2.25, -1.25, 0, 0, 0.25, 0}},
		{&LCA{Lambda: 0.75}, []float32{2.25, -1.25, 0, 0, 0.25, 0}},
		{&LCA{Lambda: 0.75, Hard: true}, []float32{3, -2, 0, 0, 1, 0}},
		{&MatchingPursuit{Steps: 2}, []float32{3, -2, 0, 0, 0, 0}},
		{&OMP{Atoms: 4}, []float32{3, -2, 0.5, 0, 1, 0}},
		{&OMP{Atoms: 6, Residual: 1.2}, []float32{3, -2, 0, 0, 0, 0}}, // what is left has the length sqrt(1.41), then 0.64
		{&OMP{Atoms: 6, Residual: 1.1}, []float32{3, -2, 0, 0, 1, 0}},
		{&OMP{Atoms: 6}, []float32{3, -2, 0.5, -0.4, 1, 0}},
		{&SparseSet{Lambda: 0.49}, []float32{3, -2, 0, 0, 1, 0}}, // beyond sqrt(2 lambda) = 0.99
		{&SparseSet{Lambda: 0.51}, []float32{3, -2, 0, 0, 0, 0}}, // 1.01
		{&SparseSet{Lambda: 0.01, Atoms: 1}, []float32{3, 0, 0, 0, 0, 0}},
		{&MatchingPursuit{Steps: 50}, []float32{3, -2, 0.5, -0.4, 1, 0}},
	} {
		for i, got := range encode(t, c.e, d, x).Data() {
			if !(math.Abs(float64(got-c.want[i])) < 1e-4) {
				t.Errorf("%T %+v: coefficient %d is %v, want %v", c.e, c.e, i, got, c.want[i])
			}
		}
	}
}

// The fixed point of the hard threshold leaves a residual that is orthogonal to the active atoms, none of which is
// below the threshold.
func TestHardLCA(t *testing.T) {
	d := RandomDictionary(100, 3, 8, 8)
	x := patches(d, 40, 0.02)
	const lambda = 0.15
	codes := encode(t, &LCA{Lambda: lambda, Hard: true, Steps: 5000}, d, x)
	active := 0
	for n := range x.Rows() {
		for i, c := range products(d, x.Row(n), codes.Row(n)) {
			a := math.Abs(float64(codes.At(n, i)))
			switch {
			case a == 0 && math.Abs(c) > lambda+1e-4:
				t.Errorf("patch %d: the silent neuron %d is driven by %g", n, i, c)
			case a != 0 && (math.Abs(c) > 1e-4 || a < lambda-1e-4):
				t.Errorf("patch %d: the active neuron %d has the coefficient %g and is driven by %g", n, i, a, c)
			case a != 0:
				active++
			}
		}
	}
	if active < x.Rows() {
		t.Errorf("%d active neurons", active)
	}
}

// What is watched are the steps of the dynamics in float64, and the last code is the result.
func TestWatchLCA(t *testing.T) {
	d := RandomDictionary(12, 3, 3, 3)
	x := patches(d, 2, 0.02)
	u, a := make([]float64, 12), make([]float64, 12)
	seen := 0
	var last *tensor.Tensor
	e := &LCA{Lambda: 0.1, Rate: 0.05, Steps: 30, Watch: func(step int, potentials, codes *tensor.Tensor) {
		if seen++; step != seen {
			t.Fatalf("step %d comes as number %d", step, seen)
		}
		code := make([]float32, 12)
		for i, v := range a {
			code[i] = float32(v)
		}
		for i, c := range products(d, x.Row(1), code) {
			u[i] += 0.05 * (c + a[i] - u[i])
		}
		for i, v := range u {
			a[i] = math.Copysign(max(math.Abs(v)-0.1, 0), v)
			if math.Abs(v-float64(potentials.At(1, i))) > 1e-5 || math.Abs(a[i]-float64(codes.At(1, i))) > 1e-5 {
				t.Errorf("step %d, neuron %d: u = %v, a = %v, want %v, %v", step, i, potentials.At(1, i), codes.At(1, i), v, a[i])
			}
		}
		last = codes.Clone()
	}}
	codes := encode(t, e, d, x)
	if seen != 30 || !slices.Equal(last.Data(), codes.Data()) {
		t.Errorf("%d steps seen, the last with %v, the result is %v", seen, last, codes)
	}
}

// Smooth costs: the code is a stationary point of the objective, whose slope is found by differences in float64.
func TestSparsenetIsStationary(t *testing.T) {
	d := RandomDictionary(50, 3, 6, 6)
	for i := range d.Gains() {
		d.Gains()[i] = 0.8 + float32(i%3)/5
	}
	x := patches(d, 10, 0.05)
	for _, e := range []*Sparsenet{
		{Cost: LogCost, Lambda: 0.05, Sigma: 0.3, Iterations: 5000},
		{Cost: ExpCost, Lambda: 0.05, Sigma: 0.5, Iterations: 5000},
	} {
		codes := encode(t, e, d, x)
		for n := range x.Rows() {
			for i, c := range products(d, x.Row(n), codes.Row(n)) {
				scale := e.Sigma * float64(d.Gains()[i])
				a, h := float64(codes.At(n, i))/scale, 1e-5
				slope := e.Lambda * (e.Cost.Of(a+h) - e.Cost.Of(a-h)) / (2 * h) / scale
				if !(math.Abs(slope-c) < 2e-4) {
					t.Errorf("%v: patch %d: coefficient %d: the slope of the objective is %g", e.Cost, n, i, slope-c)
				}
				if s := e.Lambda * e.Cost.Slope(a) / scale; !(math.Abs(s-slope) < 1e-6) {
					t.Errorf("%v: slope %g at %g, by differences %g", e.Cost, s, a, slope)
				}
			}
		}
		start := &Sparsenet{Cost: e.Cost, Lambda: e.Lambda, Sigma: e.Sigma, Iterations: 1}
		if a, b := Objective(e, d, x, codes), Objective(e, d, x, encode(t, start, d, x)); !(a < b) {
			t.Errorf("%v: objective %g, after one step %g", e.Cost, a, b)
		}
	}
}

func TestObjective(t *testing.T) {
	d, err := NewDictionary(tensor.From([]float32{2, 0, 0, 3}, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	d.Gains()[1] = 2
	x, codes := tensor.From([]float32{1, 2, 0, 4}, 2, 2), tensor.From([]float32{2, 1, 0, -2}, 2, 2)
	// Residuals (-1, 1) and (0, 6): 1/2·2 = 1 and 18. Penalties: |a| are 2 and 1/2; 0 and 1.
	for _, c := range []struct {
		e    Encoder
		want float64
	}{
		{&OMP{}, 19.0 / 2},
		{&FISTA{Lambda: 0.5}, (19 + 0.5*3.5) / 2},
		{&LCA{Lambda: 0.5, Hard: true}, (19 + (0.25+0.0625+0.0625)/2) / 2},
		{&SparseSet{Lambda: 0.5}, (19 + 0.5*3) / 2},
		{&Sparsenet{Cost: LogCost, Lambda: 0.5, Sigma: 2}, (19 + 0.5*(math.Log(2)+math.Log(1+1.0/16)+math.Log(1.25))) / 2},
	} {
		if got := Objective(c.e, d, x, codes); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%T: objective %v, want %v", c.e, got, c.want)
		}
	}
}

// Whatever is wrong is said before any work: the codes stay as they were.
func TestBadInput(t *testing.T) {
	d := RandomDictionary(20, 1, 4, 4)
	good := patches(d, 3, 0.1)
	nan, flat, big := good.Clone(), good.Clone(), good.Clone()
	nan.Row(2)[6] = float32(math.NaN())
	big.Row(1)[0] = float32(math.Inf(-1))
	for i := range 16 {
		flat.Row(1)[i] = 0.5
	}
	for _, e := range all() {
		for _, c := range []struct {
			x    *tensor.Tensor
			want string
		}{
			{nan, "patch 2: the pixel in row 1, column 2 is NaN"},
			{big, "patch 1: the pixel in row 0, column 0 is -Inf"},
			{flat, "patch 1: every pixel is 0.5: remove the mean of each patch before encoding"},
			{tensor.New(3, 8, 8), "patches of shape [3 8 8] for atoms of 4x4 pixels: want [N, 4x4]"},
			{tensor.New(3, 2, 8), "patches of shape [3 2 8] for atoms of 4x4 pixels: want [N, 4x4]"},
			{tensor.New(16), "patches of shape [16] for atoms of 4x4 pixels: want [N, 4x4]"},
		} {
			refused(t, e, d, c.x, c.want)
		}
		for n, a := range encode(t, e, d, tensor.New(1, 4, 4)).Data() {
			if a != 0 {
				t.Errorf("%T: a patch of zeros has the coefficient %v at %d", e, a, n)
			}
		}
		if codes := encode(t, e, d, tensor.New(0, 4, 4)); codes.Rows() != 0 || codes.Width() != 20 {
			t.Errorf("%T: no patches have codes of shape %v", e, codes.Shape())
		}
	}
	inf, not := math.Inf(1), math.NaN()
	for _, c := range []struct {
		e    Encoder
		want string
	}{
		{&OMP{}, "OMP: Atoms is 0: want 1 to 20, the atoms of the dictionary"},
		{&OMP{Atoms: 21}, "OMP: Atoms is 21: want 1 to 20, the atoms of the dictionary"},
		{&OMP{Atoms: 2, Residual: -1}, "OMP: Residual is -1: want 0 or a positive number"},
		{&MatchingPursuit{}, "MatchingPursuit: Steps is 0: want at least 1"},
		{&MatchingPursuit{Steps: 1, Residual: not}, "MatchingPursuit: Residual is NaN"},
		{&ISTA{}, "ISTA: Lambda is 0: want a positive number"},
		{&ISTA{Lambda: 1, Iterations: -1}, "ISTA: Iterations is -1: want at least 1"},
		{&FISTA{Lambda: -0.5}, "FISTA: Lambda is -0.5: want a positive number"},
		{&FISTA{Lambda: 1, Tol: -1}, "FISTA: Tol is -1"},
		{&CoordinateDescent{Lambda: not}, "CoordinateDescent: Lambda is NaN: want a positive number"},
		{&CoordinateDescent{Lambda: 1, Sweeps: -3}, "CoordinateDescent: Sweeps is -3"},
		{&LCA{Lambda: inf}, "LCA: Lambda is +Inf: want a positive number"},
		{&LCA{Lambda: 1, Rate: 1.5}, "LCA: Rate is 1.5: want less than 0."},
		{&LCA{Lambda: 1, Steps: -1}, "LCA: Steps is -1"},
		{&LCA{Lambda: 1, Rate: 1.5, Watch: func(int, *tensor.Tensor, *tensor.Tensor) {}}, "LCA: Rate is 1.5"},
		{&SparseSet{}, "SparseSet: Lambda is 0: want a positive number"},
		{&SparseSet{Lambda: 1, Atoms: 21}, "SparseSet: Atoms is 21: want 1 to 20, the atoms of the dictionary, or 0"},
		{&Sparsenet{Lambda: 0}, "Sparsenet: Lambda is 0"},
		{&Sparsenet{Lambda: 1, Sigma: -1}, "Sparsenet: Sigma is -1"},
		{&Sparsenet{Lambda: 1, Cost: 7}, "Sparsenet: Cost is Cost(7): want AbsCost, LogCost or ExpCost"},
	} {
		refused(t, c.e, d, good, c.want)
	}
	huge := tensor.New(2, 4, 4)
	for i, v := range d.Atoms().Row(3) {
		huge.Row(1)[i] = float32(math.Copysign(3e38, float64(v)))
	}
	for _, e := range all() {
		refused(t, e, d, huge, "patch 1: its length is above 1e+15: scale pixels to about 1")
	}
	tiny := tensor.New(1, 4, 4)
	for i, v := range d.Atoms().Row(3) {
		tiny.Data()[i] = 1e-30 * v
	}
	for _, e := range []Encoder{&OMP{Atoms: 1}, &MatchingPursuit{Steps: 1}} {
		if a := encode(t, e, d, tiny).At(0, 3); math.Abs(float64(a)/1e-30-1) > 1e-5 {
			t.Errorf("%T: a patch of length 1e-30 has the coefficient %v", e, a)
		}
	}
}

func refused(t *testing.T, e Encoder, d *Dictionary, x *tensor.Tensor, want string) {
	t.Helper()
	codes := tensor.From([]float32{7}, 1, 1)
	err := e.EncodeTo(codes, d, x)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sparsecode: ") {
		t.Errorf("%T: %v, want %q", e, err, want)
	}
	if codes.Len() != 1 || codes.At(0, 0) != 7 {
		t.Errorf("%T: the codes were written to", e)
	}
}
