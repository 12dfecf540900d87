// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Reshape returns x under another shape of the same size.
func Reshape(x *Var, shape ...int) *Var {
	y, _ := Record[reshape]("Reshape", x)
	y.value.view(x.Value(), shape...)
	return y
}

type reshape struct{}

func (reshape) Backward(y *Var) { addGrad(y.in[0], 1, y.grad.Data()) }

// Slice returns the samples of x from up to (not including) to.
//
//	x [N, ...] -> y [to-from, ...]
//
// It panics unless 0 <= from < to <= N.
func Slice(x *Var, from, to int) *Var {
	if from < 0 || to <= from || to > x.Rows() {
		panic(fmt.Sprintf("autograd: Slice: no samples %d to %d in shape %v", from, to, x.Shape()))
	}
	y, op := Record[slice]("Slice", x)
	op.from = from
	op.shape = append(op.shape[:0], x.Shape()...)
	op.shape[0] = to - from
	y.Resize(op.shape...)
	copy(y.Data(), x.Data()[from*x.Width():to*x.Width()])
	return y
}

type slice struct {
	from  int
	shape []int
}

func (op *slice) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		dx := x.GradSum()[op.from*x.Width():][:y.value.Len()]
		simd.Add(dx, dx, y.grad.Data())
	}
}
