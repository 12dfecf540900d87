// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"sync"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// How convolutions are computed
//
// The API stores images plane by plane. Each image is first copied into a frame, an array with zeros around every
// plane. The kernels of package simd then compute 16 or 32 neighbouring outputs of several filters at a time, reading
// the inputs of each tap directly from the frame. All three products have this form:
//
//   - the output, from the image and the filters;
//   - the gradient of the image, from the output gradient and the rotated filters; this is also the transposed
//     convolution (for few outputs and large kernels it is computed in another way, see spread);
//   - the gradient of the filters, as inner products of the output gradient and the image.
//
// With a stride of s, the image is split into s x s phases: sets of pixels whose rows and columns have the same
// remainders modulo s. Each phase is stored as a plane, in which one step of the kernel is one pixel, so that the later
// steps need not handle strides.
//
// Because vector lanes hold neighbouring outputs, all lanes are in use for any number of channels and filters. With
// channels as the innermost dimension, a first layer of one channel or six filters would leave most lanes idle. Lanes
// are wasted only between the end of one row of outputs and the beginning of the next; lay minimises this waste.

// A convKey holds everything on which a plan depends.
type convKey struct {
	channels, h, w  int // size of the image
	filters, kh, kw int
	shape           ConvShape
	precision       simd.Precision // of matrix products
}

// A convPlan is the geometry of one convolution: the tables of its kernels and the sizes of its buffers. It is
// immutable.
type convPlan struct {
	convKey
	oh, ow int
	taps   int // taps per filter: channels · kh · kw
	work   int // multiply-adds per image
	group  int // number of images computed together

	image  frame // holds an image, split into phases
	output grid  // the outputs, as positions in the image's frame

	filterStencil *simd.Stencil // stencil of the outputs, with taps in the order of the filters

	grad   frame       // holds the output gradient
	phases []convPhase // the phases of the image

	// The image gradient is either gathered, where each pixel sums the output gradients that it contributes to, or spread,
	// where each output gradient is added to the pixels that it came from. Gathering multiplies by zeros at the border;
	// spreading adds to memory for each tap.
	spread        bool
	spreadStencil *simd.Stencil // stencil of the outputs, with the taps of one channel

	// Winograd convolution, where it replaces all of the above: for the outputs and for the image gradient.
	winograd, winogradTransposed *winograd

	packedLen, packedTransposedLen int // lengths of the packed filters
	gradLen                        int // length of the filter gradient
}

// A convPhase is one phase of the image.
type convPhase struct {
	rows, cols span
	kernel     [2]int // number of taps that reach this phase, vertically and horizontally
	output     grid   // this phase of the image gradient, as positions in the frame of the output gradient
	packedAt   int    // position of its filters among the packed ones
}

// A span describes the rows or columns of an image that belong to a phase: n of them, starting with first, stride
// apart. They start at position at in the frame.
type span struct{ first, stride, at, n int }

// spanOf returns the span of a phase in an image of the given length.
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

// A frame is an array of planes with zeros around them. The zeros to the right of a row are also those to the left of
// the next row. Row i, column j of plane p of image n is element lead + n·image + p·plane + i·pitch + j.
type frame struct {
	lead, image, plane, pitch int
	length                    int // length of the whole array, for a group of images
}

// A grid is a rectangle of positions in a frame, one for each output, divided into runs for the kernels.
type grid struct {
	rows, cols int
	stencil    *simd.Stencil
	pitch      int // distance between rows in the kernels' result
	runs       int // runs per image
	ld         int // distance between planes in the kernels' result
	work       int // total number of taps over the runs of an image
}

var plans struct {
	sync.RWMutex
	of map[convKey]*convPlan
}

// planFor returns the plan for a key. It creates the plan on first use.
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

// frames computes the layout of the two frames.
func (p *convPlan) frames() {
	// The image's frame. The last outputs of a row may read past its end, into the left padding of the next row.
	steps := [2]int{(p.kh - 1) / p.shape.StrideH, (p.kw - 1) / p.shape.StrideW} // steps of the kernel within a phase
	pitch, border := p.ow, p.w+p.ow+steps[1]
	for _, f := range p.phases {
		pitch = max(pitch, f.cols.at+f.cols.n)
		border = min(border, f.cols.at)
	}
	p.image.pitch = max(pitch, p.ow+steps[1]-border)
	p.image.plane = (p.oh + steps[0]) * p.image.pitch
	p.image.image = p.channels * len(p.phases) * p.image.plane

	// The frame of the output gradient, large enough for all phases of the image gradient.
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

// groupSize returns the number of images to compute together: large enough to keep the kernels busy if images are
// small, and small enough to keep the images in the second-level cache.
func (p *convPlan) groupSize() int {
	const places, floats, most = 1024, 1 << 17, 16
	size := max(p.image.image, p.grad.image) + p.filters*p.oh*p.image.pitch
	return max(1, min(places/(p.oh*p.ow), floats/size, most))
}

// planForward creates the tables for the output.
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

// planBackward creates the tables for the image gradient.
func (p *convPlan) planBackward() {
	gather := 0
	p.grad.length = p.grad.lead + p.group*p.grad.image // lower bound: it is possible that no window overlaps the image
	for i := range p.phases {
		f := &p.phases[i]
		f.packedAt = p.packedTransposedLen
		ku, kv := f.kernel[0], f.kernel[1]
		if f.empty() {
			f.output = grid{rows: f.rows.n, cols: f.cols.n, pitch: f.cols.n} // all zeros
			continue
		}
		// The kernel is rotated: its last tap reads the first output gradient.
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
	const adding = 10 // cost of adding to memory, in multiply-adds
	if spread := p.output.runs * p.kh * p.kw * (p.filters + adding); spread < gather {
		p.spread = true
		p.packedTransposedLen = p.kh * p.kw * simd.PackedFilters(p.channels, p.filters)
	}
}

// planWinograd selects Winograd convolution if it is possible and faster.
func (p *convPlan) planWinograd() {
	const worth = 16 // number of channels and filters from which it is faster
	s, last := p.shape, p.kh-1
	if p.kh != 3 && p.kh != 5 || p.kw != p.kh || s.StrideH != 1 || s.StrideW != 1 || max(s.PadH, s.PadW) > last ||
		min(p.channels, p.filters) < worth {
		return
	}
	p.winograd = p.winogradFor(p.channels, p.filters, p.h, p.w, s.PadH, s.PadW)
	p.winogradTransposed = p.winogradFor(p.filters, p.channels, p.oh, p.ow, last-s.PadH, last-s.PadW)
	p.spread = false
	p.packedLen, p.packedTransposedLen = p.winograd.filtersLen(), p.winogradTransposed.filtersLen()
	p.gradLen = p.filters * p.taps
}

// empty reports whether there is nothing to compute for the phase, because it has no pixels or no tap reaches them.
func (f *convPhase) empty() bool { return min(f.rows.n, f.cols.n, f.kernel[0], f.kernel[1]) < 1 }

// lay divides a grid into runs for a group of images, and extends the frame to what the kernels then read. The position
// of the grid in the frame is first. The runs either follow the frame from the first position to the last, across its
// rows, or start again with each row of the grid; lay selects the faster way.
//
// The taps are sorted by rows of the kernel. The function sees reports whether a row of the grid reads anything but
// zeros through a row of the kernel; if it does not, the taps of that row are skipped.
func (p *convPlan) lay(
	f *frame, first, rows, cols int, offsets []int32, kh int, sees func(row, u int) bool,
) (grid, []int32) {
	const pair = 2 * simd.Run
	through := ceil((rows-1)*f.pitch+cols, pair) * 2
	byRow := ceil(cols, simd.Run)
	g := grid{rows: rows, cols: cols, pitch: f.pitch, runs: through}
	apart := byRow%2 == 1 // then runs are slower by about an eighth
	anew := through*8 > rows*byRow*map[bool]int{true: 9, false: 8}[apart]
	if anew {
		g.pitch, g.runs = byRow*simd.Run, rows*byRow
		g.runs += g.runs % 2 // the last run is computed twice, because both runs of a pair must belong to one image
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

// tapsOf returns the taps needed by rows first to last of a grid. Each of the kh rows of the kernel has the same number
// of taps.
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
