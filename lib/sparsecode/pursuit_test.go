// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// textbook is OMP in float64 with a least-squares solution for each choice: of the largest product with the residual,
// or, if optimized, of the atom that leaves the shortest residual.
func textbook(d *Dictionary, x []float32, atoms int, optimized bool) ([]int, []float64) {
	p := len(x)
	y := mat.NewVecDense(p, nil)
	for i, v := range x {
		y.SetVec(i, float64(v))
	}
	fit := func(support []int) (*mat.VecDense, *mat.VecDense) {
		a := mat.NewDense(p, len(support), nil)
		for c, k := range support {
			for i, v := range d.Atoms().Row(k) {
				a.Set(i, c, float64(v))
			}
		}
		var solution, left mat.VecDense
		if err := solution.SolveVec(a, y); err != nil {
			return nil, nil
		}
		left.MulVec(a, &solution)
		left.SubVec(y, &left)
		return &solution, &left
	}
	var support []int
	var solution *mat.VecDense
	r := y
	for range atoms {
		best, at := -1.0, 0
		for k := range d.Len() {
			if slices.Contains(support, k) {
				continue
			}
			score := 0.0
			if optimized {
				_, left := fit(append(slices.Clone(support), k))
				score = 1 / mat.Norm(left, 2)
			} else {
				for i, v := range d.Atoms().Row(k) {
					score += float64(v) * r.AtVec(i)
				}
				score = math.Abs(score)
			}
			if score > best {
				best, at = score, k
			}
		}
		support = append(support, at)
		solution, r = fit(support)
	}
	return support, solution.RawVector().Data
}

// OMP picks the atoms of the textbook with its coefficients, in both forms.
func TestOMPIsTheTextbook(t *testing.T) {
	d := RandomDictionary(64, 5, 6, 6)
	x := patches(d, 60, 0.1)
	differ := 0
	for _, optimized := range []bool{false, true} {
		codes := encode(t, &OMP{Atoms: 8, Optimized: optimized}, d, x)
		plain := encode(t, &OMP{Atoms: 8}, d, x)
		for n := range x.Rows() {
			want := make([]float64, d.Len())
			support, solution := textbook(d, x.Row(n), 8, optimized)
			for i, k := range support {
				want[k] = solution[i]
			}
			for k, a := range codes.Row(n) {
				if (a != 0) != (want[k] != 0) || math.Abs(float64(a)-want[k]) > 2e-5 {
					t.Errorf("optimized %v: patch %d: atom %d has the coefficient %v, want %v", optimized, n, k, a, want[k])
				}
				if optimized && (a != 0) != (plain.At(n, k) != 0) {
					differ++
				}
			}
		}
	}
	if differ == 0 {
		t.Error("the two forms never choose other atoms: the test shows nothing")
	}
}

// SparseSet takes the atoms of the optimized pursuit, and exactly as many of them as lower its objective each.
func TestSparseSet(t *testing.T) {
	d := RandomDictionary(64, 5, 6, 6)
	x := patches(d, 60, 0.1)
	e := &SparseSet{Lambda: 0.02}
	codes := encode(t, e, d, x)
	counts := map[int]bool{}
	for n := range x.Rows() {
		one, code := x.Slice(n, n+1), codes.Slice(n, n+1)
		taken := 0
		for _, a := range code.Data() {
			if a != 0 {
				taken++
			}
		}
		counts[taken] = true
		least := Objective(e, d, one, code)
		for atoms := max(1, taken-1); atoms <= taken+1; atoms++ {
			other := encode(t, &OMP{Atoms: atoms, Optimized: true}, d, one)
			switch o := Objective(e, d, one, other); {
			case atoms == taken && !slices.Equal(other.Data(), code.Data()):
				t.Errorf("patch %d: %d atoms are not those of the pursuit", n, taken)
			case atoms != taken && !(o > least):
				t.Errorf("patch %d: the objective is %v with %d atoms and %v with %d", n, least, taken, o, atoms)
			}
		}
	}
	if len(counts) < 3 {
		t.Errorf("the patches have only %v atoms: the test shows less than it should", counts)
	}
}

// The residual of OMP is orthogonal to the atoms taken, up to as many as there are pixels.
func TestResidualIsOrthogonal(t *testing.T) {
	d := RandomDictionary(64, 5, 6, 6)
	x := patches(d, 20, 0.1)
	for _, atoms := range []int{1, 10, 30, 64} {
		codes := encode(t, &OMP{Atoms: atoms}, d, x)
		for n := range x.Rows() {
			taken := 0
			for k, c := range products(d, x.Row(n), codes.Row(n)) {
				if codes.At(n, k) == 0 {
					continue
				}
				if taken++; !(math.Abs(c) < 2e-5) {
					t.Errorf("%d atoms: patch %d: the product with atom %d is %g", atoms, n, k, c)
				}
			}
			if taken > atoms || taken < min(atoms, 20) {
				t.Errorf("%d atoms asked for: patch %d has %d", atoms, n, taken)
			}
		}
	}
}

// With more pixels than atoms, OMP that may take all atoms finds the projection, also where some are nearly dependent.
func TestOMPNearlyDependentAtoms(t *testing.T) {
	atoms := tensor.New(3, 20)
	tensor.Stream(1, "atoms").Normal(atoms.Data(), 0, 1)
	for i := range 20 { // the third lies 1e-4 off the plane of the first two
		atoms.Set(atoms.At(0, i)+atoms.At(1, i)+1e-4*float32(i%3), 2, i)
	}
	d, err := NewDictionary(atoms)
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(1, 20)
	copy(x.Data(), atoms.Row(0))
	codes := encode(t, &OMP{Atoms: 3}, d, x)
	for k, c := range products(d, x.Row(0), codes.Row(0)) {
		if math.Abs(c) > 1e-4 {
			t.Errorf("the residual's product with atom %d is %g; code %v", k, c, codes)
		}
	}
}

// Matching pursuit follows its recurrence in float64.
func TestMatchingPursuit(t *testing.T) {
	d := RandomDictionary(64, 5, 6, 6)
	x := patches(d, 40, 0.1)
	const steps = 12
	codes := encode(t, &MatchingPursuit{Steps: steps}, d, x)
	again := 0
	for n := range x.Rows() {
		want := make([]float64, d.Len())
		r := make([]float64, d.Pixels())
		for i, v := range x.Row(n) {
			r[i] = float64(v)
		}
		for range steps {
			best, at := 0.0, 0
			for k := range d.Len() {
				c := 0.0
				for i, v := range d.Atoms().Row(k) {
					c += r[i] * float64(v)
				}
				if math.Abs(c) > math.Abs(best) {
					best, at = c, k
				}
			}
			if want[at] != 0 {
				again++
			}
			want[at] += best
			for i, v := range d.Atoms().Row(at) {
				r[i] -= best * float64(v)
			}
		}
		for k, a := range codes.Row(n) {
			if math.Abs(float64(a)-want[k]) > 2e-5 {
				t.Errorf("patch %d: atom %d has the coefficient %v, want %v", n, k, a, want[k])
			}
		}
	}
	if again == 0 {
		t.Error("no atom was taken twice: the test shows less than it should")
	}
}
