// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// DeCov returns lambda times the decorrelation penalty of a layer's activations h [N, D],
//
//	1/2 (||C||² - ||diag C||²),   C = 1/N sum_n (h_n - mean)(h_n - mean)ᵀ,
//
// half the sum of the squared covariances of pairs of different units over the batch. It is 0 for a batch of one. The
// further dimensions of h are merged into D. Source: [CAGZB16].
func DeCov(h *autograd.Var, lambda float32) *autograd.Var {
	n, d := h.Rows(), h.Width()
	y, op := autograd.Record[deCovOp]("DeCov", h)
	y.Resize()
	op.lambda = lambda
	op.centred = slices.Grow(op.centred[:0], n*d)[:n*d]
	op.covariance = slices.Grow(op.covariance[:0], d*d)[:d*d]
	op.mean = slices.Grow(op.mean[:0], d)[:d]
	simd.SumRows(op.mean, h.Data(), n, d, false)
	simd.Scale(op.mean, 1/float32(n), op.mean)
	for i := range n {
		simd.Sub(op.centred[i*d:(i+1)*d], h.Data()[i*d:(i+1)*d], op.mean)
	}
	simd.GemmTN(d, d, n, op.centred, d, op.centred, d, op.covariance, d, false)
	simd.Scale(op.covariance, 1/float32(n), op.covariance)
	sum := 0.0
	for i := range d {
		op.covariance[i*d+i] = 0
		sum += float64(simd.SumSquares(op.covariance[i*d : (i+1)*d]))
	}
	y.Data()[0] = lambda * float32(sum/2)
	return y
}

type deCovOp struct {
	lambda            float32
	mean, centred     []float32
	covariance, grads []float32 // C without its diagonal
}

// Backward adds lambda·(2/N)·(h - mean)·C, where C is without its diagonal.
func (op *deCovOp) Backward(y *autograd.Var) {
	h := y.In(0)
	if !h.NeedsGrad() {
		return
	}
	n, d := h.Rows(), h.Width()
	op.grads = slices.Grow(op.grads[:0], n*d)[:n*d]
	simd.GemmNN(n, d, d, op.centred, d, op.covariance, d, op.grads, d, false)
	simd.Axpy(h.GradSum(), op.lambda*2/float32(n)*y.Grad().Data()[0], op.grads)
}
