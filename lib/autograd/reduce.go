// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// Sum returns the sum of all elements, a single number.
func Sum(x *Var) *Var { return weightedSum("Sum", x, 1) }

// Mean returns the mean of all elements, a single number.
func Mean(x *Var) *Var { return weightedSum("Mean", x, 1/float32(x.value.Len())) }

func weightedSum(name string, x *Var, weight float32) *Var {
	y, op := Record[sumOp](name, x)
	op.weight = weight
	y.Resize()
	y.Data()[0] = weight * simd.Sum(x.Data())
	return y
}

type sumOp struct{ weight float32 }

func (op *sumOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		dx := x.GradSum()
		simd.AddScalar(dx, op.weight*y.grad.Data()[0], dx)
	}
}

// AbsSum returns the sum of the absolute values of all elements, a single number. Its gradient is the sign of x, with 0
// at 0.
func AbsSum(x *Var) *Var {
	y, _ := Record[absSumOp]("AbsSum", x)
	y.Resize()
	y.Data()[0] = simd.AbsSum(x.Data())
	return y
}

type absSumOp struct{ kinked }

func (op *absSumOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		simd.AddSign(x.GradSum(), y.grad.Data()[0], x.Data())
	}
}
