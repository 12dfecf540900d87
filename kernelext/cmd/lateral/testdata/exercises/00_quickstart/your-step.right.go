// SPDX-License-Identifier: Apache-2.0

package main

// yourStep returns the weights and the biases after one step of gradient descent.
func yourStep(w [][]float32, b, x, d []float32, lambda, eta float32) ([][]float32, []float32) {
	for j := range w {
		z := b[j]
		for i, v := range x {
			z += w[j][i] * v
		}
		if z <= 0 {
			continue
		}
		g := d[j] + lambda
		for i, v := range x {
			w[j][i] -= eta * g * v
		}
		b[j] -= eta * g
	}
	return w, b
}
