// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Sum returns the sum of all elements, a single number.
func Sum(x *Var) *Var { return weightedSum("Sum", x, 1) }

// Mean returns the mean of all elements, a single number.
func Mean(x *Var) *Var { return weightedSum("Mean", x, 1/float32(x.value.Len())) }

func weightedSum(op string, x *Var, w float32) *Var {
	y := tapeOf(op, x).Op(op, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.Kept(0)*y.grad.Data()[0]
			simd.AddScalar(dx, dy, dx)
		}
	}, x)
	y.Resize()
	y.Keep(0, w)
	y.Data()[0] = w * simd.Sum(x.Data())
	return y
}

// AbsSum returns the sum of the magnitudes of all elements, a single number. Its gradient is the sign of x, 0 at 0.
func AbsSum(x *Var) *Var {
	y := tapeOf("AbsSum", x).Op("AbsSum", func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			simd.AddSign(x.GradSum(), y.grad.Data()[0], x.Data())
		}
	}, x)
	y.kinked = true
	y.Resize()
	y.Data()[0] = simd.AbsSum(x.Data())
	return y
}

// Softmax returns exp(x) / sum(exp(x)) over each row, computed so that large x does not overflow.
//
//	x [N, C] -> y [N, C], every row positive with sum 1
func Softmax(x *Var) *Var {
	y := tapeOf("Softmax", x).Op("Softmax", func(y *Var) {
		x := y.in[0]
		if !x.needsGrad {
			return
		}
		dx, p, dy, c := x.GradSum(), y.Data(), y.grad.Data(), y.Width()
		for lo := 0; lo < len(p); lo += c {
			mean := simd.Dot(p[lo:lo+c], dy[lo:lo+c])
			for i := lo; i < lo+c; i++ {
				dx[i] += p[i] * (dy[i] - mean)
			}
		}
	}, x)
	y.Resize(x.Shape()...)
	simd.SoftmaxRows(y.Data(), x.Data(), x.Rows(), x.Width())
	return y
}

// Reshape returns x under another shape of the same size.
func Reshape(x *Var, shape ...int) *Var {
	y := tapeOf("Reshape", x).Op("Reshape", func(y *Var) { addGrad(y.in[0], 1, y.grad.Data()) }, x)
	y.value.view(x.Value(), shape...)
	return y
}
