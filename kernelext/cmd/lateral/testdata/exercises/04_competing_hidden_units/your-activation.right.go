// SPDX-License-Identifier: Apache-2.0

package main

// yourActivation returns g for each unit, by its current.
func yourActivation(currents []float32, k int, delta float64) []float64 {
	g := make([]float64, len(currents))
	for u, c := range currents {
		rank := 1
		for other, d := range currents {
			if d > c || d == c && other < u {
				rank++
			}
		}
		switch rank {
		case 1:
			g[u] = 1
		case k:
			g[u] = -delta
		}
	}
	return g
}
