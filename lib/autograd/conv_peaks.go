// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// ConvTransposePeaks is [ConvTranspose2D] of maps in which at most one element is not zero: element n,c of x lies at
// position at[n,c] of map c of image n, counted row by row; -1 omits it.
//
//	y = ConvTranspose2D(MaxUnpool(x, at, h, w), weight, b, s)
//
//	x [N, C], at with N·C positions in maps of h x w, weight [C, K, kh, kw], b [K] or nil
//	-> y [N, K, OH, OW] with the size of [ConvShape.TransposedSize]
//
// Each element reaches one window of y, so that the result and all gradients cost C·K·kh·kw multiply-adds per image,
// whatever the size of the maps; elements that are omitted cost nothing. The slice at is copied. ConvTransposePeaks
// panics if the shapes do not match or a position lies outside its map.
func ConvTransposePeaks(x *Var, at []int32, h, w int, weight, b *Var, s ConvShape) *Var {
	const name = "ConvTransposePeaks"
	xs, ws := x.Shape(), weight.Shape()
	if len(xs) != 2 || len(ws) != 4 || xs[1] != ws[0] || len(at) != x.value.Len() ||
		b != nil && b.value.Len() != ws[1] {
		panic(shapeMismatch(name, "x [N, C] with N·C positions, weight [C, K, kh, kw], b [K]", x, weight, b))
	}
	for _, p := range at {
		if p < -1 || int(p) >= h*w {
			panic(fmt.Sprintf("autograd: %s: position %d lies outside a map of %d x %d", name, p, h, w))
		}
	}
	key := convKeyFor(name, [4]int{xs[0], xs[1], h, w}, [4]int(ws), s, true)
	y, op := Record[peaksOp](name, x, weight, b)
	op.convKey, op.mapWidth, op.at = key, w, append(op.at[:0], at...)
	y.Resize(xs[0], ws[1], key.h, key.w)
	op.live = 0
	for _, p := range at {
		if p >= 0 {
			op.live++
		}
	}
	For(y, xs[0], grain(op.cost()/max(xs[0], 1)), (*peaksOp).forward)
	return y
}

// peaksOp is the state of [ConvTransposePeaks]. The convolution that it transposes has the filters, one for each map,
// and the channels of y.
type peaksOp struct {
	convKey
	mapWidth   int
	at         []int32
	live       int  // elements that are not omitted
	accumulate bool // in Backward
}

// Choices yields the positions.
func (op *peaksOp) Choices(*Var) iter.Seq[int32] { return slices.Values(op.at) }

// cost estimates the time of a pass over all windows in multiply-adds; that of a row of a window is mostly the call.
func (op *peaksOp) cost() int { return op.live * op.channels * op.kh * (op.kw + 100) }

// A window is the part of the images that one element reaches.
type window struct {
	image        int // position of its first pixel in a channel
	filter       int // position of the first tap used in a channel of the filter
	rows, length int // rows, and pixels of a row
}

// window returns the window of the element of map c of image n.
func (op *peaksOp) window(n, c int) (v window, ok bool) {
	p := int(op.at[n*op.filters+c])
	if p < 0 {
		return v, false
	}
	top, left := p/op.mapWidth*op.shape.StrideH-op.shape.PadH, p%op.mapWidth*op.shape.StrideW-op.shape.PadW
	u, t := max(0, -top), max(0, -left)
	v.rows, v.length = min(op.kh, op.h-top)-u, min(op.kw, op.w-left)-t
	v.image, v.filter = (top+u)*op.w+left+t, u*op.kw+t
	return v, v.rows > 0 && v.length > 0
}

// each calls do for every row of a window, with the positions of its first pixel in an image and of its first tap in
// the filter.
func (op *peaksOp) each(v window, do func(pixel, tap int)) {
	for k := range op.channels {
		pixel, tap := k*op.h*op.w+v.image, k*op.kh*op.kw+v.filter
		for range v.rows {
			do(pixel, tap)
			pixel, tap = pixel+op.w, tap+op.kw
		}
	}
}

func (op *peaksOp) forward(y *Var, lo, hi int) {
	x, weight, plane := y.in[0].Data(), y.in[1].Data(), op.h*op.w
	taps := op.channels * op.kh * op.kw
	for n := lo; n < hi; n++ {
		out := y.value.at.Row(n)
		clear(out)
		if len(y.in) > 2 {
			for k, bias := range y.in[2].Data() {
				simd.AddScalar(out[k*plane:(k+1)*plane], bias, out[k*plane:(k+1)*plane])
			}
		}
		for c := range op.filters {
			s := x[n*op.filters+c]
			if v, ok := op.window(n, c); ok && s != 0 {
				filter := weight[c*taps:][:taps]
				op.each(v, func(pixel, tap int) { simd.Axpy(out[pixel:][:v.length], s, filter[tap:][:v.length]) })
			}
		}
	}
}

func (op *peaksOp) Backward(y *Var) {
	x, weight := y.in[0], y.in[1]
	if x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, y.Rows(), grain(op.cost()/max(y.Rows(), 1)), (*peaksOp).inputGrad)
	}
	if weight.needsGrad {
		_, op.accumulate = weight.GradBuffer()
		For(y, op.filters, grain(op.cost()/op.filters), (*peaksOp).filterGrad)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db := y.in[2].GradSum()
		for n := range y.Rows() {
			for k := range db {
				db[k] += simd.Sum(y.grad.at.Row(n)[k*op.h*op.w:][:op.h*op.w])
			}
		}
	}
}

// inputGrad computes the gradients of the elements of images lo to hi: the inner products of windows and filters.
func (op *peaksOp) inputGrad(y *Var, lo, hi int) {
	weight, taps := y.in[1].Data(), op.channels*op.kh*op.kw
	for n := lo; n < hi; n++ {
		dx, dy := y.in[0].grad.at.Row(n), y.grad.at.Row(n)
		for c := range op.filters {
			var sum float32
			if v, ok := op.window(n, c); ok {
				filter := weight[c*taps:][:taps]
				op.each(v, func(pixel, tap int) { sum += simd.Dot(dy[pixel:][:v.length], filter[tap:][:v.length]) })
			}
			if op.accumulate {
				sum += dx[c]
			}
			dx[c] = sum
		}
	}
}

// filterGrad computes the gradients of filters lo to hi: the sums of the windows, each scaled by its element.
func (op *peaksOp) filterGrad(y *Var, lo, hi int) {
	x, taps := y.in[0].Data(), op.channels*op.kh*op.kw
	for c := lo; c < hi; c++ {
		dw := y.in[1].grad.Data()[c*taps:][:taps]
		if !op.accumulate {
			clear(dw)
		}
		for n := range y.Rows() {
			s := x[n*op.filters+c]
			if v, ok := op.window(n, c); ok && s != 0 {
				dy := y.grad.at.Row(n)
				op.each(v, func(pixel, tap int) { simd.Axpy(dw[tap:][:v.length], s, dy[pixel:][:v.length]) })
			}
		}
	}
}
