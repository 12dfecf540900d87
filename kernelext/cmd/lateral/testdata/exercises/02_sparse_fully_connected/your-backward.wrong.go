// SPDX-License-Identifier: Apache-2.0

package main

// yourBackward lets inactive units of the second layer pass the force on.
func yourBackward(z []float64, w [][]float64, b []float64, lambda float64) []float64 {
	g := make([]float64, len(z))
	for i, v := range z {
		if v <= 0 {
			continue
		}
		g[i] = lambda
		for n := range w {
			g[i] += lambda * w[n][i]
		}
	}
	return g
}
