// SPDX-License-Identifier: Apache-2.0

package main

// yourAtoms returns the atoms after one round; its arguments stay. a is K x K, b and phi K x P.
func yourAtoms(phi, a, b [][]float64) [][]float64 {
	next := append([][]float64{}, phi...)
	for k := range next {
		v := append([]float64{}, b[k]...)
		length := 0.0
		for i := range v {
			for j := range next {
				if j != k {
					v[i] -= a[k][j] * next[j][i]
				}
			}
			length += v[i] * v[i]
		}
		if length == 0 {
			continue
		}
		for i := range v {
			v[i] /= math.Sqrt(length)
		}
		next[k] = v
	}
	return next
}
