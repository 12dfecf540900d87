// SPDX-License-Identifier: Apache-2.0

package main

// normalisation emits the kernels of batch normalisation.
func (f *file) normalisation() {
	// centred returns x - mean, zero where the mask is.
	centred := func(k *kernel, x, mean, mask V) V {
		d := k.sub(x, mean)
		if mask != noMask {
			k.and(d, d, mask)
		}
		return d
	}
	f.reduction("CentredSquares", "func(x []float32, mean float32) float32", []string{"x"}, func(k *kernel) step {
		mean := k.splat("mean")
		return func(in []V, sum, mask V) {
			d := centred(k, in[0], mean, mask)
			k.fmla(sum, d, d)
		}
	})
	f.reduction("CentredDot", "func(a, x []float32, mean float32) float32", []string{"a", "x"}, func(k *kernel) step {
		mean := k.splat("mean")
		return func(in []V, sum, mask V) { k.fmla(sum, in[0], centred(k, in[1], mean, mask)) }
	})
	f.elementwise("Normalize", "func(dst, x []float32, mean, scale, shift float32)", 4, []string{"x"}, []string{"dst"},
		func(k *kernel) body {
			mean, scale, shift := k.splat("mean"), k.splat("scale"), k.splat("shift")
			return func(in []V) []V { return []V{k.fma(k.sub(in[0], mean), scale, k.copy(shift))} }
		})
	gradient := func(name string, inputs ...string) {
		f.elementwise(name, "func(dx, dy, x []float32, mean, a, b, c float32)", 2, inputs, []string{"dx"},
			func(k *kernel) body {
				mean, a, b, c := k.splat("mean"), k.splat("a"), k.splat("b"), k.splat("c")
				return func(in []V) []V {
					d := k.fma(in[0], a, k.fma(k.sub(in[1], mean), b, k.copy(c)))
					if len(in) > 2 {
						k.fadd(d, d, in[2])
					}
					return []V{d}
				}
			})
	}
	gradient("NormalizeGrad", "dy", "x")
	gradient("NormalizeGradAdd", "dy", "x", "dx")
}
