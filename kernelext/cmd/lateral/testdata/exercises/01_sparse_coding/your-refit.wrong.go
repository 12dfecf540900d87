// SPDX-License-Identifier: Apache-2.0

package main

// yourRefit gives each chosen atom its part once, as matching pursuit does.
func yourRefit(x []float64, phi [][]float64, chosen []int) []float64 {
	a, r := make([]float64, len(phi)), append([]float64{}, x...)
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
	return a
}
