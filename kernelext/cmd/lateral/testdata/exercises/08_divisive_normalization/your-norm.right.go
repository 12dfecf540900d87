// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourNorm(z []float64, window int, sigma float64) []float64 {
	mean := func(x []float64, j int) (sum float64) {
		first := j - (window-1)/2
		for i := max(first, 0); i < min(first+window, len(x)); i++ {
			sum += x[i] / float64(window)
		}
		return sum
	}
	v, squares, y := make([]float64, len(z)), make([]float64, len(z)), make([]float64, len(z))
	for j := range z {
		v[j] = z[j] - mean(z, j)
		squares[j] = v[j] * v[j]
	}
	for j := range z {
		y[j] = v[j] / math.Sqrt(sigma*sigma+mean(squares, j))
	}
	return y
}
