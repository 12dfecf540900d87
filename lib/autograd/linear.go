// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"sync/atomic"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// flopsWorthSharing is the amount of work, in multiply-adds, from which a second goroutine pays: about ten
// microseconds.
const flopsWorthSharing = 1 << 19

// grain returns the number of rows, of cost multiply-adds each, from which another goroutine pays.
func grain(cost int) int { return flopsWorthSharing/max(cost, 1) + 1 }

// fewSamples is the number of samples up to which a product takes as long as reading the weights.
const fewSamples = 16

// part returns a fraction of a cost, or all of it if the fraction exceeds 1.
func part(cost int, share float64) int { return int(float64(cost) * min(share, 1)) }

// Linear returns y = x·wᵀ + b, the net inputs of a layer of units.
//
//	x [N, D] (further dimensions are merged into D), w [U, D], b [U] or nil -> y [N, U]
//
// Row u of w holds the weights of unit u. Linear panics if the shapes do not match.
//
// Many inputs are zero, and so are the gradients of inactive units. If at most about half of the elements are nonzero,
// Linear skips the zeros, in the forward pass and in the gradients. The results are bit for bit the same.
func Linear(x, w, b *Var) *Var {
	n, d, units := x.Rows(), x.Width(), w.Rows()
	if w.Width() != d || (b != nil && b.value.Len() != units) {
		panic(shapeMismatch("Linear", "x [N, D], w [U, D], b [U]", x, w, b))
	}
	y, op := Record[linearOp]("Linear", x, w, b)
	y.Resize(n, units)
	op.density = simd.Density(x.Data(), n, d)
	op.product = simd.SparseProduct{TransB: true, Density: op.density}
	op.unsure.Store(false)
	cost := op.product.Cost(n, units, d)
	// Goroutines share the units, as in the backward pass and the optimiser's step, so that the weights of a unit stay
	// in the cache of one core. All of them need the same list of inputs that are not zero.
	switch {
	case units < n:
		For(y, n, grain(part(d*units, cost)), (*linearOp).samples)
	case cost < 1 && 0 < n*d && n*d <= inputsWorthListing:
		op.fill(y, x.Data(), n, d, op.density)
		For(y, units, grain(part(max(n, fewSamples)*d, cost)), (*linearOp).listed)
	default:
		For(y, units, grain(part(max(n, fewSamples)*d, cost)), (*linearOp).units)
	}
	return y
}

// inputsWorthListing is the number of inputs up to which one list for all goroutines stays in the cache.
const inputsWorthListing = 1 << 17

// linearOp is the state of [Linear].
type linearOp struct {
	density float64            // of x: the share that is not zero
	product simd.SparseProduct // the one that is being computed
	list    simd.Sparse        // x or dy, if all goroutines need it
	rows    []float32          // what is being listed
	unsure  atomic.Bool        // whether some of the weights may not be finite
}

// fill lists the rows of x [n,width], of which a share density is not zero.
func (op *linearOp) fill(y *Var, x []float32, n, width int, density float64) {
	op.list.Reset(n, width, density)
	op.rows = x
	For(y, op.list.Bands(), elementsWorthSharing*op.list.Bands()/max(n*width, 1)+1, (*linearOp).fillBands)
}

func (op *linearOp) fillBands(_ *Var, lo, hi int) {
	op.list.FillRows(lo, hi, op.rows, op.list.Width())
}

// listed computes the outputs of units u0 to u1 from the list of x.
func (op *linearOp) listed(y *Var, u0, u1 int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	if !op.list.Mul(op.product, 0, n, u1-u0, y.in[1].Data()[u0*d:u1*d], d, y.Data()[u0:], units) {
		op.units(y, u0, u1)
		return
	}
	op.addBias(y, 0, n, u0, u1)
}

func (op *linearOp) units(y *Var, lo, hi int)   { op.forward(y, 0, y.Rows(), lo, hi) }
func (op *linearOp) samples(y *Var, lo, hi int) { op.forward(y, lo, hi, 0, y.Width()) }

// forward computes the outputs of units u0 to u1 for samples n0 to n1.
func (op *linearOp) forward(y *Var, n0, n1, u0, u1 int) {
	if n0 == n1 {
		return
	}
	n, d, units := n1-n0, y.in[0].Width(), y.Width()
	x, w := y.in[0].Data()[n0*d:n1*d], y.in[1].Data()[u0*d:u1*d]
	out := y.Data()[n0*units+u0 : (n1-1)*units+u1]
	if !op.product.Gemm(n, u1-u0, d, x, d, w, d, out, units) {
		op.unsure.Store(true)
	}
	op.addBias(y, n0, n1, u0, u1)
}

func (op *linearOp) addBias(y *Var, n0, n1, u0, u1 int) {
	if len(y.in) < 3 {
		return
	}
	bias, units := y.in[2].Data()[u0:u1], y.Width()
	for r := n0; r < n1; r++ {
		row := y.Data()[r*units+u0 : r*units+u1]
		simd.Add(row, row, bias)
	}
}

func (op *linearOp) Backward(y *Var) {
	x, w := y.in[0], y.in[1]
	n, d, units := x.Rows(), x.Width(), y.Width()
	density := simd.Density(y.grad.Data(), n, units)
	if w.needsGrad {
		op.weightGrad(y, density)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		simd.SumRows(db, y.grad.Data(), n, units, acc)
	}
	if x.needsGrad {
		_, acc := x.GradBuffer()
		op.product = simd.SparseProduct{Acc: acc, Finite: !op.unsure.Load(), Density: density}
		cost := op.product.Cost(n, d, units)
		if d < n || cost >= 1 || n*units > inputsWorthListing {
			For(y, n, grain(part(units*d, cost)), (*linearOp).inputGrad)
			return
		}
		op.fill(y, y.grad.Data(), n, units, density) // each goroutine then reads its columns of w only
		For(y, d, grain(part(n*units, cost)), (*linearOp).listedInputGrad)
	}
}

// weightGrad computes dw = dyᵀ·x. It skips the zeros of dy or those of x, whichever is faster; in the second case it
// computes dwᵀ = xᵀ·dy. The argument density is that of dy.
func (op *linearOp) weightGrad(y *Var, density float64) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	_, acc := y.in[1].GradBuffer()
	byUnit := simd.SparseProduct{TransA: true, Acc: acc, Density: density}
	byInput := simd.SparseProduct{TransA: true, TransC: true, Acc: acc, Density: op.density}
	unitCost, inputCost := byUnit.Cost(units, d, n), byInput.Cost(d, units, n)
	if inputCost < min(unitCost, 1) {
		op.product = byInput
		For(y, d, grain(part(n*units, inputCost)), (*linearOp).weightGradOfInputs)
	} else {
		op.product = byUnit
		For(y, units, grain(part(n*d, unitCost)), (*linearOp).weightGradOfUnits)
	}
}

// weightGradOfUnits computes rows lo to hi of dw.
func (op *linearOp) weightGradOfUnits(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	x, dy, dw := y.in[0].Data(), y.grad.Data(), y.in[1].grad.Data()[lo*d:hi*d]
	op.product.Gemm(hi-lo, d, n, dy[lo:], units, x, d, dw, d)
}

// weightGradOfInputs computes columns lo to hi of dw.
func (op *linearOp) weightGradOfInputs(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	x, dy, dw := y.in[0].Data(), y.grad.Data(), y.in[1].grad.Data()
	op.product.Gemm(hi-lo, units, n, x[lo:], d, dy, units, dw[lo:], d)
}

// inputGrad computes dx = dy·w for samples lo to hi.
func (op *linearOp) inputGrad(y *Var, lo, hi int) {
	d, units := y.in[0].Width(), y.Width()
	dy, w, dx := y.grad.Data()[lo*units:hi*units], y.in[1].Data(), y.in[0].grad.Data()[lo*d:hi*d]
	op.product.Gemm(hi-lo, d, units, dy, units, w, d, dx, d)
}

// listedInputGrad computes columns lo to hi of dx from the list of dy.
func (op *linearOp) listedInputGrad(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	dy, w, dx := y.grad.Data(), y.in[1].Data()[lo:], y.in[0].grad.Data()[lo:]
	if !op.list.Mul(op.product, 0, n, hi-lo, w, d, dx, d) {
		op.product.Gemm(n, hi-lo, units, dy, units, w, d, dx, d)
	}
}

// MatMul returns the matrix product a·b.
//
//	a [M, K], b [K, N] -> y [M, N]
//
// MatMul panics if the shapes do not match.
func MatMul(a, b *Var) *Var {
	m, k, n := a.Rows(), a.Width(), b.Width()
	if b.Rows() != k {
		panic(shapeMismatch("MatMul", "a [M, K], b [K, N]", a, b))
	}
	y, op := Record[matMulOp]("MatMul", a, b)
	y.Resize(m, n)
	op.density = simd.Density(a.Data(), m, k)
	op.product = simd.SparseProduct{Density: op.density}
	For(y, m, grain(part(k*n, op.product.Cost(m, n, k))), (*matMulOp).forward)
	return y
}

// matMulOp is the state of [MatMul].
type matMulOp struct {
	density float64            // of a: the share that is not zero
	product simd.SparseProduct // the one that is being computed
}

func (op *matMulOp) forward(y *Var, lo, hi int) {
	k, n := y.in[0].Width(), y.Width()
	op.product.Gemm(hi-lo, n, k, y.in[0].Data()[lo*k:hi*k], k, y.in[1].Data(), n, y.Data()[lo*n:hi*n], n)
}

func (op *matMulOp) Backward(y *Var) {
	a, b := y.in[0], y.in[1]
	m, k, n := a.Rows(), a.Width(), b.Width()
	if b.needsGrad {
		_, acc := b.GradBuffer()
		op.product = simd.SparseProduct{TransA: true, Acc: acc, Density: op.density}
		For(y, k, grain(part(m*n, op.product.Cost(k, n, m))), (*matMulOp).rightGrad)
	}
	if a.needsGrad {
		_, acc := a.GradBuffer()
		op.product = simd.SparseProduct{TransB: true, Acc: acc, Density: simd.Density(y.grad.Data(), m, n)}
		For(y, m, grain(part(k*n, op.product.Cost(m, k, n))), (*matMulOp).leftGrad)
	}
}

// rightGrad computes db = aᵀ·dy.
func (op *matMulOp) rightGrad(y *Var, lo, hi int) {
	m, k, n := y.Rows(), y.in[0].Width(), y.Width()
	op.product.Gemm(hi-lo, n, m, y.in[0].Data()[lo:], k, y.grad.Data(), n, y.in[1].grad.Data()[lo*n:hi*n], n)
}

// leftGrad computes da = dy·bᵀ.
func (op *matMulOp) leftGrad(y *Var, lo, hi int) {
	k, n := y.in[0].Width(), y.Width()
	op.product.Gemm(hi-lo, k, n, y.grad.Data()[lo*n:hi*n], n, y.in[1].Data(), n, y.in[0].grad.Data()[lo*k:hi*k], k)
}
