// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// SparseConv2D is [Conv2D] with filters that have only some of their weights. The units of c are the filters, and its
// inputs are the taps of a kernel of the given channels, height and width; tap (channel·kh + row)·kw + column.
//
//	x [N, C, H, W], w [connections], b [K] or nil -> y [N, K, OH, OW] with the size of [ConvShape.OutputSize]
//
// Each output is a sum in the order of the filter's connections. Conv2D sums the taps by rows of the kernel and, within
// these, by channels. With connections in this order, the results equal those of Conv2D with zeros for the missing
// weights, unless Conv2D uses Winograd convolution; the gradients are the same. Values at missing weights, even NaN, do
// not affect the outputs. SparseConv2D panics if the shapes do not match.
func SparseConv2D(x, w, b *Var, c *Connections, kernel [3]int, s ConvShape) *Var {
	const name = "SparseConv2D"
	xs, filters := x.Shape(), c.Units()
	ws := [4]int{filters, kernel[0], kernel[1], kernel[2]}
	if len(xs) != 4 || xs[1] != kernel[0] || c.inputs != kernel[0]*kernel[1]*kernel[2] || w.value.Len() != c.Len() ||
		b != nil && b.value.Len() != filters {
		panic(shapeMismatch(name, "x [N, C, H, W], w [connections], b [K]", x, w, b))
	}
	p := planFor(convKeyFor(name, [4]int(xs), ws, s, false))
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

// fewTaps are filters with missing weights.
//
// Each weight reads the image separately, so loads dominate the time, and a load that crosses a cache line takes twice
// as long. Therefore the rows of the frame are aligned to cache lines, and the runs of outputs start again with each
// row; few loads then cross a line.
type fewTaps struct {
	*Connections
	weights []float32
	plan    *convPlan

	pitch, plane int // distances in the frame
	stencil      *simd.SparseStencil
	none         []float32 // zero biases

	whole, grad []float32 // the filters with zeros for missing weights, and their gradient
}

// prepare creates the tables if the plan or the connections have changed.
func (f *fewTaps) prepare(p *convPlan, c *Connections, w []float32) {
	const line = 16 // floats in a cache line
	f.weights = w
	if f.plan == p && f.Connections == c {
		return
	}
	f.plan, f.Connections = p, c
	sh, sw := p.shape.StrideH, p.shape.StrideW
	f.pitch = ceil(p.image.pitch, line) * line
	f.plane = f.rows() * f.pitch
	f.none = zeros(f.none, p.filters)
	var starts, offsets []int32
	for row := range p.oh {
		for at := 0; at < p.ow; at += simd.Run {
			starts = append(starts, int32(row*f.pitch+at))
		}
	}
	for _, tap := range c.source {
		channel, u, v := int(tap)/(p.kh*p.kw), int(tap)/p.kw%p.kh, int(tap)%p.kw
		plane := channel*len(p.phases) + u%sh*sw + v%sw
		offsets = append(offsets, int32(plane*f.plane+u/sh*f.pitch+v/sw))
	}
	f.stencil = simd.NewSparseStencil(c.bounds, offsets, starts)
}

// rows returns the number of rows of a phase that the outputs read.
func (f *fewTaps) rows() int { return f.plan.oh + (f.plan.kh-1)/f.plan.shape.StrideH }

// correlate computes outputs y of images x.
func (f *fewTaps) correlate(y, x, bias []float32) {
	p, s := f.plan, takeSpace()
	defer s.giveBack()
	frame := s.few.ready(p, max(p.channels*len(p.phases)*f.plane, f.stencil.Span()))
	if len(bias) == 0 {
		bias = f.none
	}
	for in := p.channels * p.h * p.w; len(x) > 0; x = x[in:] {
		at := 0
		for c := range p.channels {
			for i := range p.phases {
				p.phases[i].take(frame[at:], f.pitch, x[c*p.h*p.w:in], p.h, p.w, f.rows())
				at += f.plane
			}
		}
		out := y[:p.filters*p.oh*p.ow]
		if p.ow%simd.Run == 0 {
			f.stencil.Correlate(out, p.oh*p.ow, f.weights, bias, frame)
		} else {
			f.correlateRows(s, out, bias, frame)
		}
		y = y[len(out):]
	}
}

// correlateRows computes the outputs of an image if its rows are not a whole number of runs.
func (f *fewTaps) correlateRows(s *convSpace, y, bias, frame []float32) {
	p := f.plan
	pitch := ceil(p.ow, simd.Run) * simd.Run
	s.rows = atLeast(s.rows, p.filters*p.oh*pitch)
	f.stencil.Correlate(s.rows, p.oh*pitch, f.weights, bias, frame)
	for r := range p.filters * p.oh {
		copy(y[r*p.ow:][:p.ow], s.rows[r*pitch:])
	}
}

// allWeights returns the filters w with zeros for missing weights.
func (op *convOp) allWeights(w *Var) []float32 {
	f := op.few
	if f == nil {
		return w.Data()
	}
	f.whole = zeros(f.whole, op.filters*op.taps)
	f.spread(f.whole, f.weights, 0, op.filters)
	return f.whole
}

// allGrads is GradBuffer for the gradient of all weights, including missing ones. keepGrads then extracts the gradient
// of the existing weights.
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
