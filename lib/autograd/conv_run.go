// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"slices"
	"sync"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A convSpace is the memory that one goroutine needs for a convolution.
type convSpace struct {
	image, grad convFrame
	few         convFrame // an image for fewTaps
	rows        []float32 // output of the kernels
	laid        convFrame // the output gradient, in the layout of the kernels' output
	wino        winogradSpace
	live        liveBlock
}

// A convFrame is memory for images in a layout with zeros at positions that are fixed by the plan.
type convFrame struct {
	data []float32
	plan *convPlan // the plan of its last use
}

// ready returns n floats. They are zero except at positions written earlier for the same plan.
func (f *convFrame) ready(p *convPlan, n int) []float32 {
	if f.plan != p || len(f.data) != n {
		f.data = zeros(f.data, n)
		f.plan = p
	}
	return f.data
}

// idleSpaces holds the spaces that are not in use. Unlike a sync.Pool, it never drops one.
var idleSpaces struct {
	sync.Mutex
	list []*convSpace
}

func takeSpace() *convSpace {
	idleSpaces.Lock()
	defer idleSpaces.Unlock()
	last := len(idleSpaces.list) - 1
	if last < 0 {
		return new(convSpace)
	}
	s := idleSpaces.list[last]
	idleSpaces.list = idleSpaces.list[:last]
	return s
}

func (s *convSpace) giveBack() {
	idleSpaces.Lock()
	idleSpaces.list = append(idleSpaces.list, s)
	idleSpaces.Unlock()
}

// zeros returns n zeros, in the memory of x if it is large enough.
func zeros(x []float32, n int) []float32 {
	x = atLeast(x, n)
	clear(x)
	return x
}

// atLeast returns n floats with arbitrary values, in the memory of x if it is large enough.
func atLeast(x []float32, n int) []float32 { return slices.Grow(x[:0], n)[:n] }

// correlate computes the outputs y [hi-lo, filters, oh, ow] of images x [hi-lo, channels, h, w], or adds them to y. A
// bias of length 0 counts as zero.
func (p *convPlan) correlate(y, x, packed, bias []float32, acc bool) {
	if p.winograd != nil {
		p.winograd.run(y, x, packed, bias, acc)
		return
	}
	s := takeSpace()
	defer s.giveBack()
	image := s.image.ready(p, p.image.length)
	s.rows = atLeast(s.rows, p.filters*p.output.ld)
	in, out := p.channels*p.h*p.w, p.oh*p.ow
	for n := len(x) / in; n > 0; n -= p.group {
		images := min(n, p.group)
		p.fillImages(image, x, images)
		simd.Correlate(s.rows, p.output.ld, packed, p.filters, image, p.output.stencil, images*p.output.runs)
		for i := range images {
			for k := range p.filters {
				p.output.unlay(y[k*out:], p.ow, s.rows[k*p.output.ld:], i, bias, k, acc)
			}
			y = y[p.filters*out:]
		}
		x = x[images*in:]
	}
}

// unlay copies a plane of an image from the kernels' output to a plane of the result, or adds it.
func (g *grid) unlay(dst []float32, stride int, rows []float32, image int, bias []float32, plane int, acc bool) {
	src := rows[image*g.runs*simd.Run:]
	switch {
	case acc:
		simd.AddToRows(dst, stride, src, g.pitch, g.rows, g.cols)
	case len(bias) > 0:
		simd.CopyRowsAdd(dst, stride, src, g.pitch, g.rows, g.cols, bias[plane])
	default:
		simd.CopyRowsAdd(dst, stride, src, g.pitch, g.rows, g.cols, 0)
	}
}

// fillImages copies images into their frame, phase by phase.
func (p *convPlan) fillImages(dst, x []float32, images int) {
	for n := range images {
		at := n * p.image.image
		for range p.channels {
			for i := range p.phases {
				p.phases[i].take(dst[at:], p.image.pitch, x, p.h, p.w, p.oh+(p.kh-1)/p.shape.StrideH)
				at += p.image.plane
			}
			x = x[p.h*p.w:]
		}
	}
}

// take copies this phase of an image plane into its plane of the frame, which has the given number of rows.
func (f *convPhase) take(dst []float32, pitch int, plane []float32, h, w, rows int) {
	rows = min(f.rows.n, rows-f.rows.at)
	if rows < 1 || f.cols.n < 1 {
		return
	}
	dst = dst[f.rows.at*pitch+f.cols.at:]
	src := plane[f.rows.first*w+f.cols.first : h*w]
	if f.cols.stride == 1 {
		simd.CopyRowsAdd(dst, pitch, src, w*f.rows.stride, rows, f.cols.n, 0)
		return
	}
	for i := range rows {
		d, s := dst[i*pitch:][:f.cols.n], src[i*f.rows.stride*w:]
		for j := range d {
			d[j] = s[j*f.cols.stride]
		}
	}
}

// correlateTransposed computes the image gradients dx [n, channels, h, w] from dy [n, filters, oh, ow], or adds them to
// dx.
func (p *convPlan) correlateTransposed(dx, dy, packed, bias []float32, acc bool) {
	if p.winograd != nil {
		p.winogradTransposed.run(dx, dy, packed, bias, acc)
		return
	}
	s := takeSpace()
	defer s.giveBack()
	if p.spread {
		p.transposedSpread(s, dx, dy, packed, bias, acc)
		return
	}
	grad := s.grad.ready(p, p.grad.length)
	in, out := p.filters*p.oh*p.ow, p.channels*p.h*p.w
	for n := len(dy) / in; n > 0; n -= p.group {
		images := min(n, p.group)
		p.fillGrads(grad, dy, images)
		for i := range p.phases {
			p.transposedPhase(s, &p.phases[i], dx, packed, bias, images, acc)
		}
		dx, dy = dx[images*out:], dy[images*in:]
	}
}

func (p *convPlan) transposedPhase(s *convSpace, f *convPhase, dx, packed, bias []float32, images int, acc bool) {
	if f.empty() {
		s.rows = zeros(s.rows, f.rows.n*f.cols.n)
	} else {
		s.rows = atLeast(s.rows, p.channels*f.output.ld)
		g := &f.output
		simd.Correlate(s.rows, g.ld, packed[f.packedAt:], p.channels, s.grad.data, g.stencil, images*g.runs)
	}
	for i := range images {
		for c := range p.channels {
			plane := dx[(i*p.channels+c)*p.h*p.w:][:p.h*p.w]
			f.give(plane, p.w, &f.output, s.rows[c*f.output.ld:], i, bias, c, acc)
		}
	}
}

// transposedSpread is correlateTransposed in spread form: it adds each output gradient to a frame of the image.
func (p *convPlan) transposedSpread(s *convSpace, dx, dy, packed, bias []float32, acc bool) {
	g := &p.output
	laid := s.laid.ready(p, p.filters*g.ld)
	in, out := p.filters*p.oh*p.ow, p.channels*p.h*p.w
	for n := len(dy) / in; n > 0; n -= p.group {
		images := min(n, p.group)
		p.layGrads(laid, dy, images)
		s.rows = zeros(s.rows, p.image.length)
		simd.Spread(s.rows, len(p.phases)*p.image.plane, packed, p.channels, laid, g.ld, p.filters,
			p.spreadStencil, images*g.runs)
		for i := range images * p.channels {
			for j := range p.phases {
				f := &p.phases[j]
				at := (i*len(p.phases)+j)*p.image.plane + f.rows.at*p.image.pitch + f.cols.at
				seen := grid{rows: f.rows.n, cols: f.cols.n, pitch: p.image.pitch}
				f.give(dx[i*p.h*p.w:][:p.h*p.w], p.w, &seen, s.rows[at:], 0, bias, i%p.channels, acc)
			}
		}
		dx, dy = dx[images*out:], dy[images*in:]
	}
}

// give copies this phase of an image plane from the kernels' output to its pixels, or adds it.
func (f *convPhase) give(plane []float32, w int, g *grid, rows []float32, image int, bias []float32, c int, acc bool) {
	if g.rows < 1 || g.cols < 1 {
		return
	}
	dst := plane[f.rows.first*w+f.cols.first:]
	if f.cols.stride == 1 {
		g.unlay(dst, w*f.rows.stride, rows, image, bias, c, acc)
		return
	}
	var b float32
	if len(bias) > 0 {
		b = bias[c]
	}
	for i := range g.rows {
		src, d := rows[image*g.runs*simd.Run+i*g.pitch:][:g.cols], dst[i*f.rows.stride*w:]
		for j, v := range src {
			if acc {
				d[j*f.cols.stride] += v
			} else {
				d[j*f.cols.stride] = v + b
			}
		}
	}
}

// fillGrads copies output gradients into their frame.
func (p *convPlan) fillGrads(dst, dy []float32, images int) {
	plane := p.oh * p.ow
	for n := range images {
		for k := range p.filters {
			at := p.grad.lead + n*p.grad.image + k*p.grad.plane
			simd.CopyRowsAdd(dst[at:], p.grad.pitch, dy, p.ow, p.oh, p.ow, 0)
			dy = dy[plane:]
		}
	}
}

// filterGrad sets dw to the filter gradient of some images. The rows of dw have simd.GradLen(taps) elements; with
// Winograd convolution, dw is [channels, kh·kw, filters].
func (p *convPlan) filterGrad(dw, x, dy []float32) {
	if p.winograd != nil {
		p.winograd.filterGrad(dw, x, dy)
		return
	}
	s := takeSpace()
	defer s.giveBack()
	g := &p.output
	image, laid := s.image.ready(p, p.image.length), s.laid.ready(p, p.filters*g.ld)
	clear(dw)
	in, out := p.channels*p.h*p.w, p.filters*p.oh*p.ow
	for n := len(x) / in; n > 0; n -= p.group {
		images := min(n, p.group)
		p.fillImages(image, x, images)
		p.layGrads(laid, dy, images)
		if images < p.group {
			// Positions without an output read a little past the last image and multiply it by zero, so there must be no NaN.
			clear(image[images*p.image.image:][:p.image.image])
		}
		simd.CorrelateGrad(dw, simd.GradLen(p.taps), laid, g.ld, p.filters, image, p.filterStencil, images*g.runs)
		x, dy = x[images*in:], dy[images*out:]
	}
}

// layGrads copies output gradients to where the kernels would write the outputs.
func (p *convPlan) layGrads(dst, dy []float32, images int) {
	g := &p.output
	for i := range images {
		for k := range p.filters {
			simd.CopyRowsAdd(dst[k*g.ld+i*g.runs*simd.Run:], g.pitch, dy, p.ow, p.oh, p.ow, 0)
			dy = dy[p.oh*p.ow:]
		}
	}
}
