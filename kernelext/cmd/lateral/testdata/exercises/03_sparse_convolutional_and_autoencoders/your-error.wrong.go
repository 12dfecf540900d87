// SPDX-License-Identifier: Apache-2.0

package main

// yourError forgets that outputs are rectified.
func yourError(u, x []float64) []float64 {
	g := make([]float64, len(u))
	for d, v := range u {
		g[d] = 2 * (max(v, 0) - x[d]) / float64(len(u))
	}
	return g
}
