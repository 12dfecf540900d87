// SPDX-License-Identifier: Apache-2.0

package main

// yourISTA lets later coefficients see the changes of earlier ones.
func yourISTA(a, x []float64, phi [][]float64, lambda, eta float64) []float64 {
	next := append([]float64{}, a...)
	for k := range a {
		v := next[k]
		for i := range x {
			r := x[i]
			for j := range next {
				r -= next[j] * phi[j][i]
			}
			v += eta * phi[k][i] * r
		}
		next[k] = math.Copysign(max(math.Abs(v)-eta*lambda, 0), v)
	}
	return next
}
