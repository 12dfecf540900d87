// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// goldenData returns the atoms and patches of testdata/golden.py.
func goldenData() (atoms, patches *tensor.Tensor) {
	atoms, patches = tensor.New(96, 8, 8), tensor.New(40, 8, 8)
	for k := range 96 {
		sin, cos := math.Sincos(2.4 * float64(k))
		f, width := 0.08+0.04*float64(k%6), 1.5+float64(k%3)
		for i := range 64 {
			x, y := float64(i%8-(1+5*k%7)), float64(i/8-(1+3*k%7))
			wave := math.Cos(2*math.Pi*f*(x*cos+y*sin) + float64(k))
			atoms.Row(k)[i] = float32(math.Exp(-(x*x+y*y)/(2*width*width)) * wave)
		}
	}
	for n := range 40 {
		var p [64]float64
		mean := 0.0
		for i := range p {
			n, i := float64(n), float64(i)
			v := math.Sin(1+0.37*n+0.011*n*i+0.21*i) + 0.5*math.Cos(0.05*i*i+n)
			p[int(i)] = v
			mean += v / 64
		}
		for i, v := range p {
			patches.Row(n)[i] = float32(v - mean)
		}
	}
	return atoms, patches
}

// All solvers of the lasso reach the objective of scikit-learn's, and OMP takes the atoms that scikit-learn's takes.
func TestScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Lasso    []struct{ Penalty, Objective float64 }
		Supports [][]int
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden.Lasso) != 3 || len(golden.Supports) != 40 {
		t.Fatal(err, golden)
	}
	atoms, x := goldenData()
	d, err := NewDictionary(atoms)
	if err != nil {
		t.Fatal(err)
	}
	// Those that creep towards the minimum must not stop where they are merely slow.
	const steps, tol = 50_000, 1e-6
	for _, c := range golden.Lasso {
		for _, e := range []Encoder{
			&ISTA{Lambda: c.Penalty, Iterations: steps, Tol: tol}, &LCA{Lambda: c.Penalty, Steps: steps, Tol: tol},
			&FISTA{Lambda: c.Penalty}, &CoordinateDescent{Lambda: c.Penalty},
		} {
			if got := Objective(e, d, x, encode(t, e, d, x)); !(math.Abs(got/c.Objective-1) < 1e-5) {
				t.Errorf("%T, lambda %v: objective %v, want %v", e, c.Penalty, got, c.Objective)
			}
		}
	}
	codes := encode(t, &OMP{Atoms: 6}, d, x)
	for n, want := range golden.Supports {
		var got []int
		for k, a := range codes.Row(n) {
			if a != 0 {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("patch %d: OMP takes %v, want %v", n, got, want)
		}
	}
}

// Among atoms that are much alike the minimum is found in few sweeps, by steps for several coefficients at once; more
// atoms than there is room for at first change nothing.
func TestAlikeAtoms(t *testing.T) {
	rng := tensor.Stream(1, "alike")
	atoms, x := tensor.New(150, 200), tensor.New(3, 200)
	common := make([]float32, 200)
	rng.Normal(common, 0, 1)
	rng.Normal(atoms.Data(), 0, 0.2)
	for k := range 150 {
		for i, v := range common {
			atoms.Row(k)[i] += v
		}
	}
	d, err := NewDictionary(atoms)
	if err != nil {
		t.Fatal(err)
	}
	rng.Normal(x.Data(), 0, 1)
	for n := range 3 {
		for i := range 200 {
			x.Row(n)[i] += 3 * common[i]
		}
	}
	e := &CoordinateDescent{Lambda: 0.02, Sweeps: 400}
	codes := encode(t, e, d, x)
	want := encode(t, &FISTA{Lambda: 0.02, Iterations: 200_000, Tol: 1e-7}, d, x)
	active := 0
	for _, a := range codes.Data() {
		if a != 0 {
			active++
		}
	}
	if a, b := Objective(e, d, x, codes), Objective(e, d, x, want); !(a < b*(1+1e-5)) || active < 3*64 {
		t.Errorf("objective %v with %d coefficients, FISTA's %v", a, active, b)
	}
}
