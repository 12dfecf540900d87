// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Softmax returns exp(x) / sum(exp(x)) over each row, computed so that large x does not overflow.
//
//	x [N, C] -> y [N, C], every row positive with sum 1
func Softmax(x *Var) *Var {
	y, _ := Record[softmax]("Softmax", x)
	y.Resize(x.Shape()...)
	simd.SoftmaxRows(y.Data(), x.Data(), x.Rows(), x.Width())
	return y
}

type softmax struct{}

func (softmax) Backward(y *Var) {
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

// DivRowMean returns each row divided by its mean, so that what is left is how the elements compare with each other:
//
//	y_i = x_i / m,   m = (1/K) sum_j x_j
//
//	x [N, K] -> y [N, K]
//
// It is meant for rows without negative elements. A row whose mean is 0 becomes 0, with gradient 0.
func DivRowMean(x *Var) *Var {
	y, op := Record[divRowMean]("DivRowMean", x)
	y.Resize(x.Shape()...)
	k := y.Width()
	op.inverse = slices.Grow(op.inverse[:0], y.Rows())[:y.Rows()]
	for r := range op.inverse {
		row := x.Data()[r*k : (r+1)*k]
		if sum := simd.Sum(row); sum != 0 {
			op.inverse[r] = float32(k) / sum
		} else {
			op.inverse[r] = 0
		}
		simd.Scale(y.Data()[r*k:(r+1)*k], op.inverse[r], row)
	}
	return y
}

type divRowMean struct {
	inverse []float32 // 1/m of each row
}

func (op *divRowMean) Backward(y *Var) {
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
