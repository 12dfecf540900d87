// SPDX-License-Identifier: Apache-2.0

package main

// yourAtoms lets every atom see the old values of the others.
func yourAtoms(phi, a, b [][]float64) [][]float64 {
	next := make([][]float64, len(phi))
	for k := range next {
		v := append([]float64{}, b[k]...)
		length := 0.0
		for i := range v {
			for j := range phi {
				if j != k {
					v[i] -= a[k][j] * phi[j][i]
				}
			}
			length += v[i] * v[i]
		}
		for i := range v {
			v[i] /= math.Sqrt(length)
		}
		next[k] = v
	}
	return next
}
