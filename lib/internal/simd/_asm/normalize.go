// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/mmcloughlin/avo/operand"

// normalisation emits the kernels of batch normalisation.
func (v isa) normalisation() {
	v.reduction("CentredSquares", "func(x []float32, mean float32) float32", []string{"x"}, nil, func() step {
		mean := v.param("mean")
		return func(in []vec, sum vec, k mask, _ func(string) operand.Mem) {
			d := v.sub(in[0], mean)
			if k != nil {
				d = v.keep(k, d)
			}
			v.fma(d, d, sum)
		}
	})
	v.reduction("CentredDot", "func(a, x []float32, mean float32) float32", []string{"a", "x"}, nil, func() step {
		mean := v.param("mean")
		return func(in []vec, sum vec, k mask, _ func(string) operand.Mem) {
			d := v.sub(in[1], mean)
			if k != nil {
				d = v.keep(k, d)
			}
			v.fma(in[0], d, sum)
		}
	})
	v.elementwise("Normalize", "func(dst, x []float32, mean, scale, shift float32)", 4, []string{"x"}, []string{"dst"}, func() body {
		mean, scale, shift := v.param("mean"), v.param("scale"), v.param("shift")
		return func(in []vec) []vec { return []vec{v.fma(v.sub(in[0], mean), scale, v.copy(shift))} }
	})
	gradient := func(kernel string, inputs ...string) {
		v.elementwise(kernel, "func(dx, dy, x []float32, mean, a, b, c float32)", 4, inputs, []string{"dx"}, func() body {
			mean, a, b, c := v.param("mean"), v.param("a"), v.param("b"), v.param("c")
			return func(in []vec) []vec {
				d := v.fma(in[0], a, v.fma(v.sub(in[1], mean), b, v.copy(c)))
				if len(in) > 2 {
					d = v.add(d, in[2])
				}
				return []vec{d}
			}
		})
	}
	gradient("NormalizeGrad", "dy", "x")
	gradient("NormalizeGradAdd", "dy", "x", "dx")
}
