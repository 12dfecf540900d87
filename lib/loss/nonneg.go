// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// NonNegativity returns a penalty on negative elements,
//
//	(1/N) sum_n ||max(0, -z_n)||²,
//
// which is 0 if no element of z is negative.
//
//	z [N, ...] -> one number
//
// Sum it over the intermediate rendered templates of a mixture model to keep them non-negative.
// Source: [NINAI17, eq. 4].
func NonNegativity(z *autograd.Var) *autograd.Var {
	y, op := autograd.Record[nonNegativityOp]("NonNegativity", z)
	y.Resize()
	op.negative = slices.Grow(op.negative[:0], z.Value().Len())[:z.Value().Len()]
	op.squares = slices.Grow(op.squares[:0], z.Rows())[:z.Rows()]
	autograd.For(y, z.Rows(), rowsWorthSharing(z), (*nonNegativityOp).forward)
	var sum float64
	for _, squares := range op.squares {
		sum += float64(squares)
	}
	y.Data()[0] = float32(sum / float64(z.Rows()))
	return y
}

type nonNegativityOp struct {
	negative []float32 // min(0, z)
	squares  []float32 // sum over each row
	slope    float32   // 2/N, times the gradient of the result
}

func (op *nonNegativityOp) forward(y *autograd.Var, lo, hi int) {
	z := y.In(0)
	w := z.Width()
	for n := lo; n < hi; n++ {
		row := op.negative[n*w : (n+1)*w]
		simd.Clamp(row, z.Value().Row(n), float32(math.Inf(-1)), 0)
		op.squares[n] = simd.SumSquares(row)
	}
}

// Backward adds 2 min(0, z) / N.
func (op *nonNegativityOp) Backward(y *autograd.Var) {
	if z := y.In(0); z.NeedsGrad() {
		z.GradSum()
		op.slope = 2 * y.Grad().Data()[0] / float32(z.Rows())
		autograd.For(y, z.Rows(), rowsWorthSharing(z), (*nonNegativityOp).backward)
	}
}

func (op *nonNegativityOp) backward(y *autograd.Var, lo, hi int) {
	z := y.In(0)
	w := z.Width()
	simd.Axpy(z.Grad().Data()[lo*w:hi*w], op.slope, op.negative[lo*w:hi*w])
}

// rowsWorthSharing returns the number of rows from which another goroutine pays.
func rowsWorthSharing(z *autograd.Var) int { return 1<<14/max(z.Width(), 1) + 1 }
