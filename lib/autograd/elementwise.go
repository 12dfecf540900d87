// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// unary records an operation that gives each element of x its own result.
func unary(op string, x *Var, forward func(y *Var, lo, hi int), backward func(y *Var)) *Var {
	y := tapeOf(op, x).Op(op, backward, x)
	y.Resize(x.Shape()...)
	y.each(forward)
	return y
}

// binary records an operation on the pairs of elements of a and b, which must have the same shape.
func binary(op string, a, b *Var, forward func(y *Var, lo, hi int), backward func(y *Var)) *Var {
	if !tensor.SameShape(a.Value(), b.Value()) {
		panic(fmt.Sprintf("autograd: %s: shapes differ: %v and %v", op, a.Shape(), b.Shape()))
	}
	y := tapeOf(op, a, b).Op(op, backward, a, b)
	y.Resize(a.Shape()...)
	y.each(forward)
	return y
}

// ReLU returns max(x, 0), a unit's competition with zero. Its gradient passes where x > 0.
func ReLU(x *Var) *Var {
	y := unary("ReLU", x, func(y *Var, lo, hi int) {
		simd.Relu(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		x := y.in[0]
		if !x.needsGrad {
			return
		}
		_, y.acc = x.GradBuffer()
		y.each(func(y *Var, lo, hi int) {
			x, _, dx, dy := y.parts(lo, hi)
			simd.ReluGrad(dx, dy, x, y.acc)
		})
	})
	y.kinked = true
	return y
}

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x *Var) *Var {
	return unary("Sigmoid", x, func(y *Var, lo, hi int) {
		simd.Sigmoid(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			_, s, dx, dy := y.parts(lo, hi)
			for i, s := range s {
				dx[i] += dy[i] * s * (1 - s)
			}
		})
	})
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x *Var) *Var {
	return unary("Tanh", x, func(y *Var, lo, hi int) {
		simd.Tanh(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			_, t, dx, dy := y.parts(lo, hi)
			for i, t := range t {
				dx[i] += dy[i] * (1 - t*t)
			}
		})
	})
}

// Exp returns e to the power x.
func Exp(x *Var) *Var {
	return unary("Exp", x, func(y *Var, lo, hi int) {
		simd.Exp(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			_, e, dx, dy := y.parts(lo, hi)
			simd.MulAdd(dx, dy, e)
		})
	})
}

// Log returns the natural logarithm of x.
func Log(x *Var) *Var {
	return unary("Log", x, func(y *Var, lo, hi int) {
		simd.Log(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			x, _, dx, dy := y.parts(lo, hi)
			for i, v := range x {
				dx[i] += dy[i] / v
			}
		})
	})
}

// Sqrt returns the square root of x.
func Sqrt(x *Var) *Var {
	return unary("Sqrt", x, func(y *Var, lo, hi int) {
		simd.Sqrt(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			_, r, dx, dy := y.parts(lo, hi)
			for i, r := range r {
				dx[i] += dy[i] / (2 * r)
			}
		})
	})
}

// Square returns x².
func Square(x *Var) *Var {
	return unary("Square", x, func(y *Var, lo, hi int) {
		x := y.in[0].Data()[lo:hi]
		simd.Mul(y.Data()[lo:hi], x, x)
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			x, _, dx, dy := y.parts(lo, hi)
			for i, v := range x {
				dx[i] += 2 * v * dy[i]
			}
		})
	})
}

// Abs returns |x|. Its gradient is the sign of x, 0 at 0.
func Abs(x *Var) *Var {
	y := unary("Abs", x, func(y *Var, lo, hi int) {
		simd.Abs(y.Data()[lo:hi], y.in[0].Data()[lo:hi])
	}, func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			x, _, dx, dy := y.parts(lo, hi)
			for i, v := range x {
				dx[i] += dy[i] * sign(v)
			}
		})
	})
	y.kinked = true
	return y
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

// Scale returns s·x for a constant s.
func Scale(x *Var, s float32) *Var {
	y := tapeOf("Scale", x).Op("Scale", func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			_, _, dx, dy := y.parts(lo, hi)
			simd.Axpy(dx, y.Kept(0), dy)
		})
	}, x)
	y.Keep(0, s)
	y.Resize(x.Shape()...)
	y.each(func(y *Var, lo, hi int) {
		simd.Scale(y.Data()[lo:hi], y.Kept(0), y.in[0].Data()[lo:hi])
	})
	return y
}

// AddScalar returns x + s for a constant s.
func AddScalar(x *Var, s float32) *Var {
	y := tapeOf("AddScalar", x).Op("AddScalar", func(y *Var) { addGrad(y.in[0], 1, y.grad.Data()) }, x)
	y.Resize(x.Shape()...)
	simd.AddScalar(y.Data(), s, x.Data())
	return y
}

// Add returns a + b.
func Add(a, b *Var) *Var {
	return binary("Add", a, b, func(y *Var, lo, hi int) {
		simd.Add(y.Data()[lo:hi], y.in[0].Data()[lo:hi], y.in[1].Data()[lo:hi])
	}, func(y *Var) {
		addGrad(y.in[0], 1, y.grad.Data())
		addGrad(y.in[1], 1, y.grad.Data())
	})
}

// Sub returns a - b.
func Sub(a, b *Var) *Var {
	return binary("Sub", a, b, func(y *Var, lo, hi int) {
		simd.Sub(y.Data()[lo:hi], y.in[0].Data()[lo:hi], y.in[1].Data()[lo:hi])
	}, func(y *Var) {
		addGrad(y.in[0], 1, y.grad.Data())
		addGrad(y.in[1], -1, y.grad.Data())
	})
}

// Mul returns the products of the elements, a·b.
func Mul(a, b *Var) *Var {
	return binary("Mul", a, b, func(y *Var, lo, hi int) {
		simd.Mul(y.Data()[lo:hi], y.in[0].Data()[lo:hi], y.in[1].Data()[lo:hi])
	}, func(y *Var) {
		a, b := y.in[0], y.in[1]
		if a.needsGrad {
			simd.MulAdd(a.GradSum(), y.grad.Data(), b.Data())
		}
		if b.needsGrad {
			simd.MulAdd(b.GradSum(), y.grad.Data(), a.Data())
		}
	})
}

// Div returns the quotients of the elements, a/b.
func Div(a, b *Var) *Var {
	return binary("Div", a, b, func(y *Var, lo, hi int) {
		simd.Div(y.Data()[lo:hi], y.in[0].Data()[lo:hi], y.in[1].Data()[lo:hi])
	}, func(y *Var) {
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
}

// addGrad adds s·dy to the gradient of v where one is wanted.
func addGrad(v *Var, s float32, dy []float32) {
	if v.needsGrad {
		simd.Axpy(v.GradSum(), s, dy)
	}
}
