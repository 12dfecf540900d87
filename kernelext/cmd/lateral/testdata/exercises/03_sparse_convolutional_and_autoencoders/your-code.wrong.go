// SPDX-License-Identifier: Apache-2.0

package main

// yourCode forgets that units of the code are rectified.
func yourCode(z []float64, v [][]float64, c, x []float64, lambda float64) []float64 {
	g := make([]float64, len(z))
	for d := range v {
		u := c[d]
		for j := range z {
			u += v[d][j] * max(z[j], 0)
		}
		if u <= 0 {
			continue
		}
		for j := range z {
			g[j] += v[d][j] * 2 * (u - x[d]) / float64(len(x))
		}
	}
	for j := range z {
		g[j] += lambda
	}
	return g
}
