// SPDX-License-Identifier: Apache-2.0

package main

func yourMean(z []float64, window int) []float64 {
	means := make([]float64, len(z))
	for j := range z {
		first := j - (window-1)/2
		for i := max(first, 0); i < min(first+window, len(z)); i++ {
			means[j] += z[i] / float64(window)
		}
	}
	return means
}
