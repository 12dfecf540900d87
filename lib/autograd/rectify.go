// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"iter"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// kinked is embedded in the state of operations that have a kink where an input changes sign.
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

// ReLU returns max(x, 0): each unit competes with zero. Its gradient is 1 where x > 0, and 0 elsewhere.
func ReLU(x *Var) *Var {
	y, _ := Record[reluOp]("ReLU", x)
	y.Resize(x.Shape()...)
	forEach(y, (*reluOp).forward)
	return y
}

type reluOp struct {
	rectified
	accumulate bool // in Backward
}

func (op *reluOp) forward(y *Var, lo, hi int) { simd.Relu(y.Data()[lo:hi], y.in[0].Data()[lo:hi]) }

func (op *reluOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		forEach(y, (*reluOp).backward)
	}
}

func (op *reluOp) backward(y *Var, lo, hi int) {
	x, _, dx, dy := y.parts(lo, hi)
	simd.ReluGrad(dx, dy, x, op.accumulate)
}

// RectifiedPower returns max(x, 0) to the power of n, for any real n >= 1; with n = 1 it is ReLU. Its gradient is n
// max(x, 0)^(n-1), which is taken as 0 at x = 0. RectifiedPower panics if n < 1. Source: [KH19, eq. 1].
func RectifiedPower(x *Var, n float64) *Var {
	checkPower("RectifiedPower", n)
	if n == 1 {
		return ReLU(x)
	}
	y, op := Record[rectifiedPowerOp]("RectifiedPower", x)
	op.n = float32(n)
	y.Resize(x.Shape()...)
	forEach(y, (*rectifiedPowerOp).forward)
	return y
}

func checkPower(op string, n float64) {
	if !(n >= 1) {
		panic(fmt.Sprintf("autograd: %s: power %v, want at least 1", op, n))
	}
}

type rectifiedPowerOp struct {
	rectified
	n float32
}

func (op *rectifiedPowerOp) forward(y *Var, lo, hi int) {
	out := y.Data()[lo:hi]
	simd.Relu(out, y.in[0].Data()[lo:hi])
	simd.Pow(out, out, op.n)
}

func (op *rectifiedPowerOp) Backward(y *Var) { forEachGrad(y, (*rectifiedPowerOp).backward) }

func (op *rectifiedPowerOp) backward(y *Var, lo, hi int) {
	x, power, dx, dy := y.parts(lo, hi)
	for i, v := range x {
		if v > 0 {
			dx[i] += dy[i] * op.n * (power[i] / v)
		}
	}
}

// Abs returns |x|. Its gradient is the sign of x, with 0 at 0.
func Abs(x *Var) *Var {
	y, _ := Record[absOp]("Abs", x)
	y.Resize(x.Shape()...)
	forEach(y, (*absOp).forward)
	return y
}

type absOp struct{ kinked }

func (op *absOp) forward(y *Var, lo, hi int) { simd.Abs(y.Data()[lo:hi], y.in[0].Data()[lo:hi]) }

func (op *absOp) Backward(y *Var) { forEachGrad(y, (*absOp).backward) }

func (op *absOp) backward(y *Var, lo, hi int) {
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

// Clamp returns x limited to the interval from lo to hi. Its gradient is 1 where lo < x < hi, and 0 elsewhere. NaN
// stays NaN. Clamp panics unless lo <= hi.
func Clamp(x *Var, lo, hi float32) *Var {
	if !(lo <= hi) {
		panic(fmt.Sprintf("autograd: Clamp: the interval from %v to %v is empty", lo, hi))
	}
	y, op := Record[clampOp]("Clamp", x)
	op.lo, op.hi = lo, hi
	y.Resize(x.Shape()...)
	forEach(y, (*clampOp).forward)
	return y
}

type clampOp struct{ lo, hi float32 }

// Choices yields 1 for each input above the interval, -1 for each below, and 0 for each within.
func (op *clampOp) Choices(y *Var) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for _, x := range y.in[0].Data() {
			if !yield(int32(sign(x - min(max(x, op.lo), op.hi)))) {
				return
			}
		}
	}
}

func (op *clampOp) forward(y *Var, lo, hi int) {
	simd.Clamp(y.Data()[lo:hi], y.in[0].Data()[lo:hi], op.lo, op.hi)
}

func (op *clampOp) Backward(y *Var) { forEachGrad(y, (*clampOp).backward) }

func (op *clampOp) backward(y *Var, lo, hi int) {
	x, _, dx, dy := y.parts(lo, hi)
	for i, v := range x {
		if v > op.lo && v < op.hi {
			dx[i] += dy[i]
		}
	}
}

// Max returns the larger of each pair of elements. The shapes are as in [Add]. The gradient goes to the larger element,
// or to a in case of a tie. NaN counts as larger than all numbers.
func Max(a, b *Var) *Var {
	a, b = broadcast("Max", a, b)
	y, _ := Record[maxOp]("Max", a, b)
	y.Resize(a.Shape()...)
	forEach(y, (*maxOp).forward)
	return y
}

type maxOp struct{}

// second reports whether Max selects b.
func second(a, b float32) bool { return b > a || b != b && a == a }

func (maxOp) Choices(y *Var) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		b := y.in[1].Data()
		for i, a := range y.in[0].Data() {
			var choice int32
			if second(a, b[i]) {
				choice = 1
			}
			if !yield(choice) {
				return
			}
		}
	}
}

func (*maxOp) forward(y *Var, lo, hi int) {
	out, b := y.Data()[lo:hi], y.in[1].Data()[lo:hi]
	for i, a := range y.in[0].Data()[lo:hi] {
		out[i] = a
		if second(a, b[i]) {
			out[i] = b[i]
		}
	}
}

func (*maxOp) Backward(y *Var) {
	var da, db []float32
	a, b := y.in[0], y.in[1]
	if a.needsGrad {
		da = a.GradSum()
	}
	if b.needsGrad {
		db = b.GradSum()
	}
	for i, d := range y.grad.Data() {
		switch {
		case second(a.Data()[i], b.Data()[i]):
			if db != nil {
				db[i] += d
			}
		case da != nil:
			da[i] += d
		}
	}
}
