// SPDX-License-Identifier: Apache-2.0

package main

func yourMean(z []float64, window int) []float64 {
	means := make([]float64, len(z))
	for j := range z {
		first := j - (window-1)/2
		from, to := max(first, 0), min(first+window, len(z))
		for i := from; i < to; i++ {
			means[j] += z[i] / float64(to-from) // divides by what lies inside
		}
	}
	return means
}
