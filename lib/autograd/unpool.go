// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// MaxUnpool inverts max-pooling: it moves each element of a plane back to its original position in a larger plane of
// zeros.
//
//	y[n, c, at[n,c,i]] = x[n, c, i] where at[n,c,i] >= 0
//
//	x [N, C, H, W], at with as many elements, each less than h·w -> y [N, C, h, w]
//
// The slice at holds the switches of [MaxPool2D], counted within each plane; -1 omits an element. It is copied. The
// positions in a plane must be distinct. MaxUnpool panics unless there is a position for each element, and if a
// position lies outside its plane.
func MaxUnpool(x *Var, at []int32, h, w int) *Var {
	s := x.Shape()
	if len(s) != 4 || len(at) != x.value.Len() || h < 1 || w < 1 {
		panic(fmt.Sprintf("autograd: MaxUnpool: %d positions in planes %d x %d for x %v", len(at), h, w, s))
	}
	for _, p := range at {
		if int(p) >= h*w {
			panic(fmt.Sprintf("autograd: MaxUnpool: position %d lies outside a plane %d x %d", p, h, w))
		}
	}
	y, op := Record[maxUnpoolOp]("MaxUnpool", x)
	op.at = append(op.at[:0], at...)
	y.Resize(s[0], s[1], h, w)
	For(y, planes(y), op.grain(y), (*maxUnpoolOp).forward)
	return y
}

// maxUnpoolOp is the state of [MaxUnpool].
type maxUnpoolOp struct {
	at         []int32
	accumulate bool // in Backward
}

func (op *maxUnpoolOp) grain(y *Var) int {
	return elementsWorthSharing*planes(y)/max(len(op.at), 1) + 1
}

// Choices yields the positions.
func (op *maxUnpoolOp) Choices(*Var) iter.Seq[int32] { return slices.Values(op.at) }

// plane returns the elements of the input and of the result that belong to plane i, and the positions.
func (op *maxUnpoolOp) plane(x, y *tensor.Tensor, i int) (from, to []float32, at []int32) {
	n, m := x.Shape()[2]*x.Shape()[3], y.Shape()[2]*y.Shape()[3]
	return x.Data()[i*n : (i+1)*n], y.Data()[i*m : (i+1)*m], op.at[i*n : (i+1)*n]
}

func (op *maxUnpoolOp) forward(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		x, out, places := op.plane(y.in[0].Value(), y.Value(), i)
		clear(out)
		// Omitted elements are written to position 0, which gets its own value at the end. Adding zeros there instead
		// would make each write wait for the previous one.
		var first uint32
		for j, at := range places {
			v := x[j]
			out[max(at, 0)] = v
			first |= math.Float32bits(v) & uint32(((at-1)&^at)>>31) // if at is 0
		}
		out[0] = math.Float32frombits(first)
	}
}

func (op *maxUnpoolOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		For(y, planes(y), op.grain(y), (*maxUnpoolOp).backward)
	}
}

func (op *maxUnpoolOp) backward(y *Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		dx, dy, places := op.plane(y.in[0].Grad(), y.Grad(), i)
		if op.accumulate {
			for j, at := range places {
				dx[j] += where(at, dy[max(at, 0)])
			}
			continue
		}
		for j, at := range places {
			dx[j] = where(at, dy[max(at, 0)])
		}
	}
}

// where returns v if at >= 0, and 0 otherwise, without a branch, since the sign of at is unpredictable.
func where(at int32, v float32) float32 {
	return math.Float32frombits(math.Float32bits(v) &^ uint32(at>>31))
}
