// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// RectifiedPower returns max(x, 0) to the power n, for any real n >= 1; with n = 1 it is ReLU. Its gradient,
// n max(x, 0)^(n-1), is 0 at 0. RectifiedPower panics if n < 1. Source: [KH19, eq. 1].
func RectifiedPower(x *Var, n float64) *Var {
	if !(n >= 1) {
		panic(fmt.Sprintf("autograd: RectifiedPower: power %v, want at least 1", n))
	}
	y := tapeOf("RectifiedPower", x).Op("RectifiedPower", func(y *Var) {
		y.eachGrad(func(y *Var, lo, hi int) {
			x, power, dx, dy := y.parts(lo, hi)
			n := y.Kept(0)
			for i, v := range x {
				if v > 0 {
					dx[i] += dy[i] * n * (power[i] / v)
				}
			}
		})
	}, x)
	y.kinked = true
	y.Keep(0, float32(n))
	y.Resize(x.Shape()...)
	y.each(func(y *Var, lo, hi int) {
		out := y.Data()[lo:hi]
		simd.Relu(out, y.in[0].Data()[lo:hi])
		simd.Pow(out, out, y.Kept(0))
	})
	return y
}
