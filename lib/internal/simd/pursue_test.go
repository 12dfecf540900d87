// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A step equals its definition in float64, for every number of directions and atoms, whole vectors or not, and touches
// nothing outside.
func TestPursuitStep(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, k := range []int{1, 7, 15, 16, 17, 31, 64, 65, 80, 256, 300} {
			for _, n := range []int{0, 1, 2, 9} {
				for _, optimized := range []bool{false, true} {
					testPursuitStep(t, k, n, optimized)
				}
			}
		}
	})
}

func testPursuitStep(t *testing.T, k, n int, optimized bool) {
	t.Helper()
	const z, inverse, least, guard = 0.7, 1.3, 1e-5, 3
	rng := rand.New(rand.NewPCG(uint64(k), uint64(n)))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	row, weights, older, products, scores := normal(k), normal(n), normal((n+1)*k+guard), normal(k+guard), normal(k+guard)
	lengths := make([]float32, k+guard)
	for i := range lengths {
		lengths[i] = 2 * rng.Float32()
	}
	behind := [][]float32{older[(n+1)*k:], products[k:], scores[k:], lengths[k:]}
	before := fmt.Sprint(behind, older[:n*k], row, weights)
	next, left, long := make([]float64, k), make([]float64, k), make([]float64, k)
	for j := range k {
		next[j] = float64(row[j])
		for e, w := range weights {
			next[j] += float64(w) * float64(older[e*k+j])
		}
		left[j] = float64(products[j]) - z*next[j]
		long[j] = math.Max(float64(lengths[j])-inverse*next[j]*next[j], float64(float32(least)))
	}
	p := Pursuit{Older: older, Products: products[:k], Scores: scores[:k]}
	if optimized {
		p.Lengths = lengths[:k]
	}
	at := p.Step(row, weights, z, inverse, least)
	near := func(what string, j int, got float32, want float64) {
		t.Helper()
		if !(math.Abs(float64(got)-want) <= 1e-5*(1+math.Abs(want))) {
			t.Fatalf("%d atoms, %d directions, optimized %v: %s %d is %v, want %v", k, n, optimized, what, j, got, want)
		}
	}
	for j := range k {
		near("product", j, older[n*k+j], next[j])
		near("residual", j, products[j], left[j])
		score := math.Abs(left[j])
		if optimized {
			near("length", j, lengths[j], long[j])
			score = float64(products[j]) * float64(products[j]) / float64(lengths[j])
		}
		near("score", j, scores[j], score)
		if scores[j] > scores[at] || scores[j] == scores[at] && j < at {
			t.Fatalf("%d atoms, %d directions: the best is %d with %v, but %d has %v", k, n, at, scores[at], j, scores[j])
		}
	}
	if after := fmt.Sprint(behind, older[:n*k], row, weights); after != before {
		t.Fatalf("%d atoms, %d directions: something else was written to", k, n)
	}
}

// TestPursuitPathsAgree compares the bits of the assembly paths.
func TestPursuitPathsAgree(t *testing.T) {
	assemblyAgrees(t, "6b3223a3cea474aa", func() []float32 {
		rng := rand.New(rand.NewPCG(1, 2))
		row, older, products := make([]float32, 240), make([]float32, 5*240), make([]float32, 240)
		lengths := make([]float32, 240)
		for _, x := range [][]float32{row, older, products, lengths} {
			for i := range x {
				x[i] = 2 + float32(rng.NormFloat64())
			}
		}
		p := Pursuit{Older: older, Products: products, Scores: make([]float32, 240), Lengths: lengths}
		at := p.Step(row, []float32{0.1, 0.2, 0.3, 0.4}, 0.5, 0.3, 1e-5)
		return slices.Concat([]float32{float32(at)}, p.Older, p.Products, p.Scores, p.Lengths)
	})
}

func TestPursuitStepPanics(t *testing.T) {
	for _, p := range []Pursuit{
		{Older: make([]float32, 5), Products: make([]float32, 3), Scores: make([]float32, 3)},
		{Older: make([]float32, 6), Products: make([]float32, 2), Scores: make([]float32, 3)},
		{Older: make([]float32, 6), Products: make([]float32, 3), Scores: make([]float32, 4)},
		{Older: make([]float32, 6), Products: make([]float32, 3), Scores: make([]float32, 3), Lengths: make([]float32, 1)},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.HasPrefix(r, "simd: Pursuit.Step: 1 weights, row of 3, ") {
					t.Errorf("panic %q", r)
				}
			}()
			p.Step(make([]float32, 3), make([]float32, 1), 1, 1, 1)
		}()
	}
}

func BenchmarkPursuitStep(b *testing.B) {
	eachImplementationBench(b, func(b *testing.B) {
		const k, n = 256, 5
		p := Pursuit{Older: make([]float32, (n+1)*k), Products: make([]float32, k), Scores: make([]float32, k)}
		row, weights := make([]float32, k), make([]float32, n)
		for b.Loop() {
			p.Step(row, weights, 1, 1, 1e-5)
		}
	})
}
