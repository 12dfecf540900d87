// SPDX-License-Identifier: Apache-2.0

package main

// flusher returns a function that zeroes the subnormal lanes of a vector and keeps NaN.
func (k *kernel) flusher() func(x V) V {
	smallest := k.constant(0x1p-126)
	return func(x V) V {
		m := k.v()
		k.fabs(m, x)
		k.fcmgt(m, smallest, m)
		k.bic(x, x, m)
		return x
	}
}

// optimisers emits the fused steps. In all of them d is the gradient with the weight decay's added.
func (f *file) optimisers() {
	f.elementwise("SGD", "func(w, grad []float32, lr, weightDecay float32)", 2,
		[]string{"w", "grad"}, []string{"w"}, func(k *kernel) body {
			lr, weightDecay := k.splat("lr"), k.splat("weightDecay")
			return func(in []V) []V {
				w := in[0]
				d := k.fma(w, weightDecay, in[1])
				return []V{k.fnma(d, lr, w)}
			}
		})

	momentum := func(name string, nesterov bool) {
		f.elementwise(name, "func(w, grad, v []float32, lr, mu, weightDecay float32)", 2,
			[]string{"w", "grad", "v"}, []string{"w", "v"}, func(k *kernel) body {
				lr, mu, weightDecay := k.splat("lr"), k.splat("mu"), k.splat("weightDecay")
				flush := k.flusher()
				return func(in []V) []V {
					w := in[0]
					d := k.fma(w, weightDecay, in[1])
					velocity := flush(k.fma(in[2], mu, k.copy(d)))
					direction := velocity
					if nesterov {
						direction = k.fma(velocity, mu, d)
					}
					return []V{k.fnma(direction, lr, w), velocity}
				}
			})
	}
	momentum("Momentum", false)
	momentum("Nesterov", true)

	f.elementwise("Adam", "func(w, grad, m, v []float32, step, beta1, alpha1, beta2, alpha2, invC2, eps, weightDecay float32)", 2,
		[]string{"w", "grad", "m", "v"}, []string{"w", "m", "v"}, func(k *kernel) body {
			step, invC2, eps, weightDecay := k.splat("step"), k.splat("invC2"), k.splat("eps"), k.splat("weightDecay")
			beta1, alpha1, beta2, alpha2 := k.splat("beta1"), k.splat("alpha1"), k.splat("beta2"), k.splat("alpha2")
			flush := k.flusher()
			return func(in []V) []V {
				w := in[0]
				d := k.fma(w, weightDecay, in[1])
				m, second := k.mul(alpha1, d), k.mul(alpha2, d)
				k.scope(func() { flush(k.fma(in[2], beta1, m)) })
				k.fmul(second, second, d)
				k.scope(func() { flush(k.fma(in[3], beta2, second)) })
				k.scope(func() {
					root := k.mul(second, invC2)
					k.fsqrt(root, root)
					k.fadd(root, root, eps)
					change := k.mul(step, m)
					k.fdiv(change, change, root)
					k.fsub(w, w, change)
				})
				return []V{w, m, second}
			}
		})

	f.elementwise("RMSProp", "func(w, grad, v []float32, lr, alpha, beta, eps, weightDecay float32)", 2,
		[]string{"w", "grad", "v"}, []string{"w", "v"}, func(k *kernel) body {
			lr, eps, weightDecay := k.splat("lr"), k.splat("eps"), k.splat("weightDecay")
			alpha, beta := k.splat("alpha"), k.splat("beta")
			flush := k.flusher()
			return func(in []V) []V {
				w := in[0]
				d := k.fma(w, weightDecay, in[1])
				second := k.mul(beta, d)
				k.fmul(second, second, d)
				k.scope(func() { flush(k.fma(in[2], alpha, second)) })
				k.scope(func() {
					root, change := k.v(), k.mul(lr, d)
					k.fsqrt(root, second)
					k.fadd(root, root, eps)
					k.fdiv(change, change, root)
					k.fsub(w, w, change)
				})
				return []V{w, second}
			}
		})
}
