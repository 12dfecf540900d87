// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// unary records an operation that gives each element of x its own result.
func unary(op string, x *Var, backward func(*Var)) *Var {
	y := tapeOf(op, x).Op(op, backward, x)
	y.Resize(x.Shape()...)
	return y
}

// binary records an operation on the pairs of elements of a and b, which must have the same shape.
func binary(op string, a, b *Var, backward func(*Var)) *Var {
	if !tensor.SameShape(a.Value(), b.Value()) {
		panic(fmt.Sprintf("autograd: %s: shapes differ: %v and %v", op, a.Shape(), b.Shape()))
	}
	y := tapeOf(op, a, b).Op(op, backward, a, b)
	y.Resize(a.Shape()...)
	return y
}

// ReLU returns max(x, 0), a unit's competition with zero. Its gradient passes where x > 0.
func ReLU(x *Var) *Var {
	y := unary("ReLU", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, acc := x.GradBuffer()
			simd.ReluGrad(dx, y.grad.Data(), x.Data(), acc)
		}
	})
	y.kinked = true
	simd.Relu(y.Data(), x.Data())
	return y
}

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x *Var) *Var {
	y := unary("Sigmoid", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, s := range y.Data() {
				dx[i] += dy[i] * s * (1 - s)
			}
		}
	})
	simd.Sigmoid(y.Data(), x.Data())
	return y
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x *Var) *Var {
	y := unary("Tanh", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, t := range y.Data() {
				dx[i] += dy[i] * (1 - t*t)
			}
		}
	})
	simd.Tanh(y.Data(), x.Data())
	return y
}

// Exp returns e to the power x.
func Exp(x *Var) *Var {
	y := unary("Exp", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			simd.MulAdd(x.GradSum(), y.grad.Data(), y.Data())
		}
	})
	simd.Exp(y.Data(), x.Data())
	return y
}

// Log returns the natural logarithm of x.
func Log(x *Var) *Var {
	y := unary("Log", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, v := range x.Data() {
				dx[i] += dy[i] / v
			}
		}
	})
	simd.Log(y.Data(), x.Data())
	return y
}

// Sqrt returns the square root of x.
func Sqrt(x *Var) *Var {
	y := unary("Sqrt", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, r := range y.Data() {
				dx[i] += dy[i] / (2 * r)
			}
		}
	})
	simd.Sqrt(y.Data(), x.Data())
	return y
}

// Square returns x².
func Square(x *Var) *Var {
	y := unary("Square", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, v := range x.Data() {
				dx[i] += 2 * v * dy[i]
			}
		}
	})
	simd.Mul(y.Data(), x.Data(), x.Data())
	return y
}

// Abs returns |x|. Its gradient is the sign of x, 0 at 0.
func Abs(x *Var) *Var {
	y := unary("Abs", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, dy := x.GradSum(), y.grad.Data()
			for i, v := range x.Data() {
				switch {
				case v > 0:
					dx[i] += dy[i]
				case v < 0:
					dx[i] -= dy[i]
				}
			}
		}
	})
	y.kinked = true
	simd.Abs(y.Data(), x.Data())
	return y
}

// Scale returns s·x for a constant s.
func Scale(x *Var, s float32) *Var {
	y := unary("Scale", x, func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			simd.Axpy(x.GradSum(), y.Kept(0), y.grad.Data())
		}
	})
	y.Keep(0, s)
	simd.Scale(y.Data(), s, x.Data())
	return y
}

// AddScalar returns x + s for a constant s.
func AddScalar(x *Var, s float32) *Var {
	y := unary("AddScalar", x, func(y *Var) { addGrad(y.in[0], 1, y.grad.Data()) })
	simd.AddScalar(y.Data(), s, x.Data())
	return y
}

// Add returns a + b.
func Add(a, b *Var) *Var {
	y := binary("Add", a, b, func(y *Var) {
		addGrad(y.in[0], 1, y.grad.Data())
		addGrad(y.in[1], 1, y.grad.Data())
	})
	simd.Add(y.Data(), a.Data(), b.Data())
	return y
}

// Sub returns a - b.
func Sub(a, b *Var) *Var {
	y := binary("Sub", a, b, func(y *Var) {
		addGrad(y.in[0], 1, y.grad.Data())
		addGrad(y.in[1], -1, y.grad.Data())
	})
	simd.Sub(y.Data(), a.Data(), b.Data())
	return y
}

// Mul returns the products of the elements, a·b.
func Mul(a, b *Var) *Var {
	y := binary("Mul", a, b, func(y *Var) {
		a, b := y.in[0], y.in[1]
		if a.needsGrad {
			simd.MulAdd(a.GradSum(), y.grad.Data(), b.Data())
		}
		if b.needsGrad {
			simd.MulAdd(b.GradSum(), y.grad.Data(), a.Data())
		}
	})
	simd.Mul(y.Data(), a.Data(), b.Data())
	return y
}

// Div returns the quotients of the elements, a/b.
func Div(a, b *Var) *Var {
	y := binary("Div", a, b, func(y *Var) {
		a, b, dy := y.in[0], y.in[1], y.grad.Data()
		if a.needsGrad {
			da := a.GradSum()
			for i, d := range b.Data() {
				da[i] += dy[i] / d
			}
		}
		if b.needsGrad {
			db, q := b.GradSum(), y.Data()
			for i, d := range b.Data() {
				db[i] -= dy[i] * q[i] / d
			}
		}
	})
	simd.Div(y.Data(), a.Data(), b.Data())
	return y
}

// addGrad adds s·dy to the gradient of v where one is wanted.
func addGrad(v *Var, s float32, dy []float32) {
	if v.needsGrad {
		simd.Axpy(v.GradSum(), s, dy)
	}
}
