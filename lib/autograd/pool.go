// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A Pool is a window that moves over each plane of an image.
type Pool struct {
	H, W             int // height and width of the window
	StrideH, StrideW int // 0 means the window's size, so that windows are adjacent
	PadH, PadW       int // padding on each side of the image, less than the window's size
}

// strides returns the window with default strides filled in.
func (p Pool) strides() Pool {
	if p.StrideH == 0 {
		p.StrideH = p.H
	}
	if p.StrideW == 0 {
		p.StrideW = p.W
	}
	return p
}

// OutputSize returns the height and width of the output for an h x w image:
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
// [Var.Winners] of the result are the switches (pooling indices): for each element of y, the position of the winner in
// x.Data(). Ties go to the first element, row by row. A NaN counts as larger than all numbers. Padding never wins. The
// gradient goes to the winners. MaxPool2D panics if the shapes do not match.
func MaxPool2D(x *Var, p Pool) *Var {
	p, oh, ow := p.over("MaxPool2D", x)
	y, op := Record[maxPoolOp]("MaxPool2D", x)
	op.Pool = p
	y.Resize(x.Shape()[0], x.Shape()[1], oh, ow)
	op.winners = slices.Grow(op.winners[:0], y.value.Len())[:y.value.Len()]
	For(y, planes(y), grain(p.cost(y)), (*maxPoolOp).forward)
	return y
}

// MeanPool2D returns the mean of each window. Padding counts as zeros.
//
//	x [N, C, H, W] -> y [N, C, OH, OW] with the size of [Pool.OutputSize]
//
// MeanPool2D panics if the shapes do not match.
func MeanPool2D(x *Var, p Pool) *Var {
	p, oh, ow := p.over("MeanPool2D", x)
	y, op := Record[meanPoolOp]("MeanPool2D", x)
	op.Pool = p
	width := x.Shape()[0] * x.Shape()[1] * x.Shape()[3]
	op.columns = slices.Grow(op.columns[:0], width)[:width]
	y.Resize(x.Shape()[0], x.Shape()[1], oh, ow)
	For(y, planes(y), grain(p.cost(y)), (*meanPoolOp).forward)
	return y
}

// over returns the window with default strides filled in, and the height and width of the output for images x.
func (p Pool) over(op string, x *Var) (q Pool, oh, ow int) {
	s := x.Shape()
	if len(s) != 4 {
		panic(shapeMismatch(op, "x [N, C, H, W]", x))
	}
	q = p.strides()
	if min(q.H, q.W, q.StrideH, q.StrideW) < 1 || min(q.PadH, q.PadW) < 0 || q.PadH >= q.H || q.PadW >= q.W {
		panic(fmt.Sprintf("autograd: %s: invalid window %+v", op, p))
	}
	oh, ow = q.OutputSize(s[2], s[3])
	if min(oh, ow, s[2], s[3]) < 1 {
		panic(fmt.Sprintf("autograd: %s: a window %d x %d does not fit images %v with %+v", op, q.H, q.W, s, p))
	}
	return q, oh, ow
}

func planes(y *Var) int { return y.Shape()[0] * y.Shape()[1] }

// cost estimates the work per plane in multiply-adds.
func (p Pool) cost(y *Var) int { return 32 * p.H * p.W * y.Shape()[2] * y.Shape()[3] }

// A poolPlane is one plane of the input and its plane of the output.
type poolPlane struct {
	Pool
	h, w, oh, ow int
	x            int // position of the plane in the input
	y            int // position of the plane in the output
}

// plane returns plane i of a pooling with result y.
func (p Pool) plane(y *Var, i int) poolPlane {
	in, out := y.in[0].Shape(), y.Shape()
	q := poolPlane{Pool: p, h: in[2], w: in[3], oh: out[2], ow: out[3]}
	q.x, q.y = i*q.h*q.w, i*q.oh*q.ow
	return q
}

// window returns the part of window (i, j) that lies in the image: rows top to bottom, columns left to right.
func (p *poolPlane) window(i, j int) (top, bottom, left, right int) {
	top, left = i*p.StrideH-p.PadH, j*p.StrideW-p.PadW
	return max(top, 0), min(top+p.H, p.h), max(left, 0), min(left+p.W, p.w)
}

// inside returns the range of windows that lie entirely in the image, in one dimension with the given number of
// windows.
func inside(places, size, stride, pad, length int) (from, to int) {
	from = min(ceil(pad, stride), places)
	return from, max(from, min(places, (length-size+pad)/stride+1))
}

// maxPoolOp is the state of [MaxPool2D].
type maxPoolOp struct {
	Pool
	winners    []int32
	accumulate bool // in Backward
}

// Winners returns the switches.
func (op *maxPoolOp) Winners() []int32 { return op.winners }

// Choices yields the switches.
func (op *maxPoolOp) Choices(*Var) iter.Seq[int32] { return slices.Values(op.winners) }

// Submask sets mask to 1 at the switches.
func (op *maxPoolOp) Submask(_ *Var, mask []float32) {
	for _, at := range op.winners {
		mask[at] = 1
	}
}

func (op *maxPoolOp) forward(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		p := op.plane(y, i)
		top, bottom := inside(p.oh, p.H, p.StrideH, p.PadH, p.h)
		left, right := inside(p.ow, p.W, p.StrideW, p.PadW, p.w)
		at := p.y + top*p.ow + left
		first := p.x + (top*p.StrideH-p.PadH)*p.w + left*p.StrideW - p.PadW
		if top < bottom && left < right {
			simd.MaxPool(y.Data()[at:], op.winners[at:], p.ow, y.in[0].Data(), first, simd.PoolWindow{
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
				best := p.maxAt(y.in[0].Data(), r, c)
				at := p.y + r*p.ow + c
				y.Data()[at], op.winners[at] = y.in[0].Data()[best], int32(best)
			}
		}
	}
}

// maxAt returns the position of the winner in a window at the border.
func (p *poolPlane) maxAt(x []float32, r, c int) int {
	top, bottom, left, right := p.window(r, c)
	best := p.x + top*p.w + left
	for i := top; i < bottom; i++ {
		for j := left; j < right; j++ {
			at := p.x + i*p.w + j
			if v, b := x[at], x[best]; v > b || v != v && b == b {
				best = at
			}
		}
	}
	return best
}

func (op *maxPoolOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, planes(y), grain(32*y.Shape()[2]*y.Shape()[3]), (*maxPoolOp).backward)
	}
}

func (op *maxPoolOp) backward(y *Var, lo, hi int) {
	first, end := op.plane(y, lo), op.plane(y, hi)
	dx, dy := y.in[0].grad.Data(), y.grad.Data()[first.y:end.y]
	if !op.accumulate {
		clear(dx[first.x:end.x])
	}
	for i, at := range op.winners[first.y:end.y] {
		dx[at] += dy[i]
	}
}

// meanPoolOp is the state of [MeanPool2D]. A window's sum is taken down its columns first, for all windows of a row at
// once, and then along the row; its gradient is spread in the reverse order.
type meanPoolOp struct {
	Pool
	columns    []float32 // a row for each plane
	accumulate bool      // in Backward
}

func (op *meanPoolOp) forward(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		p := op.plane(y, i)
		x, out := y.in[0].Data()[p.x:][:p.h*p.w], y.Data()[p.y:][:p.oh*p.ow]
		scale := 1 / float32(p.H*p.W)
		columns := op.columns[i*p.w:][:p.w]
		for r := range p.oh {
			top, bottom := p.down(r)
			if p.ow == 1 && p.W-p.PadW >= p.w && top < bottom { // the whole width, as of a global mean
				out[r] = scale * simd.Sum(x[top*p.w:bottom*p.w])
				continue
			}
			simd.SumRows(columns, x[top*p.w:bottom*p.w], bottom-top, p.w, false)
			for c := range p.ow {
				var sum float32
				for _, v := range p.across(columns, c) {
					sum += v
				}
				out[r*p.ow+c] = scale * sum
			}
		}
	}
}

// down returns the rows of the image that lie in a row of windows.
func (p *poolPlane) down(r int) (top, bottom int) {
	bottom = min(r*p.StrideH-p.PadH+p.H, p.h)
	return min(max(r*p.StrideH-p.PadH, 0), bottom), bottom
}

// across returns the part of a row of the image that lies in windows number c of a row.
func (p *poolPlane) across(row []float32, c int) []float32 {
	left := c*p.StrideW - p.PadW
	right := min(left+p.W, p.w)
	return row[min(max(left, 0), right):right]
}

func (op *meanPoolOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, planes(y), grain(op.cost(y)), (*meanPoolOp).backward)
	}
}

func (op *meanPoolOp) backward(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		p := op.plane(y, i)
		dx, dy := y.in[0].grad.Data()[p.x:][:p.h*p.w], y.grad.Data()[p.y:][:p.oh*p.ow]
		if !op.accumulate {
			clear(dx)
		}
		scale := 1 / float32(p.H*p.W)
		columns := op.columns[i*p.w:][:p.w]
		for r := range p.oh {
			clear(columns)
			for c := range p.ow {
				d := scale * dy[r*p.ow+c]
				part := p.across(columns, c)
				for j := range part {
					part[j] += d
				}
			}
			top, bottom := p.down(r)
			for i := top; i < bottom; i++ {
				row := dx[i*p.w:][:p.w]
				simd.Add(row, row, columns)
			}
		}
	}
}
