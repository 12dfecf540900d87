// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// fit2 panics unless both slices have the same length.
func fit2(op string, dst, x []float32) {
	if len(dst) != len(x) {
		panic(fmt.Sprintf("simd: %s: lengths differ: %d and %d", op, len(dst), len(x)))
	}
}

// fit3 panics unless all three slices have the same length.
func fit3(op string, dst, a, b []float32) {
	if len(dst) != len(a) || len(dst) != len(b) {
		panic(fmt.Sprintf("simd: %s: lengths differ: %d, %d and %d", op, len(dst), len(a), len(b)))
	}
}

// Add sets dst = a + b.
func Add(dst, a, b []float32) {
	fit3("Add", dst, a, b)
	active.add(dst, a, b)
}

// Sub sets dst = a - b.
func Sub(dst, a, b []float32) {
	fit3("Sub", dst, a, b)
	active.sub(dst, a, b)
}

// Mul sets dst = a * b, element by element.
func Mul(dst, a, b []float32) {
	fit3("Mul", dst, a, b)
	active.mul(dst, a, b)
}

// Div sets dst = a / b, element by element, correctly rounded.
func Div(dst, a, b []float32) {
	fit3("Div", dst, a, b)
	active.div(dst, a, b)
}

// MulAdd sets dst = dst + a*b, element by element.
func MulAdd(dst, a, b []float32) {
	fit3("MulAdd", dst, a, b)
	active.mulAdd(dst, a, b)
}

// Scale sets dst = s * a.
func Scale(dst []float32, s float32, a []float32) {
	fit2("Scale", dst, a)
	active.scale(dst, s, a)
}

// AddScalar sets dst = s + a.
func AddScalar(dst []float32, s float32, a []float32) {
	fit2("AddScalar", dst, a)
	active.addScalar(dst, s, a)
}

// Axpy sets y = y + s*x.
func Axpy(y []float32, s float32, x []float32) {
	fit2("Axpy", y, x)
	active.axpy(y, s, x)
}

// AddSign adds s to dst where x > 0, subtracts it where x < 0, and makes dst NaN where x is: the gradient of s times
// the sum of |x|, added to dst.
func AddSign(dst []float32, s float32, x []float32) {
	fit2("AddSign", dst, x)
	active.addSign(dst, s, x)
}

// Relu sets dst = max(x, 0). NaN stays NaN.
func Relu(dst, x []float32) {
	fit2("Relu", dst, x)
	active.relu(dst, x)
}

// ReluGrad is the derivative of Relu: dst = dy where x > 0 and 0 elsewhere (also where x is NaN).
// With acc the same is added to dst. x may be the input or the output of Relu.
func ReluGrad(dst, dy, x []float32, acc bool) {
	fit3("ReluGrad", dst, dy, x)
	if acc {
		active.reluGradAdd(dst, dy, x)
	} else {
		active.reluGrad(dst, dy, x)
	}
}

// Sqrt sets dst to the square root of x, correctly rounded.
func Sqrt(dst, x []float32) {
	fit2("Sqrt", dst, x)
	active.sqrt(dst, x)
}

// Abs sets dst = |x|.
func Abs(dst, x []float32) {
	fit2("Abs", dst, x)
	active.abs(dst, x)
}

// Recip sets dst = 1 / x, correctly rounded.
func Recip(dst, x []float32) {
	fit2("Recip", dst, x)
	active.recip(dst, x)
}

// Sign sets dst to 1 where x > 0, to -1 where x < 0, and to x itself where x is zero or NaN.
func Sign(dst, x []float32) {
	fit2("Sign", dst, x)
	active.sign(dst, x)
}

// Clamp sets dst to x limited to the interval [lo, hi]. NaN stays NaN. It panics unless lo <= hi.
func Clamp(dst, x []float32, lo, hi float32) {
	fit2("Clamp", dst, x)
	if !(lo <= hi) {
		panic(fmt.Sprintf("simd: Clamp: empty interval [%g, %g]", lo, hi))
	}
	active.clamp(dst, x, lo, hi)
}

// ScaleU8 sets dst = s * src, which turns pixel bytes into floats.
func ScaleU8(dst []float32, src []byte, s float32) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("simd: ScaleU8: lengths differ: %d and %d", len(dst), len(src)))
	}
	active.scaleU8(dst, src, s)
}

// Exp sets dst to e to the power x, within 1 unit in the last place (measured: 0.98), subnormal results included.
func Exp(dst, x []float32) {
	fit2("Exp", dst, x)
	active.exp(dst, x)
}

// Log sets dst to the natural logarithm of x, within 1 unit in the last place (measured: 0.87), for subnormal x too:
// -Inf at zero, NaN below.
func Log(dst, x []float32) {
	fit2("Log", dst, x)
	active.log(dst, x)
}

// Tanh sets dst to the hyperbolic tangent of x, within 3 units in the last place (measured: 2.59).
func Tanh(dst, x []float32) {
	fit2("Tanh", dst, x)
	active.tanh(dst, x)
}

// Sigmoid sets dst to the logistic function 1 / (1 + exp(-x)), within 3 units in the last place (measured: 2.31),
// subnormal results included.
func Sigmoid(dst, x []float32) {
	fit2("Sigmoid", dst, x)
	active.sigmoid(dst, x)
}

// Pow sets dst to x to the power p, for x >= 0 and any p. It is exp(p log x), with a relative error within
// (2 + |p log x|) * 2^-23 (measured: 0.86 of that). The powers 0, 1, 2 and 1/2 are correctly rounded. With powers other
// than 0, 1 and 2 a negative x gives NaN.
func Pow(dst, x []float32, p float32) {
	fit2("Pow", dst, x)
	switch p {
	case 0:
		for i := range dst {
			dst[i] = 1
		}
	case 0.5:
		active.sqrt(dst, x)
	case 1:
		copy(dst, x)
	case 2:
		active.mul(dst, x, x)
	default:
		active.log(dst, x)
		active.scale(dst, p, dst)
		active.exp(dst, dst)
	}
}
