// SPDX-License-Identifier: Apache-2.0

package main

// yourShared adds the windows of active units.
func yourShared(x, w [][]float64, b, lambda float64) (dw [][]float64, db float64) {
	k := len(w)
	for range w {
		dw = append(dw, make([]float64, k))
	}
	for i := range len(x) - k + 1 {
		for j := range len(x[0]) - k + 1 {
			z := b
			for u := range k {
				for v := range k {
					z += w[u][v] * x[i+u][j+v]
				}
			}
			if z <= 0 {
				continue
			}
			db += lambda
			for u := range k {
				for v := range k {
					dw[u][v] += lambda * x[i+u][j+v]
				}
			}
		}
	}
	return dw, db
}
