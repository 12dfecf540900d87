// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A Pool is a window that moves over each plane of an image.
type Pool struct {
	H, W             int // of the window
	StrideH, StrideW int // from one place to the next; 0 is the window's own size: windows side by side
	PadH, PadW       int // how far the first window begins above and to the left of the image, less than its size
}

// strides returns the window with its defaults filled in.
func (p Pool) strides() Pool {
	if p.StrideH == 0 {
		p.StrideH = p.H
	}
	if p.StrideW == 0 {
		p.StrideW = p.W
	}
	return p
}

// OutputSize returns the height and width of what is left of an h x w image:
//
//	(h + 2·PadH - H)/StrideH + 1, (w + 2·PadW - W)/StrideW + 1, rounded down
func (p Pool) OutputSize(h, w int) (oh, ow int) {
	p = p.strides()
	return places(h+2*p.PadH, p.H, p.StrideH), places(w+2*p.PadW, p.W, p.StrideW)
}

// MaxPool2D returns the largest element in each window.
//
//	x [N, C, H, W] -> y [N, C, OH, OW] with the size of [Pool.OutputSize]
//
// [Var.Winners] of the result are the switches: for each element of y the position in x.Data() of the one that won.
// Of equal elements the first wins, row by row; a NaN counts as larger than all numbers. Padding never wins. The
// gradient goes to the winners. MaxPool2D panics if the shapes do not fit.
func MaxPool2D(x *Var, p Pool) *Var {
	y, p := pooled("MaxPool2D", x, p, maxPoolBackward)
	y.Index(y.value.Len())
	y.tape.For(y, planes(y), grain(p.cost(y)), maxPoolRange)
	return y
}

// MeanPool2D returns the mean of each window. Padding counts as zeros.
//
//	x [N, C, H, W] -> y [N, C, OH, OW] with the size of [Pool.OutputSize]
//
// MeanPool2D panics if the shapes do not fit.
func MeanPool2D(x *Var, p Pool) *Var {
	y, p := pooled("MeanPool2D", x, p, meanPoolBackward)
	y.tape.For(y, planes(y), grain(p.cost(y)), meanPoolRange)
	return y
}

// pooled records a pooling operation. The window is kept with the result.
func pooled(op string, x *Var, p Pool, backward func(*Var)) (*Var, Pool) {
	s := x.Shape()
	if len(s) != 4 {
		panic(shapeMismatch(op, "x [N, C, H, W]", x))
	}
	q := p.strides()
	if min(q.H, q.W, q.StrideH, q.StrideW) < 1 || min(q.PadH, q.PadW) < 0 || q.PadH >= q.H || q.PadW >= q.W {
		panic(fmt.Sprintf("autograd: %s: no such window: %+v", op, p))
	}
	oh, ow := q.OutputSize(s[2], s[3])
	if min(oh, ow) < 1 {
		panic(fmt.Sprintf("autograd: %s: a window %d x %d does not fit images %v with %+v", op, q.H, q.W, s, p))
	}
	y := tapeOf(op, x).Op(op, backward, x)
	y.Resize(s[0], s[1], oh, ow)
	y.KeepLabels([]int{q.H, q.W, q.StrideH, q.StrideW, q.PadH, q.PadW})
	return y, q
}

// poolOf returns the window that was kept.
func poolOf(y *Var) Pool {
	l := y.labels
	return Pool{l[0], l[1], l[2], l[3], l[4], l[5]}
}

func planes(y *Var) int { return y.Shape()[0] * y.Shape()[1] }

// cost estimates the work for a plane in multiply-adds.
func (p Pool) cost(y *Var) int { return 32 * p.H * p.W * y.Shape()[2] * y.Shape()[3] }

// A poolPlane is one plane and what is left of it.
type poolPlane struct {
	Pool
	h, w, oh, ow int
	x            int // its position in the input
	y            int // and in the output
}

// planeOf returns plane i of a pooling.
func planeOf(y *Var, i int) poolPlane {
	in, out := y.in[0].Shape(), y.Shape()
	p := poolPlane{Pool: poolOf(y), h: in[2], w: in[3], oh: out[2], ow: out[3]}
	p.x, p.y = i*p.h*p.w, i*p.oh*p.ow
	return p
}

// window returns the part of window (i, j) that lies in the image: rows top to bottom, columns left to right.
func (p *poolPlane) window(i, j int) (top, bottom, left, right int) {
	top, left = i*p.StrideH-p.PadH, j*p.StrideW-p.PadW
	return max(top, 0), min(top+p.H, p.h), max(left, 0), min(left+p.W, p.w)
}

// inside returns the range of windows that lie in the image, of places windows of a size in a length.
func inside(places, size, stride, pad, length int) (from, to int) {
	from = min(ceil(pad, stride), places)
	return from, max(from, min(places, (length-size+pad)/stride+1))
}

func maxPoolRange(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		p := planeOf(y, i)
		top, bottom := inside(p.oh, p.H, p.StrideH, p.PadH, p.h)
		left, right := inside(p.ow, p.W, p.StrideW, p.PadW, p.w)
		at := p.y + top*p.ow + left
		first := p.x + (top*p.StrideH-p.PadH)*p.w + left*p.StrideW - p.PadW
		if top < bottom && left < right {
			simd.MaxPool(y.Data()[at:], y.index[at:], p.ow, y.in[0].Data(), first, simd.PoolWindow{
				Rows: bottom - top, Cols: right - left, RowStep: p.StrideH * p.w, Step: p.StrideW, H: p.H, W: p.W, Pitch: p.w,
			})
		}
		for r := range p.oh {
			for c := 0; c < p.ow; c++ {
				if r >= top && r < bottom && c == left {
					c = right
					if c == p.ow {
						break
					}
				}
				p.maxAt(y, r, c)
			}
		}
	}
}

// maxAt finds the winner of a window at the border.
func (p *poolPlane) maxAt(y *Var, r, c int) {
	top, bottom, left, right := p.window(r, c)
	x := y.in[0].Data()
	best := p.x + top*p.w + left
	for i := top; i < bottom; i++ {
		for j := left; j < right; j++ {
			at := p.x + i*p.w + j
			if v, b := x[at], x[best]; v > b || v != v && b == b {
				best = at
			}
		}
	}
	at := p.y + r*p.ow + c
	y.Data()[at], y.index[at] = x[best], int32(best)
}

func maxPoolBackward(y *Var) {
	x := y.in[0]
	if !x.needsGrad {
		return
	}
	_, y.acc = x.GradBuffer()
	y.tape.For(y, planes(y), grain(32*y.value.Len()/planes(y)), func(y *Var, lo, hi int) {
		first, end := planeOf(y, lo), planeOf(y, hi)
		dx, dy := y.in[0].grad.Data(), y.grad.Data()[first.y:end.y]
		if !y.acc {
			clear(dx[first.x:end.x])
		}
		for i, at := range y.index[first.y:end.y] {
			dx[at] += dy[i]
		}
	})
}

func meanPoolRange(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		p := planeOf(y, i)
		x, out := y.in[0].Data()[p.x:][:p.h*p.w], y.Data()[p.y:][:p.oh*p.ow]
		scale := 1 / float32(p.H*p.W)
		for r := range p.oh {
			for c := range p.ow {
				out[r*p.ow+c] = scale * p.sumAt(x, r, c)
			}
		}
	}
}

// sumAt adds up a window.
func (p *poolPlane) sumAt(x []float32, r, c int) float32 {
	top, bottom, left, right := p.window(r, c)
	if left == 0 && right == p.w && top < bottom {
		return simd.Sum(x[top*p.w : bottom*p.w])
	}
	var sum float32
	for i := top; i < bottom; i++ {
		for _, v := range x[i*p.w+left : i*p.w+right] {
			sum += v
		}
	}
	return sum
}

func meanPoolBackward(y *Var) {
	x := y.in[0]
	if !x.needsGrad {
		return
	}
	_, y.acc = x.GradBuffer()
	y.tape.For(y, planes(y), grain(poolOf(y).cost(y)), func(y *Var, lo, hi int) {
		for i := lo; i < hi; i++ {
			p := planeOf(y, i)
			dx, dy := y.in[0].grad.Data()[p.x:][:p.h*p.w], y.grad.Data()[p.y:][:p.oh*p.ow]
			if !y.acc {
				clear(dx)
			}
			scale := 1 / float32(p.H*p.W)
			for r := range p.oh {
				for c := range p.ow {
					top, bottom, left, right := p.window(r, c)
					d := scale * dy[r*p.ow+c]
					for i := top; i < bottom; i++ {
						row := dx[i*p.w+left : i*p.w+right]
						for j := range row {
							row[j] += d
						}
					}
				}
			}
		}
	})
}
