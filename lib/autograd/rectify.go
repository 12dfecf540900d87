// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// kinked is embedded in the state of operations that change form where an input changes sign.
type kinked struct{}

// Choices yields 1 for each positive input and 0 for the others.
func (kinked) Choices(y *Var) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for _, x := range y.in[0].Data() {
			var positive int32
			if x > 0 {
				positive = 1
			}
			if !yield(positive) {
				return
			}
		}
	}
}

// rectified is embedded in the state of operations in which each input competes with zero.
type rectified struct{ kinked }

// Submask sets mask to 1 where the input is positive.
func (rectified) Submask(y *Var, mask []float32) {
	for i, x := range y.in[0].Data() {
		if x > 0 {
			mask[i] = 1
		}
	}
}

// ReLU returns max(x, 0), a unit's competition with zero. Its gradient passes where x > 0.
func ReLU(x *Var) *Var {
	y, _ := Record[relu]("ReLU", x)
	y.Resize(x.Shape()...)
	forEach(y, (*relu).forward)
	return y
}

type relu struct {
	rectified
	accumulate bool // in Backward
}

func (op *relu) forward(y *Var, lo, hi int) { simd.Relu(y.Data()[lo:hi], y.in[0].Data()[lo:hi]) }

func (op *relu) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		forEach(y, (*relu).backward)
	}
}

func (op *relu) backward(y *Var, lo, hi int) {
	x, _, dx, dy := y.parts(lo, hi)
	simd.ReluGrad(dx, dy, x, op.accumulate)
}

// RectifiedPower returns max(x, 0) to the power n, for any real n >= 1; with n = 1 it is ReLU. Its gradient,
// n max(x, 0)^(n-1), is 0 at 0. RectifiedPower panics if n < 1. Source: [KH19, eq. 1].
func RectifiedPower(x *Var, n float64) *Var {
	if !(n >= 1) {
		panic(fmt.Sprintf("autograd: RectifiedPower: power %v, want at least 1", n))
	}
	y, op := Record[rectifiedPower]("RectifiedPower", x)
	op.n = float32(n)
	y.Resize(x.Shape()...)
	forEach(y, (*rectifiedPower).forward)
	return y
}

type rectifiedPower struct {
	rectified
	n float32
}

func (op *rectifiedPower) forward(y *Var, lo, hi int) {
	out := y.Data()[lo:hi]
	simd.Relu(out, y.in[0].Data()[lo:hi])
	simd.Pow(out, out, op.n)
}

func (op *rectifiedPower) Backward(y *Var) { forEachGrad(y, (*rectifiedPower).backward) }

func (op *rectifiedPower) backward(y *Var, lo, hi int) {
	x, power, dx, dy := y.parts(lo, hi)
	for i, v := range x {
		if v > 0 {
			dx[i] += dy[i] * op.n * (power[i] / v)
		}
	}
}

// Abs returns |x|. Its gradient is the sign of x, 0 at 0.
func Abs(x *Var) *Var {
	y, _ := Record[abs]("Abs", x)
	y.Resize(x.Shape()...)
	forEach(y, (*abs).forward)
	return y
}

type abs struct{ kinked }

func (op *abs) forward(y *Var, lo, hi int) { simd.Abs(y.Data()[lo:hi], y.in[0].Data()[lo:hi]) }

func (op *abs) Backward(y *Var) { forEachGrad(y, (*abs).backward) }

func (op *abs) backward(y *Var, lo, hi int) {
	x, _, dx, dy := y.parts(lo, hi)
	for i, v := range x {
		dx[i] += dy[i] * sign(v)
	}
}

func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
