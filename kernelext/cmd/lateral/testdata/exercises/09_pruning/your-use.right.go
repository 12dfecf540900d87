// SPDX-License-Identifier: Apache-2.0

package main

func yourUse(pi []float64, out [][]float64, m float64) []float64 {
	next := make([]float64, len(pi))
	for x := range pi {
		on := 0.0
		for n := range out {
			if out[n][x] > 0 {
				on++
			}
		}
		next[x] = m*pi[x] + (1-m)*on/float64(len(out))
	}
	return next
}
