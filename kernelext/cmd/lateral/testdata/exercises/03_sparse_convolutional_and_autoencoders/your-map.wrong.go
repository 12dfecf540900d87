// SPDX-License-Identifier: Apache-2.0

package main

// yourMap turns the filter round, as a convolution of mathematics does.
func yourMap(x, w [][][]float64, b float64) [][]float64 {
	k := len(w[0])
	rows := make([][]float64, len(x[0])-k+1)
	for i := range rows {
		rows[i] = make([]float64, len(x[0][0])-k+1)
		for j := range rows[i] {
			z := b
			for c := range w {
				for u := range k {
					for v := range k {
						z += w[c][u][v] * x[c][i+k-1-u][j+k-1-v]
					}
				}
			}
			rows[i][j] = max(z, 0)
		}
	}
	return rows
}
