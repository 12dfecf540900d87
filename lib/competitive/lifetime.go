// SPDX-License-Identifier: Apache-2.0

package competitive

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Winning returns how many of n samples win under lifetime sparsity: floor(share·n), where a product within 1e-9 of an
// integer counts as that integer, so that 29 % of 100 samples are 29.
func Winning(share float64, n int) int { return int(share*float64(n) + 1e-9) }

// Lifetime applies lifetime sparsity: each unit competes with itself over the samples of a batch. Of its net inputs,
// the k = [Winning](share, N) largest pass and the others become 0.
//
//	z [N, U] (further dimensions are merged into U) -> y of the same shape, with k winners per column
//
// Exactly k samples win, so zeros win if fewer than k net inputs are positive. Lifetime panics unless 1 <= k <= N.
// Source: [WTA15].
func Lifetime(z *autograd.Var, share float64) *autograd.Var {
	n, units := z.Rows(), z.Width()
	k := Winning(share, n)
	if !(share <= 1) || k < 1 {
		panic(fmt.Sprintf("competitive: Lifetime: a share of %g leaves %d winners in z %v: want a share of at least 1/N, "+
			"at most 1", share, k, z.Shape()))
	}
	y, op := autograd.Record[lifetimeOp]("Lifetime", z)
	y.Resize(z.Shape()...)
	op.k = k
	op.winners = slices.Grow(op.winners[:0], units*k)[:units*k]
	op.columns = slices.Grow(op.columns[:0], units*n)[:units*n]
	clear(y.Data())
	autograd.For(y, units, unitsWorthSharing, (*lifetimeOp).forward)
	return y
}

// unitsWorthSharing is the number of units from which a second goroutine pays.
const unitsWorthSharing = 32

type lifetimeOp struct {
	contest // the winning samples of each unit, in ascending order
	k       int
	columns []float32 // z, transposed
}

// forward finds the winners of units lo to hi.
func (op *lifetimeOp) forward(y *autograd.Var, lo, hi int) {
	n, units := y.Rows(), y.Width()
	z, out := y.In(0).Data(), y.Data()
	columns := op.columns[lo*n : hi*n]
	simd.Transpose(columns, n, z[lo:], units, n, hi-lo)
	for u := lo; u < hi; u++ {
		win := op.winners[u*op.k : (u+1)*op.k]
		largest(win, columns[(u-lo)*n:][:n])
		for _, i := range win {
			at := int(i)*units + u
			out[at] = z[at]
		}
	}
}

func (op *lifetimeOp) Backward(y *autograd.Var) {
	z := y.In(0)
	if !z.NeedsGrad() {
		return
	}
	dz, dy, units := z.GradSum(), y.Grad().Data(), y.Width()
	for j, i := range op.winners {
		at := int(i)*units + j/op.k
		dz[at] += dy[at]
	}
}

// Submask marks the winners.
func (op *lifetimeOp) Submask(y *autograd.Var, mask []float32) {
	for j, i := range op.winners {
		mask[int(i)*y.Width()+j/op.k] = 1
	}
}
