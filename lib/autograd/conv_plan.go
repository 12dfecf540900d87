// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"sync"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// How convolutions are computed
//
// Images stay as they are at the API, plane by plane. Each image is first copied into a frame, an array with zeros
// around every plane; the kernels of package simd then compute 16 or 32 neighbouring outputs of several filters at a
// time, reading the inputs of each tap as they lie in the frame. All three products have this form:
//
//   - the output, from the image and the filters;
//   - the gradient of the image, from that of the output and the filters turned round; it is also the transposed
//     convolution (where outputs are few and kernels large it is computed the other way about, see spread);
//   - the gradient of the filters, inner products of the output's gradient and the image.
//
// With a stride of s the image is cut into s x s phases: the pixels whose row and column leave the same remainders.
// A phase is a plane of its own, in which one step of the kernel is one pixel: what follows need not know of strides.
//
// Lanes that hold outputs are all in use whatever the number of channels and filters; with channels as the innermost
// dimension a first layer of one channel, or six filters, would leave most of them idle. What is lost here are the
// places between the end of one row of outputs and the beginning of the next: lay chooses how to lose the fewest.

// convKey is what a plan depends on.
type convKey struct {
	channels, h, w  int // of the image
	filters, kh, kw int
	shape           ConvShape
}

// A convPlan is the geometry of one convolution: the tables of its kernels and the sizes of its buffers. It does not
// change after it was made.
type convPlan struct {
	convKey
	oh, ow int
	taps   int // of a filter: channels · kh · kw
	work   int // multiply-adds for an image
	group  int // images that are computed at once

	image  frame // holds an image, in phases
	output grid  // the outputs, as seen in the image's frame

	filterStencil *simd.Stencil // that of the outputs, with the taps in the order of the filters

	grad   frame       // holds the output's gradient
	phases []convPhase // the phases of the image

	// The image's gradient is gathered, pixel by pixel from all gradients that it contributes to, or spread, from
	// each gradient to the pixels it comes from. To gather costs products with zeros at the border, to spread adds to
	// memory for each tap.
	spread        bool
	spreadStencil *simd.Stencil // that of the outputs, with the taps of one channel

	// Minimal filtering, where it takes the place of all that: for the outputs and for the image's gradient.
	winograd, winogradTransposed *winograd

	packedLen, packedTransposedLen int // floats
	gradLen                        int // floats of the filters' gradient
}

// A convPhase is one phase of the image.
type convPhase struct {
	rows, cols span
	kernel     [2]int // taps of this phase, vertically and horizontally; the others never meet it
	output     grid   // this phase of the image's gradient, as seen in the frame of the output's
	packedAt   int    // where its filters are among the packed ones
}

// A span says which rows or columns of an image belong to a phase: first, first+stride, ... are those of the frame
// from at on, n in all.
type span struct{ first, stride, at, n int }

// spanOf returns the span of a phase in an image of some length.
func spanOf(phase, stride, pad, length int) span {
	at := max(0, ceil(pad-phase, stride))
	first := at*stride + phase - pad
	return span{first, stride, at, max(0, ceil(length-first, stride))}
}

func ceil(a, b int) int {
	if a <= 0 {
		return 0
	}
	return (a + b - 1) / b
}

// A frame is an array of planes with zeros around them. The zeros on the right of a row are also those on the left
// of the next one. Row i, column j of plane p of image n is element lead + n·image + p·plane + i·pitch + j.
type frame struct {
	lead, image, plane, pitch int
	length                    int // of the whole array, for a group of images
}

// A grid is a rectangle of places in a frame, one for each output, cut into runs for the kernels.
type grid struct {
	rows, cols int
	stencil    *simd.Stencil
	pitch      int // between rows of the kernels' result
	runs       int // of an image
	ld         int // between the planes of the kernels' result
	work       int // taps that the runs of an image need, added up
}

var plans struct {
	sync.RWMutex
	of map[convKey]*convPlan
}

// planFor returns the plan for a key, made when first asked for.
func planFor(key convKey) *convPlan {
	plans.RLock()
	p := plans.of[key]
	plans.RUnlock()
	if p != nil {
		return p
	}
	plans.Lock()
	defer plans.Unlock()
	if p = plans.of[key]; p == nil {
		if plans.of == nil {
			plans.of = map[convKey]*convPlan{}
		}
		p = newConvPlan(key)
		plans.of[key] = p
	}
	return p
}

func newConvPlan(key convKey) *convPlan {
	p := &convPlan{convKey: key}
	p.oh, p.ow = p.shape.OutputSize(p.h, p.w, p.kh, p.kw)
	p.taps = p.channels * p.kh * p.kw
	p.work = p.filters * p.taps * p.oh * p.ow
	for y := range p.shape.StrideH {
		for x := range p.shape.StrideW {
			p.phases = append(p.phases, convPhase{
				rows:   spanOf(y, p.shape.StrideH, p.shape.PadH, p.h),
				cols:   spanOf(x, p.shape.StrideW, p.shape.PadW, p.w),
				kernel: [2]int{ceil(p.kh-y, p.shape.StrideH), ceil(p.kw-x, p.shape.StrideW)},
			})
		}
	}
	p.frames()
	p.group = p.groupSize()
	p.planForward()
	p.planBackward()
	p.gradLen = p.filters * simd.GradLen(p.taps)
	p.planWinograd()
	return p
}

// frames lays out the two frames.
func (p *convPlan) frames() {
	// The image's frame. Where the last outputs of a row see beyond its end, they see the left border of the next.
	steps := [2]int{(p.kh - 1) / p.shape.StrideH, (p.kw - 1) / p.shape.StrideW} // of the kernel within a phase
	pitch, border := p.ow, p.w+p.ow+steps[1]
	for _, f := range p.phases {
		pitch = max(pitch, f.cols.at+f.cols.n)
		border = min(border, f.cols.at)
	}
	p.image.pitch = max(pitch, p.ow+steps[1]-border)
	p.image.plane = (p.oh + steps[0]) * p.image.pitch
	p.image.image = p.channels * len(p.phases) * p.image.plane

	// The frame of the output's gradient, as far as the phases of the image's gradient see it.
	var above, below, left, right, widest int
	for _, f := range p.phases {
		above = max(above, f.kernel[0]-1-f.rows.at)
		below = max(below, f.rows.at+f.rows.n-p.oh)
		left = max(left, f.kernel[1]-1-f.cols.at)
		right = max(right, f.cols.at+f.cols.n-p.ow)
		widest = max(widest, f.cols.n)
	}
	p.grad.pitch = max(p.ow+max(left, right), widest)
	p.grad.plane = (above + p.oh + below) * p.grad.pitch
	p.grad.lead = above*p.grad.pitch + left
	p.grad.image = p.filters * p.grad.plane
}

// groupSize returns how many images to compute at once: enough to keep the kernels running for a while where images
// are small, few enough to leave them in the second-level cache.
func (p *convPlan) groupSize() int {
	const places, floats, most = 1024, 1 << 17, 16
	size := max(p.image.image, p.grad.image) + p.filters*p.oh*p.image.pitch
	return max(1, min(places/(p.oh*p.ow), floats/size, most))
}

// planForward makes the tables of the output.
func (p *convPlan) planForward() {
	sh, sw := p.shape.StrideH, p.shape.StrideW
	tap := func(c, u, v int) int32 {
		plane := c*len(p.phases) + u%sh*sw + v%sw
		return int32(plane*p.image.plane + u/sh*p.image.pitch + v/sw)
	}
	var offsets, inOrder []int32
	for u := range p.kh {
		for c := range p.channels {
			for v := range p.kw {
				offsets = append(offsets, tap(c, u, v))
			}
		}
	}
	for c := range p.channels {
		for u := range p.kh {
			for v := range p.kw {
				inOrder = append(inOrder, tap(c, u, v))
			}
		}
	}
	var starts []int32
	p.output, starts = p.lay(&p.image, 0, p.oh, p.ow, offsets, p.kh, func(row, u int) bool {
		f := p.phases[u%sh*sw].rows
		return row+u/sh >= f.at && row+u/sh < f.at+f.n
	})
	p.filterStencil = simd.NewStencil(inOrder, starts)
	p.spreadStencil = simd.NewStencil(inOrder[:p.kh*p.kw], starts)
	p.image.length = max(p.image.length, p.filterStencil.Span())
	p.packedLen = simd.PackedFilters(p.filters, p.taps)
}

// planBackward makes the tables of the image's gradient.
func (p *convPlan) planBackward() {
	gather := 0
	p.grad.length = p.grad.lead + p.group*p.grad.image // at least: windows may lie beside the image one and all
	for i := range p.phases {
		f := &p.phases[i]
		f.packedAt = p.packedTransposedLen
		ku, kv := f.kernel[0], f.kernel[1]
		if f.empty() {
			f.output = grid{rows: f.rows.n, cols: f.cols.n, pitch: f.cols.n} // zeros
			continue
		}
		// The kernel is turned round: its last tap sees the output's first gradient.
		var offsets []int32
		for u := range ku {
			for k := range p.filters {
				for v := range kv {
					offsets = append(offsets, int32(k*p.grad.plane+(ku-1-u)*p.grad.pitch+kv-1-v))
				}
			}
		}
		first := p.grad.lead + (f.rows.at-(ku-1))*p.grad.pitch + f.cols.at - (kv - 1)
		f.output, _ = p.lay(&p.grad, first, f.rows.n, f.cols.n, offsets, ku, func(row, u int) bool {
			return f.rows.at+row-u >= 0 && f.rows.at+row-u < p.oh
		})
		p.packedTransposedLen += simd.PackedFilters(p.channels, len(offsets))
		gather += f.output.work
	}
	const adding = 10 // the cost of adding to memory, in multiply-adds
	if spread := p.output.runs * p.kh * p.kw * (p.filters + adding); spread < gather {
		p.spread = true
		p.packedTransposedLen = p.kh * p.kw * simd.PackedFilters(p.channels, p.filters)
	}
}

// planWinograd chooses minimal filtering where it can be used and pays.
func (p *convPlan) planWinograd() {
	const worth = 16 // channels and filters, from which on it is faster
	s := p.shape
	if p.kh != 3 || p.kw != 3 || s.StrideH != 1 || s.StrideW != 1 || max(s.PadH, s.PadW) > 2 ||
		min(p.channels, p.filters) < worth {
		return
	}
	p.winograd = winogradFor(p.channels, p.filters, p.h, p.w, s.PadH, s.PadW)
	p.winogradTransposed = winogradFor(p.filters, p.channels, p.oh, p.ow, 2-s.PadH, 2-s.PadW)
	p.packedLen, p.packedTransposedLen = p.winograd.filtersLen(), p.winogradTransposed.filtersLen()
	p.gradLen = p.filters * p.taps
}

// empty reports whether nothing is to be computed for the phase: it has no pixels, or no tap meets them.
func (f *convPhase) empty() bool { return min(f.rows.n, f.cols.n, f.kernel[0], f.kernel[1]) < 1 }

// lay cuts a grid, whose first place in a frame is given, into runs for a group of images, and lengthens the frame
// to what the kernels then see. The runs follow the frame from the first place to the last without regard to its
// rows, or start anew with each row of the grid, whichever needs less time.
//
// The taps are sorted by the kernel's rows. Those rows of which sees says that a row of the grid sees only zeros
// through them are left out.
func (p *convPlan) lay(
	f *frame, first, rows, cols int, offsets []int32, kh int, sees func(row, u int) bool,
) (grid, []int32) {
	const pair = 2 * simd.Run
	through := ceil((rows-1)*f.pitch+cols, pair) * 2
	byRow := ceil(cols, simd.Run)
	g := grid{rows: rows, cols: cols, pitch: f.pitch, runs: through}
	apart := byRow%2 == 1 // such runs are slower by about an eighth
	anew := through*8 > rows*byRow*map[bool]int{true: 9, false: 8}[apart]
	if anew {
		g.pitch, g.runs = byRow*simd.Run, rows*byRow
		g.runs += g.runs % 2 // the last one twice: a pair belongs to one image
	}
	var starts []int32
	var limits []simd.TapRange
	for n := range p.group {
		for r := range g.runs {
			row, col := r*simd.Run/g.pitch, r*simd.Run%g.pitch
			last := (r*simd.Run + simd.Run - 1) / g.pitch
			if row >= rows && anew {
				row, col = rows-1, cols-1
			}
			starts = append(starts, int32(first+n*f.image+row*f.pitch+col))
			limits = append(limits, tapsOf(row, min(last, rows-1), kh, len(offsets)/kh, sees))
		}
	}
	for _, r := range limits[:g.runs] {
		g.work += r.To - r.From
	}
	g.stencil = simd.NewStencil(offsets, starts)
	g.stencil.Limit(limits)
	g.ld = simd.RowLen(len(starts))
	f.length = max(f.length, f.lead+p.group*f.image, g.stencil.Span())
	return g, starts
}

// tapsOf returns the taps that rows first to last of a grid need, of which each of kh rows of the kernel has some.
func tapsOf(first, last, kh, each int, sees func(row, u int) bool) simd.TapRange {
	var r simd.TapRange
	for row := first; row <= last; row++ {
		for u := range kh {
			if sees(row, u) {
				r = r.Join(simd.TapRange{From: u * each, To: (u + 1) * each})
			}
		}
	}
	return r
}
