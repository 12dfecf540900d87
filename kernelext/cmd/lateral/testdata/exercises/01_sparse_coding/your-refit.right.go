// SPDX-License-Identifier: Apache-2.0

package main

// yourRefit returns the coefficients of all atoms, those of the chosen ones such that
// x - sum a_k phi[k] is orthogonal to them, all others 0. Atoms have length 1.
func yourRefit(x []float64, phi [][]float64, chosen []int) []float64 {
	a, r := make([]float64, len(phi)), append([]float64{}, x...)
	for range 5000 {
		for _, k := range chosen {
			p := 0.0
			for i := range r {
				p += r[i] * phi[k][i]
			}
			a[k] += p
			for i := range r {
				r[i] -= p * phi[k][i]
			}
		}
	}
	return a
}
