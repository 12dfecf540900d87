// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// SparseLinear is [Linear] for units that are connected to only some of the inputs: y = x·Wᵀ + b, where W [U, D]
// contains the weights w at the connections and zeros elsewhere.
//
//	x [N, D] (further dimensions are merged into D), w [C], b [U] or nil -> y [N, U]
//
// If the inputs of each unit are connected in ascending order and all values are finite, the results and the gradients
// of the existing weights equal those of Linear with zeros for the missing weights, bit for bit. Inputs that are not
// connected to a unit do not affect it, even if they are not finite. SparseLinear panics if the shapes do not match.
func SparseLinear(x, w, b *Var, c *Connections) *Var {
	n, units := x.Rows(), c.Units()
	if x.Width() != c.inputs || w.value.Len() != c.Len() || b != nil && b.value.Len() != units {
		panic(shapeMismatch("SparseLinear", "x [N, D], w [connections], b [U]", x, w, b))
	}
	y, op := Record[sparseLinearOp]("SparseLinear", x, w, b)
	y.Resize(n, units)
	op.connections, op.weights = c, c.byUnit.With(w.Data())
	For(y, units, op.grain(n, units), (*sparseLinearOp).forward)
	return y
}

// sparseLinearOp is the state of [SparseLinear].
type sparseLinearOp struct {
	connections *Connections
	weights     simd.Sparse // [units, inputs]
	turned      simd.Sparse // [inputs, units]
	values      []float32   // values of turned

	inputs, gradients []float32 // x and dy, transposed
	whole             []float32 // gradient of all weights, existing or missing
	product           simd.SparseProduct
	accumulate        bool
}

// grain returns the number of rows, out of rows of the weight matrix, from which another goroutine pays for n samples.
func (op *sparseLinearOp) grain(n, rows int) int {
	return grain(max(n, fewSamples) * op.connections.Len() / max(rows, 1))
}

// forward computes the outputs of units lo to hi.
func (op *sparseLinearOp) forward(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	product := simd.SparseProduct{TransB: true, TransC: true, Finite: true}
	op.weights.Mul(product, lo, hi, n, y.in[0].Data(), d, y.Data(), units)
	if len(y.in) > 2 {
		bias := y.in[2].Data()[lo:hi]
		for r := range n {
			row := y.Data()[r*units+lo:][:hi-lo]
			simd.Add(row, row, bias)
		}
	}
}

func (op *sparseLinearOp) Backward(y *Var) {
	x, w := y.in[0], y.in[1]
	n, d, units := x.Rows(), x.Width(), y.Width()
	if w.needsGrad {
		op.weightGrad(y)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		simd.SumRows(db, y.grad.Data(), n, units, acc)
	}
	if x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		op.values = atLeast(op.values, op.connections.Len())
		For(y, len(op.values), elementsWorthSharing, (*sparseLinearOp).turn)
		op.turned = op.connections.byInput.With(op.values)
		For(y, d, op.grain(n, d), (*sparseLinearOp).inputGrad)
	}
}

// weightGrad computes the gradient of the weights, either by one inner product per weight or, if that is faster, by
// extracting it from the gradient of all weights.
func (op *sparseLinearOp) weightGrad(y *Var) {
	// Time per multiply-add of a single weight, relative to a dense product: 8 to 10.5 for 100 samples and 9.5 for 500,
	// with AVX-512 (BenchmarkWeightGrad).
	const picked = 9
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	_, op.accumulate = y.in[1].GradBuffer()
	op.product = simd.SparseProduct{TransA: true, Density: simd.Density(y.grad.Data(), n, units), Acc: op.accumulate}
	share := min(op.product.Cost(units, d, n), 1)
	if float64(op.connections.Len())*picked > share*float64(units*d) {
		op.whole = atLeast(op.whole, units*d)
		For(y, units, grain(part(n*d, share)), (*sparseLinearOp).pickGrad)
		return
	}
	op.inputs, op.gradients = atLeast(op.inputs, n*d), atLeast(op.gradients, n*units)
	For(y, d, elementsWorthSharing/max(n, 1)+1, (*sparseLinearOp).transposeInputs)
	simd.Transpose(op.gradients, n, y.grad.Data(), units, n, units)
	For(y, units, grain(n*picked*op.connections.Len()/max(units, 1)), (*sparseLinearOp).sampleGrad)
}

func (op *sparseLinearOp) transposeInputs(y *Var, lo, hi int) {
	n, d := y.Rows(), y.in[0].Width()
	simd.Transpose(op.inputs[lo*n:], n, y.in[0].Data()[lo:], d, n, hi-lo)
}

// sampleGrad computes the gradients of the weights of units lo to hi.
func (op *sparseLinearOp) sampleGrad(y *Var, lo, hi int) {
	n, dw := y.Rows(), y.in[1].grad.Data()
	for u := lo; u < hi; u++ {
		sources, first := op.connections.Of(u)
		simd.Sampled(dw[first:first+len(sources)], sources, op.gradients[u*n:][:n], op.inputs, n, op.accumulate)
	}
}

// pickGrad does the same by extracting them from the gradient of all weights.
func (op *sparseLinearOp) pickGrad(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	whole, dw := op.whole[lo*d:hi*d], y.in[1].grad.Data()
	if op.accumulate {
		op.connections.spread(whole, dw, lo, hi)
	}
	op.product.Gemm(hi-lo, d, n, y.grad.Data()[lo:], units, y.in[0].Data(), d, whole, d)
	op.connections.pick(dw, whole, lo, hi)
}

// turn arranges the weights by input.
func (op *sparseLinearOp) turn(y *Var, lo, hi int) {
	w := y.in[1].Data()
	for i, e := range op.connections.order[lo:hi] {
		op.values[lo+i] = w[e]
	}
}

// inputGrad computes the gradients of inputs lo to hi, dxᵀ = Wᵀ·dyᵀ.
func (op *sparseLinearOp) inputGrad(y *Var, lo, hi int) {
	n, d, units := y.Rows(), y.in[0].Width(), y.Width()
	product := simd.SparseProduct{TransB: true, TransC: true, Finite: true, Acc: op.accumulate}
	op.turned.Mul(product, lo, hi, n, y.grad.Data(), units, y.in[0].grad.Data(), d)
}
