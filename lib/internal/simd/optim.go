// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// minNormal is the smallest normal float32. Moving averages below it are set to zero: arithmetic on subnormal numbers
// is many times slower, and the moments of a unit that has died would stay there for good.
const minNormal = 0x1p-126

// fitStep panics unless gradient and moments are as long as the weights.
func fitStep(op string, w int, others ...int) {
	for _, n := range others {
		if n != w {
			panic(fmt.Sprintf("simd: %s: %d weights, lengths of gradient and moments %v", op, w, append([]int(nil), others...)))
		}
	}
}

// SGD takes one step of gradient descent: w = w - lr*(g + weightDecay*w).
func SGD(w, g []float32, lr, weightDecay float32) {
	fitStep("SGD", len(w), len(g))
	active.sgd(w, g, lr, weightDecay)
}

// Momentum takes one step with momentum, as PyTorch defines it: with d = g + weightDecay*w,
//
//	v = mu*v + d
//	w = w - lr*v               or, with nesterov, w - lr*(d + mu*v)
func Momentum(w, g, v []float32, lr, mu, weightDecay float32, nesterov bool) {
	fitStep("Momentum", len(w), len(g), len(v))
	if nesterov {
		active.nesterov(w, g, v, lr, mu, weightDecay)
	} else {
		active.momentum(w, g, v, lr, mu, weightDecay)
	}
}

// Adam takes one step of Adam, as PyTorch defines it: with d = g + weightDecay*w,
//
//	m = beta1*m + (1-beta1)*d
//	v = beta2*v + (1-beta2)*d*d
//	w = w - lr * (m/c1) / (sqrt(v/c2) + eps)
//
// where c1 = 1 - beta1^t and c2 = 1 - beta2^t for step t = 1, 2, ...; moments that would be subnormal become zero.
func Adam(w, g, m, v []float32, lr, beta1, beta2, eps, c1, c2, weightDecay float32) {
	fitStep("Adam", len(w), len(g), len(m), len(v))
	active.adam(w, g, m, v, lr/c1, beta1, 1-beta1, beta2, 1-beta2, 1/c2, eps, weightDecay)
}

// RMSProp takes one step of RMSProp, as PyTorch defines it: with d = g + weightDecay*w,
//
//	v = alpha*v + (1-alpha)*d*d
//	w = w - lr * d / (sqrt(v) + eps)
func RMSProp(w, g, v []float32, lr, alpha, eps, weightDecay float32) {
	fitStep("RMSProp", len(w), len(g), len(v))
	active.rmsProp(w, g, v, lr, alpha, 1-alpha, eps, weightDecay)
}
