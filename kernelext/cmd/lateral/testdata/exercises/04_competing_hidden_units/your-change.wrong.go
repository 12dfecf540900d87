// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourChange takes the plain inner product for the current.
func yourChange(w, v []float64, p, radius, g float64) []float64 {
	current := 0.0
	for i := range w {
		current += w[i] * v[i]
	}
	change := make([]float64, len(w))
	for i := range w {
		change[i] = g * (math.Pow(radius, p)*v[i] - current*w[i])
	}
	return change
}
