// SPDX-License-Identifier: Apache-2.0

package main

// yourISTA clears the atoms, so that only the threshold is left to apply.
func yourISTA(a, x []float64, phi [][]float64, lambda, eta float64) []float64 {
	for k, v := range a {
		clear(phi[k])
		a[k] = math.Copysign(max(math.Abs(v)-eta*lambda, 0), v)
	}
	return a
}
