// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourHoyer takes only the active units for N, so that a unit which fell silent does not count as sparse.
func yourHoyer(a []float64) float64 {
	sum, squares, active := 0.0, 0.0, 0.0
	for _, v := range a {
		if v > 0 {
			sum += v
			squares += v * v
			active++
		}
	}
	if active < 2 {
		return 0
	}
	root := math.Sqrt(active)
	return (root - sum/math.Sqrt(squares)) / (root - 1)
}
