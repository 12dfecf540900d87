// SPDX-License-Identifier: Apache-2.0

package main

// flusher returns a function that zeroes the subnormal lanes of a vector and keeps NaN.
func (v isa) flusher() func(x vec) vec {
	signless, smallest := v.signless(), v.constant(0x1p-126)
	return func(x vec) vec { return v.keep(v.compare(v.abs(x, signless), notLessOrNaN, smallest), x) }
}

// optimisers emits the fused steps. In all of them d is the gradient with the weight decay's added.
func (v isa) optimisers() {
	v.elementwise("SGD", "func(w, grad []float32, lr, weightDecay float32)", 2,
		[]string{"w", "grad"}, []string{"w"}, func() body {
			lr, weightDecay := v.param("lr"), v.param("weightDecay")
			return func(in []vec) []vec {
				w := in[0]
				d := v.fma(w, weightDecay, in[1])
				return []vec{v.fnma(d, lr, w)}
			}
		})

	momentum := func(kernel string, nesterov bool) {
		v.elementwise(kernel, "func(w, grad, v []float32, lr, mu, weightDecay float32)", 2,
			[]string{"w", "grad", "v"}, []string{"w", "v"}, func() body {
				lr, mu, weightDecay := v.param("lr"), v.param("mu"), v.param("weightDecay")
				flush := v.flusher()
				return func(in []vec) []vec {
					w := in[0]
					d := v.fma(w, weightDecay, in[1])
					velocity := flush(v.fma(in[2], mu, v.copy(d)))
					direction := velocity
					if nesterov {
						direction = v.fma(velocity, mu, d)
					}
					return []vec{v.fnma(direction, lr, w), velocity}
				}
			})
	}
	momentum("Momentum", false)
	momentum("Nesterov", true)

	v.elementwise("Adam", "func(w, grad, m, v []float32, step, beta1, alpha1, beta2, alpha2, invC2, eps, weightDecay float32)", 1,
		[]string{"w", "grad", "m", "v"}, []string{"w", "m", "v"}, func() body {
			step, invC2, eps, weightDecay := v.param("step"), v.param("invC2"), v.param("eps"), v.param("weightDecay")
			beta1, alpha1, beta2, alpha2 := v.param("beta1"), v.param("alpha1"), v.param("beta2"), v.param("alpha2")
			flush := v.flusher()
			return func(in []vec) []vec {
				w := in[0]
				d := v.fma(w, weightDecay, in[1])
				m := flush(v.fma(in[2], beta1, v.mul(alpha1, d)))
				second := flush(v.fma(in[3], beta2, v.mul(v.mul(alpha2, d), d)))
				root := v.sqrt(v.mul(second, invC2))
				return []vec{v.sub(w, v.div(v.mul(step, m), v.add(root, eps))), m, second}
			}
		})

	v.elementwise("RMSProp", "func(w, grad, v []float32, lr, alpha, beta, eps, weightDecay float32)", 1,
		[]string{"w", "grad", "v"}, []string{"w", "v"}, func() body {
			lr, eps, weightDecay := v.param("lr"), v.param("eps"), v.param("weightDecay")
			alpha, beta := v.param("alpha"), v.param("beta")
			flush := v.flusher()
			return func(in []vec) []vec {
				w := in[0]
				d := v.fma(w, weightDecay, in[1])
				second := flush(v.fma(in[2], alpha, v.mul(v.mul(beta, d), d)))
				return []vec{v.sub(w, v.div(v.mul(lr, d), v.add(v.sqrt(second), eps))), second}
			}
		})
}
