// SPDX-License-Identifier: Apache-2.0

package main

// yourBackward is equation 3.9 without its factor x.
func yourBackward(z []float64, w [][]float64, b []float64, lambda float64) []float64 {
	g := make([]float64, len(z))
	for i, v := range z {
		if v > 0 {
			g[i] = lambda
		}
	}
	for n := range w {
		above := b[n]
		for i, v := range z {
			above += w[n][i] * max(v, 0)
		}
		for i, v := range z {
			if above > 0 && v > 0 {
				g[i] += lambda * w[n][i]
			}
		}
	}
	return g
}
