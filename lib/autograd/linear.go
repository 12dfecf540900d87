// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// flopsWorthSharing is the work, in multiply-adds, for which a second goroutine pays: some ten microseconds.
const flopsWorthSharing = 1 << 19

// grain returns how many rows of cost multiply-adds each are worth a goroutine.
func grain(cost int) int { return flopsWorthSharing/max(cost, 1) + 1 }

// Linear returns y = x·wᵀ + b, the net input of a layer of units.
//
//	x [N, D] (further dimensions count as one), w [U, D], b [U] or nil -> y [N, U]
//
// Row u of w holds the weights of unit u. Linear panics if the shapes do not fit.
func Linear(x, w, b *Var) *Var {
	n, d, units := x.Rows(), x.Width(), w.Rows()
	if w.Width() != d || (b != nil && b.value.Len() != units) {
		panic(shapeMismatch("Linear", "x [N, D], w [U, D], b [U]", x, w, b))
	}
	y, _ := Record[linearOp]("Linear", x, w, b)
	y.Resize(n, units)
	if units >= n {
		// Goroutines share the units, as in the backward pass and the optimiser's step: each finds its units' weights
		// in its own cache.
		For(y, units, grain(n*d), (*linearOp).units)
	} else {
		For(y, n, grain(d*units), (*linearOp).samples)
	}
	return y
}

// linearOp is the state of [Linear].
type linearOp struct {
	accumulate bool // in a loop of Backward: its parts add to the gradient
}

func (op *linearOp) units(y *Var, lo, hi int)   { op.forward(y, 0, y.Rows(), lo, hi) }
func (op *linearOp) samples(y *Var, lo, hi int) { op.forward(y, lo, hi, 0, y.Width()) }

// forward computes the outputs of the units from u0 to u1 for the samples from n0 to n1.
func (op *linearOp) forward(y *Var, n0, n1, u0, u1 int) {
	if n0 == n1 {
		return
	}
	x, w := y.in[0], y.in[1]
	d, units := x.Width(), y.Width()
	out := y.Data()[n0*units+u0 : (n1-1)*units+u1]
	simd.GemmNT(n1-n0, u1-u0, d, x.Data()[n0*d:n1*d], d, w.Data()[u0*d:u1*d], d, out, units, false)
	if len(y.in) > 2 {
		bias := y.in[2].Data()[u0:u1]
		for r := range n1 - n0 {
			row := out[r*units : r*units+u1-u0]
			simd.Add(row, row, bias)
		}
	}
}

func (op *linearOp) Backward(y *Var) {
	x, w := y.in[0], y.in[1]
	n, d, units := x.Rows(), x.Width(), y.Width()
	if w.needsGrad {
		_, op.accumulate = w.GradBuffer()
		For(y, units, grain(n*d), (*linearOp).weightGrad)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		simd.SumRows(db, y.grad.Data(), n, units, acc)
	}
	if x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, n, grain(units*d), (*linearOp).inputGrad)
	}
}

// weightGrad computes dw = dyᵀ·x: the goroutines share the units.
func (op *linearOp) weightGrad(y *Var, lo, hi int) {
	x, w := y.in[0], y.in[1]
	n, d, units := x.Rows(), x.Width(), y.Width()
	dw := w.grad.Data()[lo*d : hi*d]
	simd.GemmTN(hi-lo, d, n, y.grad.Data()[lo:], units, x.Data(), d, dw, d, op.accumulate)
}

// inputGrad computes dx = dy·w: they share the samples.
func (op *linearOp) inputGrad(y *Var, lo, hi int) {
	x, w := y.in[0], y.in[1]
	d, units := x.Width(), y.Width()
	dx := x.grad.Data()[lo*d : hi*d]
	simd.GemmNN(hi-lo, d, units, y.grad.Data()[lo*units:hi*units], units, w.Data(), d, dx, d, op.accumulate)
}

// MatMul returns the matrix product a·b.
//
//	a [M, K], b [K, N] -> y [M, N]
//
// MatMul panics if the shapes do not fit.
func MatMul(a, b *Var) *Var {
	m, k, n := a.Rows(), a.Width(), b.Width()
	if b.Rows() != k {
		panic(shapeMismatch("MatMul", "a [M, K], b [K, N]", a, b))
	}
	y, _ := Record[matMulOp]("MatMul", a, b)
	y.Resize(m, n)
	For(y, m, grain(k*n), (*matMulOp).forward)
	return y
}

// matMulOp is the state of [MatMul].
type matMulOp struct {
	accumulate bool // in a loop of Backward: its parts add to the gradient
}

func (op *matMulOp) forward(y *Var, lo, hi int) {
	a, b := y.in[0], y.in[1]
	k, n := a.Width(), b.Width()
	simd.GemmNN(hi-lo, n, k, a.Data()[lo*k:hi*k], k, b.Data(), n, y.Data()[lo*n:hi*n], n, false)
}

func (op *matMulOp) Backward(y *Var) {
	a, b := y.in[0], y.in[1]
	m, k, n := a.Rows(), a.Width(), b.Width()
	if b.needsGrad {
		_, op.accumulate = b.GradBuffer()
		For(y, k, grain(m*n), (*matMulOp).rightGrad)
	}
	if a.needsGrad {
		_, op.accumulate = a.GradBuffer()
		For(y, m, grain(k*n), (*matMulOp).leftGrad)
	}
}

// rightGrad computes db = aᵀ·dy.
func (op *matMulOp) rightGrad(y *Var, lo, hi int) {
	a, b := y.in[0], y.in[1]
	m, k, n := a.Rows(), a.Width(), b.Width()
	simd.GemmTN(hi-lo, n, m, a.Data()[lo:], k, y.grad.Data(), n, b.grad.Data()[lo*n:hi*n], n, op.accumulate)
}

// leftGrad computes da = dy·bᵀ.
func (op *matMulOp) leftGrad(y *Var, lo, hi int) {
	a, b := y.in[0], y.in[1]
	k, n := a.Width(), b.Width()
	simd.GemmNT(hi-lo, k, n, y.grad.Data()[lo*n:hi*n], n, b.Data(), n, a.grad.Data()[lo*k:hi*k], k, op.accumulate)
}
