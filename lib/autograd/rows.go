// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Softmax returns exp(x) / sum(exp(x)) over each row, without overflow for large x.
//
//	x [N, C] -> y [N, C]; every row is positive with sum 1
func Softmax(x *Var) *Var {
	y, _ := Record[softmaxOp]("Softmax", x)
	y.Resize(x.Shape()...)
	simd.SoftmaxRows(y.Data(), x.Data(), x.Rows(), x.Width())
	return y
}

type softmaxOp struct{}

func (softmaxOp) Backward(y *Var) {
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
}

// DivRowMean returns each row divided by its mean, which leaves only the proportions of the elements:
//
//	y_i = x_i / m,   m = (1/K) sum_j x_j
//
//	x [N, K] -> y [N, K]
//
// It is intended for rows without negative elements, of any magnitude that float32 holds. A row with mean 0 becomes 0,
// with gradient 0. If the mean is less than 2^-100, the gradient is computed as for a mean of 2^-100, so that it stays
// finite.
func DivRowMean(x *Var) *Var {
	y, op := Record[divRowMeanOp]("DivRowMean", x)
	y.Resize(x.Shape()...)
	op.inverse = slices.Grow(op.inverse[:0], y.Rows())[:y.Rows()]
	for r := range op.inverse {
		op.inverse[r] = divByMean(y.Value().Row(r), x.Value().Row(r))
	}
	return y
}

type divRowMeanOp struct {
	inverse []float32 // 1/m for each row, 0 if m is 0
}

// divByMean sets y to the row x divided by its mean, and returns the inverse of the mean.
func divByMean(y, x []float32) (inverse float32) {
	k, sum := float32(len(x)), simd.Sum(x)
	if sum == 0 {
		clear(y)
		return 0
	}
	inverse = k / sum
	inRange := math.Abs(float64(inverse)) >= minNormal && math.Abs(float64(inverse)) <= math.MaxFloat32
	top := simd.Max(x)
	if inRange || !(top <= math.MaxFloat32) {
		simd.Scale(y, inverse, x)
		return min(inverse, steepest)
	}
	// The sum or its inverse is outside the range of float32. Scaling the row by a power of two avoids this exactly.
	_, exponent := math.Frexp(float64(top))
	scale := math.Ldexp(1, max(-120, min(-exponent, 126)))
	simd.Scale(y, float32(scale), x)
	inverse = k / simd.Sum(y)
	simd.Scale(y, inverse, y)
	return float32(min(scale*float64(inverse), steepest))
}

const (
	minNormal = 0x1p-126 // the smallest float32 with full precision
	steepest  = 0x1p100  // largest factor of the gradient
)

func (op *divRowMeanOp) Backward(y *Var) {
	x := y.in[0]
	if !x.needsGrad {
		return
	}
	dx, k := x.GradSum(), y.Width()
	for r, s := range op.inverse {
		row, out, dy := dx[r*k:(r+1)*k], y.Data()[r*k:(r+1)*k], y.grad.Data()[r*k:(r+1)*k]
		common := simd.Dot(dy, out) / float32(k)
		simd.Axpy(row, s, dy)
		simd.AddScalar(row, -s*common, row)
	}
}

// RelativePower returns [RectifiedPower] divided by its mean over the row. The result does not depend on the scale of
// the row:
//
//	y_i = K max(x_i, 0)^n / sum_j max(x_j, 0)^n
//
//	x [N, K], n >= 1 -> y [N, K], each row with mean 1, or 0 if it has no positive element
//
// If the powers would be outside the range of float32, the row is first divided by its largest element. RelativePower
// panics if n < 1.
func RelativePower(x *Var, n float64) *Var {
	checkPower("RelativePower", n)
	return DivRowMean(RectifiedPower(withinRange(x, n), n))
}

// withinRange scales rows in which the n-th power of the largest element comes close to the limits of float32.
func withinRange(x *Var, n float64) *Var {
	const most = 100 // binary orders of magnitude; float32 has 26 more, for the sum and for smaller elements
	y, op := Record[rowScaleOp]("RowScale", x)
	op.scale = slices.Grow(op.scale[:0], x.Rows())[:x.Rows()]
	ordinary := true
	for r := range op.scale {
		op.scale[r] = 1
		if x.Width() == 0 {
			continue
		}
		top := float64(simd.Max(x.Value().Row(r)))
		if top > 0 && top <= math.MaxFloat32 && math.Abs(n*math.Log2(top)) > most {
			op.scale[r], ordinary = 1/top, false
		}
	}
	if ordinary {
		y.value.share(x.Value())
		return y
	}
	y.Resize(x.Shape()...)
	for r, s := range op.scale {
		out := y.Value().Row(r)
		for i, v := range x.Value().Row(r) {
			out[i] = float32(s * float64(v))
		}
	}
	return y
}

type rowScaleOp struct{ scale []float64 }

// Backward treats the scale as a constant, because the later operations do not depend on it.
func (op *rowScaleOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		dx := x.GradSum()
		k := x.Width()
		for r, s := range op.scale {
			dy := y.Grad().Row(r)
			for i, d := range dy {
				dx[r*k+i] += float32(min(s, steepest) * float64(d))
			}
		}
	}
}
