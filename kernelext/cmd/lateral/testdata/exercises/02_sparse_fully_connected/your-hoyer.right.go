// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourHoyer returns Hoyer's index of the activities a, 0 if all are zero. len(a) is at least 2.
func yourHoyer(a []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range a {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	root := math.Sqrt(float64(len(a)))
	return (root - sum/math.Sqrt(squares)) / (root - 1)
}
