// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Gradients of a convolution with few live positions
//
// Where positions compete, the output gradient of an image is zero in all maps at most positions. The gradients are
// then sums over the other, live positions. Each has a window in the image, which is one row of a matrix:
//
//	dW = dyᵀ·windows,   the windows of dx += dy·W      dy [positions, filters], windows [positions, taps]
//
// These are the products of a dense layer, which skip the zeros of dy in turn. The order of the sums differs from that
// of the dense gradients, so that the two differ by rounding errors. The choice between them depends on dy alone.

// liveShare is the largest share of live positions for which this way is taken.
const liveShare = 0.25

// livePositions are the positions of each image at which the output gradient is not zero in all maps.
type livePositions struct {
	at    []int32 // [N, positions of a map]; those of an image come first, in ascending order
	count []int   // number of live positions [N]
	mark  []bool  // whether a position is live [N, positions of a map]
	few   bool    // whether the gradients were computed from them
}

// findLive finds the live positions and reports whether they are few. In most networks they are not, which a look at
// every eighth image tells without a pass over the others.
func (op *convOp) findLive(y *Var) bool {
	n, places := y.Rows(), op.oh*op.ow
	l := &op.live
	l.mark = slices.Grow(l.mark[:0], n*places)[:n*places]
	looks, crowded, enough := (n+7)/8, 0, int(liveShare*float64(places))+1
	for i := 0; i < n; i += 8 {
		if op.markLive(y.grad.at.Row(i), l.mark[:places], enough) >= enough {
			crowded++
		}
		if l.few = 2*crowded <= looks; !l.few {
			return false
		}
	}
	l.at = slices.Grow(l.at[:0], n*places)[:n*places]
	l.count = slices.Grow(l.count[:0], n)[:n]
	For(y, n, elementsWorthSharing/(places*op.filters)+1, (*convOp).listLive)
	total := 0
	for _, c := range l.count {
		total += c
	}
	l.few = float64(total) <= liveShare*float64(n*places)
	return l.few
}

// listLive lists the live positions of images lo to hi.
func (op *convOp) listLive(y *Var, lo, hi int) {
	places := op.oh * op.ow
	for n := lo; n < hi; n++ {
		mark, at := op.live.mark[n*places:(n+1)*places], op.live.at[n*places:(n+1)*places]
		count := op.markLive(y.grad.at.Row(n), mark, places)
		op.live.count[n] = count
		i := 0
		for p, live := range mark {
			if live {
				at[i] = int32(p)
				i++
			}
		}
	}
}

// markLive marks the live positions of an image and returns their number. It stops after the map with which there are
// enough.
func (op *convOp) markLive(dy []float32, mark []bool, enough int) (count int) {
	places := len(mark)
	clear(mark)
	for ; len(dy) > 0 && count < enough; dy = dy[places:] {
		if simd.CountNonZero(dy[:places]) == 0 {
			continue
		}
		for p, v := range dy[:places] {
			if v != 0 && !mark[p] {
				mark[p] = true
				count++
			}
		}
	}
	return count
}

// liveBackward computes the gradients from the live positions.
func (op *convOp) liveBackward(y *Var) {
	x, w, n := y.in[0], y.in[1], y.Rows()
	if x.needsGrad {
		_, op.accumulate = x.GradBuffer()
	}
	parts := chunks(n)
	op.parts = atLeast(op.parts, parts*op.livePartLen())
	For(y, parts, 1, (*convOp).liveGrad)
	if w.needsGrad {
		dw, acc := w.GradBuffer()
		op.sumLive(dw, 0, parts, acc)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		op.sumLive(db, op.filters*op.taps, parts, acc)
	}
}

// livePartLen returns the number of floats in a part: the gradients of the filters, and of the biases.
func (op *convOp) livePartLen() int { return op.filters*op.taps + op.filters }

// sumLive sums the parts of a gradient that start at an offset.
func (op *convOp) sumLive(dst []float32, offset, parts int, acc bool) {
	for i := range parts {
		sumRows(dst, len(dst), op.parts[i*op.livePartLen()+offset:], len(dst), 1, acc || i > 0)
	}
}

// A liveBlock collects live positions, of one or several images, until they are enough for a product.
type liveBlock struct {
	images, at      []int32   // [P]
	dy, windows     []float32 // [P, filters], [P, taps]
	filters, biases []float32 // gradients of the part
}

// liveBlockLen is the largest number of positions of a block.
const liveBlockLen = 64

// liveGrad computes the image gradients of some parts of the batch, and the partial gradients of filters and biases.
func (op *convOp) liveGrad(y *Var, lo, hi int) {
	s := takeSpace()
	defer s.giveBack()
	b, n, places := &s.live, y.Rows(), op.oh*op.ow
	b.dy, b.windows = atLeast(b.dy, liveBlockLen*op.filters), atLeast(b.windows, liveBlockLen*op.taps)
	for i := lo; i < hi; i++ {
		part := op.parts[i*op.livePartLen():][:op.livePartLen()]
		clear(part)
		b.filters, b.biases = part[:op.filters*op.taps], part[op.filters*op.taps:]
		b.images, b.at = b.images[:0], b.at[:0]
		first, end := i*n/chunks(n), (i+1)*n/chunks(n)
		if y.in[0].needsGrad && !op.accumulate {
			in := y.in[0].Width()
			clear(y.in[0].grad.Data()[first*in : end*in])
		}
		for image := first; image < end; image++ {
			for _, p := range op.live.at[image*places:][:op.live.count[image]] {
				b.images, b.at = append(b.images, int32(image)), append(b.at, p)
				if len(b.at) == liveBlockLen {
					op.addBlock(y, b)
				}
			}
		}
		op.addBlock(y, b)
	}
}

// addBlock adds what the positions of a block contribute to the gradients, and empties it.
func (op *convOp) addBlock(y *Var, b *liveBlock) {
	rows, x, w := len(b.at), y.in[0], y.in[1]
	if rows == 0 {
		return
	}
	dy := b.dy[:rows*op.filters]
	for j, p := range b.at {
		from := y.grad.at.Row(int(b.images[j]))[p:]
		for k := range op.filters {
			dy[j*op.filters+k] = from[k*op.oh*op.ow]
		}
	}
	density := simd.Density(dy, rows, op.filters)
	if w.needsGrad {
		for j, p := range b.at {
			op.readWindow(b.windows[j*op.taps:][:op.taps], x.Value().Row(int(b.images[j])), int(p))
		}
		product := simd.SparseProduct{TransA: true, Acc: true, Density: density}
		product.Gemm(op.filters, op.taps, rows, dy, op.filters, b.windows, op.taps, b.filters, op.taps)
	}
	simd.SumRows(b.biases, dy, rows, op.filters, true)
	if x.needsGrad {
		product := simd.SparseProduct{Density: density}
		product.Gemm(rows, op.taps, op.filters, dy, op.filters, w.Data(), op.taps, b.windows, op.taps)
		for j, p := range b.at {
			op.addWindow(x.grad.at.Row(int(b.images[j])), b.windows[j*op.taps:][:op.taps], int(p))
		}
	}
	b.images, b.at = b.images[:0], b.at[:0]
}

// windowAt returns the part of the window of a position that lies in the image: the position of its first row and
// column in the image and in the kernel, and its size.
func (p *convPlan) windowAt(at int) (row, col, u, v, rows, cols int) {
	top, left := at/p.ow*p.shape.StrideH-p.shape.PadH, at%p.ow*p.shape.StrideW-p.shape.PadW
	u, v = max(0, -top), max(0, -left)
	return top + u, left + v, u, v, min(p.kh, p.h-top) - u, min(p.kw, p.w-left) - v
}

// readWindow copies the window of a position, [channels, kh, kw], from an image. Outside the image it is zero.
func (p *convPlan) readWindow(window, image []float32, at int) {
	row, col, u, v, rows, cols := p.windowAt(at)
	if rows < p.kh || cols < p.kw {
		clear(window)
		if rows <= 0 || cols <= 0 {
			return
		}
	}
	for c := range p.channels {
		to, from := window[(c*p.kh+u)*p.kw+v:], image[(c*p.h+row)*p.w+col:]
		for r := range rows {
			copy(to[r*p.kw:][:cols], from[r*p.w:])
		}
	}
}

// addWindow adds the window of a position to an image.
func (p *convPlan) addWindow(image, window []float32, at int) {
	row, col, u, v, rows, cols := p.windowAt(at)
	if rows <= 0 || cols <= 0 {
		return
	}
	for c := range p.channels {
		to, from := image[(c*p.h+row)*p.w+col:], window[(c*p.kh+u)*p.kw+v:]
		for r := range rows {
			dst, src := to[r*p.w:][:cols], from[r*p.kw:][:cols]
			for i, d := range src {
				dst[i] += d
			}
		}
	}
}
