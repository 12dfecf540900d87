// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// flush returns v, or 0 if it is subnormal; NaN stays.
func flush(v float32) float32 {
	if abs(v) < minNormal {
		return 0
	}
	return v
}

func goSGD(w, grad []float32, lr, weightDecay float32) {
	grad = grad[:len(w)]
	for i := range w {
		d := grad[i] + weightDecay*w[i]
		w[i] -= lr * d
	}
}

func goMomentum(w, grad, v []float32, lr, mu, weightDecay float32) {
	grad, v = grad[:len(w)], v[:len(w)]
	for i := range w {
		d := grad[i] + weightDecay*w[i]
		v[i] = flush(mu*v[i] + d)
		w[i] -= lr * v[i]
	}
}

func goNesterov(w, grad, v []float32, lr, mu, weightDecay float32) {
	grad, v = grad[:len(w)], v[:len(w)]
	for i := range w {
		d := grad[i] + weightDecay*w[i]
		v[i] = flush(mu*v[i] + d)
		w[i] -= lr * (d + mu*v[i])
	}
}

// goAdam takes the bias corrections as factors: step = lr/c1 and invC2 = 1/c2; alpha = 1 - beta.
func goAdam(w, grad, m, v []float32, step, beta1, alpha1, beta2, alpha2, invC2, eps, weightDecay float32) {
	grad, m, v = grad[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		d := grad[i] + weightDecay*w[i]
		m[i] = flush(beta1*m[i] + alpha1*d)
		v[i] = flush(beta2*v[i] + alpha2*d*d)
		root := float32(math.Sqrt(float64(v[i] * invC2)))
		w[i] -= step * m[i] / (root + eps)
	}
}

// goRMSProp takes beta = 1 - alpha.
func goRMSProp(w, grad, v []float32, lr, alpha, beta, eps, weightDecay float32) {
	grad, v = grad[:len(w)], v[:len(w)]
	for i := range w {
		d := grad[i] + weightDecay*w[i]
		v[i] = flush(alpha*v[i] + beta*d*d)
		root := float32(math.Sqrt(float64(v[i])))
		w[i] -= lr * d / (root + eps)
	}
}
