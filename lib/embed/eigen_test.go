// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// symmetric returns Q diag(values) Q^T for a random orthogonal Q.
func symmetric(values []float64) []float64 {
	n := len(values)
	rng := tensor.Stream(1, "symmetric")
	random := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			random.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(random)
	var q, a mat.Dense
	qr.QTo(&q)
	a.Product(&q, mat.NewDiagDense(n, values), q.T())
	return slices.Clone(a.RawMatrix().Data)
}

func TestTop(t *testing.T) {
	spread := func(n int, f func(i int) float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = f(i)
		}
		return values
	}
	blocks := make([]float64, 36) // splits into [[2 1] [1 2]] twice, 3 and 1: the value 3 three times, 1 three times
	for _, i := range []int{0, 2} {
		blocks[i*6+i], blocks[(i+1)*6+i+1], blocks[(i+1)*6+i], blocks[i*6+i+1] = 2, 2, 1, 1
	}
	blocks[4*6+4], blocks[5*6+5] = 3, 1
	for name, a := range map[string][]float64{
		"one":                {7},
		"zero":               make([]float64, 25),
		"identity":           {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"diagonal":           {1, 0, 0, 0, 3, 0, 0, 0, 2},
		"blocks":             blocks,
		"spread":             symmetric(spread(60, func(i int) float64 { return float64(i) })),
		"falling fast":       symmetric(spread(60, func(i int) float64 { return math.Pow(2, -float64(i)) })),
		"rank 3":             symmetric(spread(60, func(i int) float64 { return max(0, 3-float64(i)) })),
		"equal":              symmetric(spread(60, func(i int) float64 { return float64(i / 10) })),
		"almost equal":       symmetric(spread(60, func(i int) float64 { return float64(i/10) + 1e-13*float64(i) })),
		"negative as well":   symmetric(spread(60, func(i int) float64 { return float64(i - 30) })),
		"all negative":       symmetric(spread(20, func(i int) float64 { return -1 - float64(i) })),
		"large":              symmetric(spread(20, func(i int) float64 { return 1e80 * float64(i) })),
		"small":              symmetric(spread(20, func(i int) float64 { return 1e-80 * float64(i) })),
		"a cluster in front": symmetric(spread(100, func(i int) float64 { return 1 + 1e-10*float64(i%50)*float64(i/50) })),
	} {
		n := int(math.Sqrt(float64(len(a))))
		var oracle mat.EigenSym
		if !oracle.Factorize(mat.NewSymDense(n, slices.Clone(a)), false) {
			t.Fatalf("%s: the oracle failed", name)
		}
		want := oracle.Values(nil)
		slices.Reverse(want)
		norm := max(math.Abs(want[0]), math.Abs(want[n-1]))
		rounding := 1e-14 * float64(n) * norm

		lower := slices.Clone(a)
		for i := range n {
			for j := i + 1; j < n; j++ {
				lower[i*n+j] = math.NaN() // the upper triangle must not be read
			}
		}
		values, vectors, err := top(lower, n, n)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for j, value := range values {
			if !(math.Abs(value-want[j]) <= rounding) {
				t.Errorf("%s: value %d is %.15g, want %.15g", name, j, value, want[j])
			}
			v := vectors.Data[j*n : (j+1)*n]
			for i := range j + 1 {
				inner, expected := dot(v, vectors.Data[i*n:(i+1)*n]), 0.0
				if i == j {
					expected = 1
				}
				if !(math.Abs(inner-expected) < 1e-13*float64(n)) {
					t.Errorf("%s: vectors %d and %d have inner product %g", name, i, j, inner)
				}
			}
			for i := range n {
				if residual := dot(a[i*n:(i+1)*n], v) - value*v[i]; !(math.Abs(residual) <= rounding) {
					t.Errorf("%s: (A v - value v)[%d] of vector %d is %g, of norm %g", name, i, j, residual, norm)
				}
			}
		}
	}
}
