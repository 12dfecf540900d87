// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"slices"
)

// Run is how many outputs of a convolution follow one another in a run: their inputs do so, too, tap by tap.
const Run = 8

// tapGroup and runGroup are what a kernel may read of a stencil at a time: its tables are filled up to multiples.
const (
	tapGroup = 4
	runGroup = 4
)

// A Stencil says which inputs the outputs of a convolution (more precisely, of a correlation) see: output j of run r
// sees x[starts[r]+j+offsets[p]] through tap p. The taps of all input channels count, and channels, rows and images
// may lie in any way in x: padding, strides and kernel shapes are a matter of the tables alone.
//
// No input is copied for each tap that sees it: the kernels read x where it lies, 16 or 32 outputs at a time, and
// combine what they read with several filters. Lanes therefore hold outputs, of which there are many, whatever the
// number of channels.
type Stencil struct {
	offsets, starts []int32 // filled up to multiples of tapGroup and runGroup
	taps            int
	whole           bool       // starts come in consecutive pairs: sixteen outputs follow one another
	span            int        // elements of x that are seen
	limits          []TapRange // what runs runGroup·i, runGroup·i+1, ... need
}

// A TapRange is the taps from From up to, but without, To.
type TapRange struct{ From, To int }

// NewStencil returns the stencil with these tables. It panics if one is empty or holds a negative number.
func NewStencil(offsets, starts []int32) *Stencil {
	if len(offsets) == 0 || len(starts) == 0 || slices.Min(offsets) < 0 || slices.Min(starts) < 0 {
		panic(fmt.Sprintf("simd: NewStencil: offsets %v, starts %v", offsets, starts))
	}
	s := &Stencil{offsets: fillUp(offsets, tapGroup), starts: fillUp(starts, runGroup), taps: len(offsets)}
	s.span = int(slices.Max(starts)+slices.Max(offsets)) + Run
	s.whole = len(starts)%2 == 0
	for r := 0; r+1 < len(starts); r += 2 {
		s.whole = s.whole && starts[r+1] == starts[r]+Run
	}
	if s.whole {
		// What fills up the last group is a pair, too.
		for r := len(starts); r < len(s.starts); r++ {
			s.starts[r] = s.starts[r-2]
		}
	}
	return s
}

// fillUp returns a copy of list, continued with its last element to a multiple of n.
func fillUp(list []int32, n int) []int32 {
	c := slices.Clone(list)
	for len(c)%n != 0 {
		c = append(c, list[len(list)-1])
	}
	return c
}

// Join returns the smallest range that holds both.
func (a TapRange) Join(b TapRange) TapRange {
	switch {
	case a.From == a.To:
		return b
	case b.From == b.To:
		return a
	}
	return TapRange{min(a.From, b.From), max(a.To, b.To)}
}

// Limit says which taps the outputs of each run need; through the others they see nothing but zeros. Correlate leaves
// those out, as far as the runs that it computes at once have them in common.
func (s *Stencil) Limit(runs []TapRange) {
	s.limits = make([]TapRange, len(s.starts)/runGroup)
	for i, r := range runs {
		if r.From < 0 || r.From > r.To || r.To > s.taps || len(s.starts)-len(runs) >= runGroup {
			panic(fmt.Sprintf("simd: Stencil.Limit: range %v of %d taps, %d ranges", r, s.taps, len(runs)))
		}
		s.limits[i/runGroup] = s.limits[i/runGroup].Join(r)
	}
}

// Span returns how many elements of x the stencil needs.
func (s *Stencil) Span() int { return s.span }

// RowLen returns the length of a row of outputs for Correlate: that of the runs, rounded up to what a kernel writes.
func RowLen(runs int) int { return (runs + runGroup - 1) / runGroup * runGroup * Run }

// GradLen returns the length of a row of filter gradients for CorrelateGrad: the taps, rounded up.
func GradLen(taps int) int { return (taps + tapGroup - 1) / tapGroup * tapGroup }

// convKernels are the tile kernels of an implementation. The first index of a table is 1 for whole stencils.
type convKernels struct {
	runs               int // in a tile of outputs
	correlate          [2][]correlateKernel
	spread             [2][]spreadKernel
	gradRows, gradTaps int // the largest tile of filter gradients
	correlateGrad      [2][]correlateGradKernel
}

type (
	// For 1, 2, ... filters, packed with the width of the matrix product's tiles: a tile of outputs.
	correlateKernel func(w []float32, offsets []int32, x []float32, starts []int32, c []float32, ldc int)
	// For 1, 2, ... channels and one tap, packed alike: adds a tile to dx.
	spreadKernel func(w []float32, filters int, dy []float32, ld int, dx []float32, starts []int32, plane int)
	// For 1, 2, ... filters and gradTaps taps: adds the inner products over all starts to dw.
	correlateGradKernel func(dy []float32, ld int, offsets []int32, x []float32, starts []int32, dw []float32, ldw int)
)

// PackedFilters returns how many floats PackFilters writes for m filters of so many taps.
func PackedFilters(m, taps int) int {
	g := &active.gemm
	return (m + g.rows - 1) / g.rows * taps * g.width
}

// PackFilters arranges m filters w, one row of so many taps each, as Correlate wants them.
func PackFilters(dst, w []float32, m, taps int) {
	if m < 1 || taps < 1 || len(dst) < PackedFilters(m, taps) || len(w) != m*taps {
		panic(fmt.Sprintf("simd: PackFilters: %d filters of %d taps in %d elements, to %d", m, taps, len(w), len(dst)))
	}
	p := product{gemmKernels: &active.gemm, m: m, k: taps, a: w, lda: taps}
	p.packA(dst, 0, m, 0, taps)
}

// Correlate computes m rows of outputs, one for each filter, of the first runs of a stencil:
//
//	dst[i*ld + Run*r + j] = sum over taps p of w[i,p] * x[starts[r] + j + offsets[p]]
//
// Each is one chain of fused multiply-adds from tap to tap that starts at zero, without the taps that [Stencil.Limit]
// excludes. What follows the outputs of a row, up
// to RowLen(runs), is overwritten, too.
func Correlate(dst []float32, ld int, filters []float32, m int, x []float32, s *Stencil, runs int) {
	if runs < 1 || runs > len(s.starts) || m < 1 || ld < RowLen(runs) || len(dst) < (m-1)*ld+RowLen(runs) ||
		len(filters) < PackedFilters(m, s.taps) || len(x) < s.span {
		panic(fmt.Sprintf("simd: Correlate: %d filters of %d taps (%d elements), %d of %d runs, x %d of %d elements, dst "+
			"%d with stride %d",
			m, s.taps, len(filters), runs, len(s.starts), len(x), s.span, len(dst), ld))
	}
	g, c := &active.gemm, &active.conv
	kernels := c.correlate[s.wholeIndex()]
	step := evenly(m, g.rows, 1)
	for r := 0; r < runs; r += c.runs {
		taps := TapRange{0, s.taps}
		if s.limits != nil {
			taps = s.limits[r/runGroup]
		}
		offsets := s.offsets[taps.From:taps.To]
		for i := 0; i < m; i += step {
			packed := filters[(i/step*s.taps+taps.From)*g.width:]
			kernels[min(step, m-i)-1](packed, offsets, x, s.starts[r:], dst[i*ld+r*Run:], ld)
		}
	}
}

// CorrelateGrad adds to dw what the first runs of a stencil contribute to the gradient of m filters:
//
//	dw[i*ldw + p] += sum over runs r and j of dy[i*ld + Run*r + j] * x[starts[r] + j + offsets[p]]
//
// Sixteen partial sums, one for each place in a pair of runs, are chains of fused multiply-adds from pair to pair.
// An odd number of runs is rounded up: dy must be zero there. What follows a row of dw, up to GradLen(taps), is
// overwritten, too.
func CorrelateGrad(dw []float32, ldw int, dy []float32, ld, m int, x []float32, s *Stencil, runs int) {
	runs += runs % 2
	if runs < 1 || runs > len(s.starts) || m < 1 || ld < runs*Run || len(dy) < (m-1)*ld+runs*Run ||
		ldw < len(s.offsets) || len(dw) < (m-1)*ldw+len(s.offsets) || len(x) < s.span {
		panic(fmt.Sprintf("simd: CorrelateGrad: %d filters of %d taps, dw %d elements with stride %d, %d of %d runs, x %d "+
			"of %d elements, dy %d with stride %d",
			m, s.taps, len(dw), ldw, runs, len(s.starts), len(x), s.span, len(dy), ld))
	}
	c := &active.conv
	kernels := c.correlateGrad[s.wholeIndex()]
	step := evenly(m, c.gradRows, 1)
	for i := 0; i < m; i += step {
		kernel := kernels[min(step, m-i)-1]
		for p := 0; p < s.taps; p += c.gradTaps {
			kernel(dy[i*ld:], ld, s.offsets[p:p+c.gradTaps], x, s.starts[:runs], dw[i*ldw+p:], ldw)
		}
	}
}

// Spread carries output gradients of m filters back to the inputs of some channels, the transposed map of Correlate:
// a stencil's offsets are those of the taps in the first channel, the others follow plane elements apart, and
//
//	dx[starts[r] + j + offsets[p] + plane*c] += sum over filters i of w[i,c,p] * dy[i*ld + Run*r + j]
//
// for each output j of the first runs, tap p and channel c. filters holds, for each tap, what PackFilters makes of its
// weights, one row of m for each channel. Inputs get their parts tap by tap. Runs are rounded up to a tile's: dy must
// be zero there, or what is added of no importance.
func Spread(dx []float32, plane int, filters []float32, channels int, dy []float32, ld, m int, s *Stencil, runs int) {
	if runs < 1 || runs > len(s.starts) || m < 1 || channels < 1 || ld < RowLen(runs) || len(dy) < (m-1)*ld+RowLen(runs) ||
		len(filters) < s.taps*PackedFilters(channels, m) || len(dx) < s.span+(channels-1)*plane {
		panic(fmt.Sprintf("simd: Spread: %d filters, %d taps of %d channels (%d elements), %d of %d runs, dx %d of %d "+
			"elements, dy %d with stride %d",
			m, s.taps, channels, len(filters), runs, len(s.starts), len(dx), s.span+(channels-1)*plane, len(dy), ld))
	}
	g, c := &active.gemm, &active.conv
	kernels, size := c.spread[s.wholeIndex()], PackedFilters(channels, m)
	step := evenly(channels, g.rows, 1)
	for p, offset := range s.offsets[:s.taps] {
		for i := 0; i < channels; i += step {
			packed := filters[p*size+i/step*m*g.width:]
			kernel, to := kernels[min(step, channels-i)-1], dx[int(offset)+i*plane:]
			for r := 0; r < runs; r += c.runs {
				kernel(packed, m, dy[r*Run:], ld, to, s.starts[r:], plane)
			}
		}
	}
}

func (s *Stencil) wholeIndex() int {
	if s.whole {
		return 1
	}
	return 0
}

// CopyRowsAdd sets rows of n elements that lie apart to other such rows and a constant: dst = src + s.
func CopyRowsAdd(dst []float32, dstStride int, src []float32, stride, rows, n int, s float32) {
	if fitStrided("CopyRowsAdd", len(dst), dstStride, len(src), stride, rows, n) {
		active.copyRowsAdd(dst, dstStride, src, stride, rows, n, s)
	}
}

// AddToRows adds rows of n elements that lie apart to other such rows: dst = dst + src.
func AddToRows(dst []float32, dstStride int, src []float32, stride, rows, n int) {
	if fitStrided("AddToRows", len(dst), dstStride, len(src), stride, rows, n) {
		active.addToRows(dst, dstStride, src, stride, rows, n)
	}
}

// fitStrided panics unless both sides have the rows, and reports whether there is anything to do.
func fitStrided(op string, dst, dstStride, src, stride, rows, n int) bool {
	if rows < 0 || n < 0 || rows > 1 && (dstStride < n || stride < n) ||
		rows > 0 && (dst < (rows-1)*dstStride+n || src < (rows-1)*stride+n) {
		panic(fmt.Sprintf("simd: %s: %d rows of %d elements, with strides %d and %d in %d and %d elements",
			op, rows, n, dstStride, stride, dst, src))
	}
	return rows > 0 && n > 0
}
