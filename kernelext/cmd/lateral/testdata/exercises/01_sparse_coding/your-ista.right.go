// SPDX-License-Identifier: Apache-2.0

package main

// yourISTA returns the coefficients after one step from a. phi[i] is an atom, eta the step.
func yourISTA(a, x []float64, phi [][]float64, lambda, eta float64) []float64 {
	r := append([]float64{}, x...)
	for k := range a {
		for i := range r {
			r[i] -= a[k] * phi[k][i]
		}
	}
	next := make([]float64, len(a))
	for k := range a {
		v := a[k]
		for i := range r {
			v += eta * phi[k][i] * r[i]
		}
		next[k] = math.Copysign(max(math.Abs(v)-eta*lambda, 0), v)
	}
	return next
}
