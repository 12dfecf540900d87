// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/parallel"

// For runs do over [0, n) in at most [Tape.Workers] contiguous ranges, none shorter than grain, and returns when all
// are done. Which range an index falls into must not change its result. Choose grain so that a range is at least some
// ten microseconds of work. The function must capture nothing, or each call allocates: v holds what it needs.
func (t *Tape) For(v *Var, n, grain int, do func(v *Var, lo, hi int)) {
	if t.workers == 1 || n < 2*grain {
		do(v, 0, n)
		return
	}
	v.part = do
	parallel.For(t.workers, n, grain, v, func(arg any, lo, hi int) {
		v := arg.(*Var)
		v.part(v, lo, hi)
	})
}

// elementsWorthSharing is the number of elements for which a second goroutine pays in simple arithmetic.
const elementsWorthSharing = 1 << 14

// each runs do over the elements of a result.
func (v *Var) each(do func(v *Var, lo, hi int)) {
	v.tape.For(v, v.value.Len(), elementsWorthSharing, do)
}

// eachGrad runs do over the elements of a result if the gradient of its only input is wanted; do adds to it.
func (v *Var) eachGrad(do func(v *Var, lo, hi int)) {
	if x := v.in[0]; x.needsGrad {
		x.GradSum()
		v.each(do)
	}
}

// parts returns the elements lo to hi of the input, the result, and their gradients, for use within eachGrad.
func (v *Var) parts(lo, hi int) (x, y, dx, dy []float32) {
	in := v.in[0]
	return in.Data()[lo:hi], v.Data()[lo:hi], in.grad.Data()[lo:hi], v.grad.Data()[lo:hi]
}
