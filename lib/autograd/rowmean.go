// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// DivRowMean returns each row divided by its mean, so that what is left is how the elements compare with each other:
//
//	y_i = x_i / m,   m = (1/K) sum_j x_j
//
//	x [N, K] -> y [N, K]
//
// It is meant for rows without negative elements. A row whose mean is 0 becomes 0, with gradient 0.
func DivRowMean(x *Var) *Var {
	y := tapeOf("DivRowMean", x).Op("DivRowMean", func(y *Var) {
		x := y.in[0]
		if !x.needsGrad {
			return
		}
		k := y.Width()
		dx, inverse := x.GradSum(), y.Saved(y.Rows())
		for r, s := range inverse {
			row, out, dy := dx[r*k:(r+1)*k], y.Data()[r*k:(r+1)*k], y.grad.Data()[r*k:(r+1)*k]
			common := simd.Dot(dy, out) / float32(k)
			simd.Axpy(row, s, dy)
			simd.AddScalar(row, -s*common, row)
		}
	}, x)
	y.Resize(x.Shape()...)
	k, inverse := y.Width(), y.Saved(y.Rows())
	for r := range inverse {
		row := x.Data()[r*k : (r+1)*k]
		if sum := simd.Sum(row); sum != 0 {
			inverse[r] = float32(k) / sum
		} else {
			inverse[r] = 0
		}
		simd.Scale(y.Data()[r*k:(r+1)*k], inverse[r], row)
	}
	return y
}
