// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// elementwiseOp is the state of an operation that applies a smooth function f to each element.
type elementwiseOp struct {
	value func(y, x []float32, c float32)         // y = f(x)
	grad  func(dx, dy, x, y []float32, c float32) // dx += dy·f'(x)
	c     float32                                 // a constant of f
}

// apply records the operation that applies f to x.
func apply(name string, x *Var, f elementwiseOp) *Var {
	y, op := Record[elementwiseOp](name, x)
	*op = f
	y.Resize(x.Shape()...)
	forEach(y, (*elementwiseOp).forward)
	return y
}

func (op *elementwiseOp) forward(y *Var, lo, hi int) {
	op.value(y.Data()[lo:hi], y.in[0].Data()[lo:hi], op.c)
}

func (op *elementwiseOp) Backward(y *Var) { forEachGrad(y, (*elementwiseOp).backward) }

func (op *elementwiseOp) backward(y *Var, lo, hi int) {
	x, out, dx, dy := y.parts(lo, hi)
	op.grad(dx, dy, x, out, op.c)
}

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x *Var) *Var {
	return apply("Sigmoid", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Sigmoid(y, x) },
		grad: func(dx, dy, _, s []float32, _ float32) {
			for i, s := range s {
				dx[i] += dy[i] * s * (1 - s)
			}
		},
	})
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x *Var) *Var {
	return apply("Tanh", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Tanh(y, x) },
		grad: func(dx, dy, _, t []float32, _ float32) {
			for i, t := range t {
				dx[i] += dy[i] * (1 - t*t)
			}
		},
	})
}

// Exp returns e to the power of x.
func Exp(x *Var) *Var {
	return apply("Exp", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Exp(y, x) },
		grad:  func(dx, dy, _, e []float32, _ float32) { simd.MulAdd(dx, dy, e) },
	})
}

// Log returns the natural logarithm of x.
func Log(x *Var) *Var {
	return apply("Log", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Log(y, x) },
		grad: func(dx, dy, x, _ []float32, _ float32) {
			for i, v := range x {
				dx[i] += dy[i] / v
			}
		},
	})
}

// Sqrt returns the square root of x.
func Sqrt(x *Var) *Var {
	return apply("Sqrt", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Sqrt(y, x) },
		grad: func(dx, dy, _, r []float32, _ float32) {
			for i, r := range r {
				dx[i] += dy[i] / (2 * r)
			}
		},
	})
}

// Square returns x².
func Square(x *Var) *Var {
	return apply("Square", x, elementwiseOp{
		value: func(y, x []float32, _ float32) { simd.Mul(y, x, x) },
		grad: func(dx, dy, x, _ []float32, _ float32) {
			for i, v := range x {
				dx[i] += 2 * v * dy[i]
			}
		},
	})
}

// Scale returns s·x for a constant s.
func Scale(x *Var, s float32) *Var {
	return apply("Scale", x, elementwiseOp{
		value: func(y, x []float32, s float32) { simd.Scale(y, s, x) },
		grad:  func(dx, dy, _, _ []float32, s float32) { simd.Axpy(dx, s, dy) },
		c:     s,
	})
}

// AddScalar returns x + s for a constant s.
func AddScalar(x *Var, s float32) *Var {
	return apply("AddScalar", x, elementwiseOp{
		value: func(y, x []float32, s float32) { simd.AddScalar(y, s, x) },
		grad:  func(dx, dy, _, _ []float32, _ float32) { simd.Axpy(dx, 1, dy) },
		c:     s,
	})
}

// binaryOp is the state of an operation on pairs of elements.
type binaryOp struct {
	value func(y, a, b []float32)
	grad  func(y, a, b *Var)
}

// combine records an operation on the pairs of elements of a and b.
func combine(name string, a, b *Var, value func(y, a, b []float32), grad func(y, a, b *Var)) *Var {
	a, b = broadcast(name, a, b)
	y, op := Record[binaryOp](name, a, b)
	op.value, op.grad = value, grad
	y.Resize(a.Shape()...)
	forEach(y, (*binaryOp).forward)
	return y
}

func (op *binaryOp) forward(y *Var, lo, hi int) {
	op.value(y.Data()[lo:hi], y.in[0].Data()[lo:hi], y.in[1].Data()[lo:hi])
}

func (op *binaryOp) Backward(y *Var) { op.grad(y, y.in[0], y.in[1]) }

// Add returns a + b. The shapes must be equal or become equal by [Expand], which allows adding rows, columns and
// channels; otherwise Add panics.
func Add(a, b *Var) *Var {
	return combine("Add", a, b, simd.Add, func(y, a, b *Var) {
		addGrad(a, 1, y.grad.Data())
		addGrad(b, 1, y.grad.Data())
	})
}

// Sub returns a - b. The shapes are as in [Add].
func Sub(a, b *Var) *Var {
	return combine("Sub", a, b, simd.Sub, func(y, a, b *Var) {
		addGrad(a, 1, y.grad.Data())
		addGrad(b, -1, y.grad.Data())
	})
}

// Mul returns a·b, element by element. The shapes are as in [Add].
func Mul(a, b *Var) *Var {
	return combine("Mul", a, b, simd.Mul, func(y, a, b *Var) {
		if a.needsGrad {
			simd.MulAdd(a.GradSum(), y.grad.Data(), b.Data())
		}
		if b.needsGrad {
			simd.MulAdd(b.GradSum(), y.grad.Data(), a.Data())
		}
	})
}

// Div returns a/b, element by element. The shapes are as in [Add].
func Div(a, b *Var) *Var {
	return combine("Div", a, b, simd.Div, func(y, a, b *Var) {
		dy := y.grad.Data()
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

// addGrad adds s·dy to the gradient of v if v needs one.
func addGrad(v *Var, s float32, dy []float32) {
	if v.needsGrad {
		simd.Axpy(v.GradSum(), s, dy)
	}
}
