// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourChange returns the change of a unit's weights w for the input v; both stay as they are.
func yourChange(w, v []float64, p, radius, g float64) []float64 {
	current := 0.0
	for i := range w {
		current += math.Copysign(math.Pow(math.Abs(w[i]), p-1), w[i]) * v[i]
	}
	change := make([]float64, len(w))
	for i := range w {
		change[i] = g * (math.Pow(radius, p)*v[i] - current*w[i])
	}
	return change
}
