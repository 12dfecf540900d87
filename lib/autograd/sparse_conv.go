// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// SparseConv2D is [Conv2D] with filters that are connected to some of their taps only: the inputs of c are the taps of
// a kernel of the given channels, height and width, tap (channel·kh + row)·kw + column, its units the filters.
//
//	x [N, C, H, W], w [connections], b [K] or nil -> y [N, K, OH, OW] with the size of [ConvShape.OutputSize]
//
// Each output is a sum in the order of the filter's connections. Conv2D takes the taps by rows of the kernel, in these
// by channels: connections in this order have the results of its filters with zeros for the others, unless it uses
// minimal filtering. What a filter is not connected to cannot reach its outputs. SparseConv2D panics if the shapes do
// not fit.
func SparseConv2D(x, w, b *Var, c *Connections, kernel [3]int, s ConvShape) *Var {
	const name = "SparseConv2D"
	xs, filters := x.Shape(), c.Units()
	ws := [4]int{filters, kernel[0], kernel[1], kernel[2]}
	if len(xs) != 4 || xs[1] != kernel[0] || c.inputs != kernel[0]*kernel[1]*kernel[2] || w.value.Len() != c.Len() ||
		b != nil && b.value.Len() != filters {
		panic(shapeMismatch(name, "x [N, C, H, W], w [connections], b [K]", x, w, b))
	}
	key := convKeyFor(name, xs, ws, s, false)
	key.plain = true
	p := planFor(key)
	y, op := Record[convOp](name, x, w, b)
	op.convPlan, op.transposed = p, false
	if op.few == nil {
		op.few = new(fewTaps)
	}
	op.few.prepare(p, c, w.Data())
	y.Resize(x.Rows(), filters, p.oh, p.ow)
	For(y, y.Rows(), grain(p.work*c.Len()/(filters*p.taps)+1), (*convOp).forward)
	return y
}

// fewTaps are filters of which not all weights exist.
type fewTaps struct {
	*Connections
	plan    *convPlan // that offsets belong to
	offsets []int32   // of the connections' taps
	weights []float32

	whole, grad []float32 // the filters with zeros for the weights there are not, and their gradient
}

// prepare finds the offsets of the connections' taps. They stay until the plan or the connections are others.
func (f *fewTaps) prepare(p *convPlan, c *Connections, w []float32) {
	f.weights = w
	if f.plan == p && f.Connections == c {
		return
	}
	f.plan, f.Connections = p, c
	f.offsets = f.offsets[:0]
	for _, tap := range c.source {
		f.offsets = append(f.offsets, p.filterStencil.Offset(int(tap)))
	}
}

func (f *fewTaps) correlate(rows []float32, p *convPlan, image []float32, runs int) {
	simd.CorrelateSparse(rows, p.output.ld, f.bounds, f.offsets, f.weights, image, p.output.stencil, runs)
}

// allWeights returns the filters w, with zeros for weights that do not exist.
func (op *convOp) allWeights(w *Var) []float32 {
	f := op.few
	if f == nil {
		return w.Data()
	}
	f.whole = zeros(f.whole, op.filters*op.taps)
	f.spread(f.whole, f.weights, 0, op.filters)
	return f.whole
}

// allGrads is GradBuffer for the gradient of all weights, from which keepGrads then takes those of the weights that
// exist.
func (op *convOp) allGrads(w *Var) (dw []float32, acc bool) {
	dw, acc = w.GradBuffer()
	f := op.few
	if f == nil {
		return dw, acc
	}
	f.grad = atLeast(f.grad, op.filters*op.taps)
	if acc {
		f.spread(f.grad, dw, 0, op.filters)
	}
	return f.grad, acc
}

func (op *convOp) keepGrads(w *Var) {
	if op.few != nil {
		op.few.pick(w.grad.Data(), op.few.grad, 0, op.filters)
	}
}
