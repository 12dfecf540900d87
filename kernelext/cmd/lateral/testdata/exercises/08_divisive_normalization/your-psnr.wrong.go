// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourPSNR(x, y [][]float64, border int) float64 {
	sum := 0.0
	for r := border; r < len(x)-border; r++ {
		for c := border; c < len(x[r])-border; c++ {
			d := x[r][c] - y[r][c]
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(len(x)*len(x[0]))/sum) // counts the border too
}
