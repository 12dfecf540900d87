// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Reshape returns x with another shape of the same size. It panics if the sizes differ.
func Reshape(x *Var, shape ...int) *Var {
	if _, size := around(shape, 0); size != x.value.Len() {
		panic(fmt.Sprintf("autograd: Reshape: shapes %v and %v differ in size", x.Shape(), slices.Clone(shape)))
	}
	y, _ := Record[reshapeOp]("Reshape", x)
	y.value.view(x.Value(), shape...)
	return y
}

type reshapeOp struct{}

func (reshapeOp) Backward(y *Var) { addGrad(y.in[0], 1, y.grad.Data()) }

// Transpose exchanges the last two dimensions.
//
//	x [..., M, N] -> y [..., N, M] with y[..., j, i] = x[..., i, j]
//
// It panics if x has fewer than two dimensions.
func Transpose(x *Var) *Var {
	d := len(x.Shape())
	if d < 2 {
		panic(shapeMismatch("Transpose", "x [..., M, N]", x))
	}
	y, op := Record[transposeOp]("Transpose", x)
	op.shape = append(op.shape[:0], x.Shape()...)
	op.shape[d-2], op.shape[d-1] = op.shape[d-1], op.shape[d-2]
	op.m, op.n = op.shape[d-1], op.shape[d-2]
	y.Resize(op.shape...)
	For(y, op.matrices(y), elementsWorthSharing/max(op.m*op.n, 1)+1, (*transposeOp).forward)
	return y
}

type transposeOp struct {
	shape      []int
	m, n       int  // rows and columns of a matrix of the input
	accumulate bool // in Backward
}

func (op *transposeOp) matrices(y *Var) int { return y.value.Len() / max(op.m*op.n, 1) }

func (op *transposeOp) forward(y *Var, lo, hi int) {
	size := op.m * op.n
	for i := lo * size; i < hi*size; i += size {
		simd.Transpose(y.Data()[i:i+size], op.m, y.in[0].Data()[i:i+size], op.n, op.m, op.n)
	}
}

func (op *transposeOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, op.matrices(y), elementsWorthSharing/max(op.m*op.n, 1)+1, (*transposeOp).backward)
	}
}

func (op *transposeOp) backward(y *Var, lo, hi int) {
	size := op.m * op.n
	for at := lo * size; at < hi*size; at += size {
		dx, dy := y.in[0].grad.Data()[at:at+size], y.grad.Data()[at:at+size]
		if !op.accumulate {
			simd.Transpose(dx, op.n, dy, op.m, op.n, op.m)
			continue
		}
		for i := range op.m {
			for j := range op.n {
				dx[i*op.n+j] += dy[j*op.m+i]
			}
		}
	}
}

// PixelShuffle rearranges groups of r² channels into images that are r times as high and wide, as in PyTorch (depth to
// space):
//
//	y[n, c, r·h+i, r·w+j] = x[n, (c·r+i)·r+j, h, w]
//
//	x [N, C·r², H, W] -> y [N, C, r·H, r·W]
//
// It panics if the shape does not match.
func PixelShuffle(x *Var, r int) *Var {
	s := x.Shape()
	if len(s) != 4 || r < 1 || s[1]%(r*r) != 0 {
		panic(fmt.Sprintf("autograd: PixelShuffle: want x [N, C·%d², H, W], got %v", r, s))
	}
	y, op := Record[pixelShuffleOp]("PixelShuffle", x)
	op.r = r
	y.Resize(s[0], s[1]/(r*r), r*s[2], r*s[3])
	For(y, planes(y), op.grain(y), (*pixelShuffleOp).forward)
	return y
}

type pixelShuffleOp struct{ r int }

func (op *pixelShuffleOp) grain(y *Var) int {
	return elementsWorthSharing/max(y.Shape()[2]*y.Shape()[3], 1) + 1
}

// each calls do with every input row of the channels that form output planes lo to hi. The row has n elements and
// begins at element x of the input. In the result, its elements are r apart and begin at element y.
func (op *pixelShuffleOp) each(v *Var, lo, hi int, do func(x, y, n int)) {
	h, w := v.in[0].Shape()[2], v.in[0].Shape()[3]
	x := lo * op.r * op.r * h * w
	for plane := lo; plane < hi; plane++ {
		for i := range op.r {
			for j := range op.r {
				for row := range h {
					do(x, ((plane*h+row)*op.r+i)*op.r*w+j, w)
					x += w
				}
			}
		}
	}
}

func (op *pixelShuffleOp) forward(v *Var, lo, hi int) {
	in, out := v.in[0].Data(), v.Data()
	op.each(v, lo, hi, func(x, y, n int) {
		for k, value := range in[x : x+n] {
			out[y+k*op.r] = value
		}
	})
}

func (op *pixelShuffleOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		x.GradSum()
		For(y, planes(y), op.grain(y), (*pixelShuffleOp).backward)
	}
}

func (op *pixelShuffleOp) backward(v *Var, lo, hi int) {
	dx, dy := v.in[0].grad.Data(), v.grad.Data()
	op.each(v, lo, hi, func(x, y, n int) {
		for k := range n {
			dx[x+k] += dy[y+k*op.r]
		}
	})
}
