// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourPSNR(x, y [][]float64, border int) float64 {
	sum, n := 0.0, 0
	for r := border; r < len(x)-border; r++ {
		for c := border; c < len(x[r])-border; c++ {
			d := x[r][c] - y[r][c]
			sum += d * d
			n++
		}
	}
	return 10 * math.Log10(255*255*float64(n)/sum)
}
