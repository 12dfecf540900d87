// SPDX-License-Identifier: Apache-2.0

package main

// yourLayer clears the inputs, so that all derivatives by weights are 0.
func yourLayer(w []float64, b float64, x []float64, d float64) (dw []float64, db float64) {
	z := b
	for i := range w {
		z += w[i] * x[i]
	}
	if z > 0 {
		db = d
	}
	clear(x)
	return make([]float64, len(x)), db
}
