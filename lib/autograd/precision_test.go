// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// precisionCases are operations that compute matrix products, with the shapes of their inputs.
var precisionCases = []struct {
	name  string
	x, w  []int
	error float64 // relative to that of a product; 0 for operations without one
	run   func(x, w *Var) *Var
}{
	{"Linear", []int{50, 300}, []int{70, 300}, 1, func(x, w *Var) *Var { return Linear(x, w, nil) }},
	{"MatMul", []int{50, 300}, []int{300, 70}, 1, func(x, w *Var) *Var { return MatMul(x, w) }},
	{"3 x 3", []int{4, 64, 14, 14}, []int{48, 64, 3, 3}, 5,
		func(x, w *Var) *Var { return Conv2D(x, w, nil, SamePadding(3, 3)) }},
	{"5 x 5", []int{4, 64, 14, 14}, []int{48, 64, 5, 5}, 5,
		func(x, w *Var) *Var { return Conv2D(x, w, nil, SamePadding(5, 5)) }},
	{"direct", []int{4, 8, 14, 14}, []int{12, 8, 5, 5}, 0, func(x, w *Var) *Var { return Conv2D(x, w, nil, ConvShape{}) }},
}

// TestPrecisions measures how far results and gradients in each precision are from those in float32, relative to their
// root mean square, and expects the same bits for any number of goroutines.
func TestPrecisions(t *testing.T) {
	if simd.Matmul() != simd.Float32 {
		t.Skip("LATERAL_MATMUL is set")
	}
	defer simd.SetMatmul(simd.Float32)
	for _, c := range precisionCases {
		xt, wt := tensor.New(c.x...), tensor.New(c.w...)
		tensor.Stream(1, c.name+" x").Normal(xt.Data(), 0, 1)
		tensor.Stream(1, c.name+" w").Normal(wt.Data(), 0, 1)
		compute := func(workers int) (results [3][]float32) {
			tape := NewTape(workers)
			x, w := tape.Leaf(xt), NewParam(wt)
			y := c.run(x, w)
			dy := tensor.New(y.Shape()...)
			tensor.Stream(1, c.name+" dy").Normal(dy.Data(), 0, 1)
			tape.Backward(Sum(Mul(y, tape.Input(dy))))
			return [3][]float32{slices.Clone(y.Data()), slices.Clone(w.Grad().Data()), slices.Clone(x.Grad().Data())}
		}
		simd.SetMatmul(simd.Float32)
		want := compute(1)
		for precision, unit := range map[simd.Precision]float64{simd.BF16x3: 4.4e-6, simd.BF16: 2.3e-3} {
			simd.SetMatmul(precision)
			results, shared := compute(1), [][3][]float32{compute(2), compute(3), compute(5)}
			for i, got := range results {
				name := fmt.Sprintf("%s, %s of %s", precision, []string{"result", "weight gradient", "input gradient"}[i], c.name)
				var errors, squares float64
				for j, v := range want[i] {
					errors += float64(got[j]-v) * float64(got[j]-v)
					squares += float64(v) * float64(v)
				}
				relative := math.Sqrt(errors / squares)
				t.Logf("%s: %.2g", name, relative)
				if expected := unit * c.error; !(relative >= expected/1.5 && relative <= expected*1.5) {
					t.Errorf("%s: the relative error is %.2g, not about %.2g", name, relative, expected)
				}
				for _, other := range shared {
					if at := differ(other[i], got); at >= 0 {
						t.Errorf("%s: element %d depends on the number of goroutines", name, at)
					}
				}
			}
		}
	}
}
