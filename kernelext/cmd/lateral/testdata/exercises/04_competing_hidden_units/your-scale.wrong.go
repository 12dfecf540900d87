// SPDX-License-Identifier: Apache-2.0

package main

// yourScale forgets that the largest magnitude may be that of a negative number.
func yourScale(sum [][]float64, examples int, rate float64, average bool) float64 {
	if average {
		return rate / float64(examples)
	}
	largest := 1e-30
	for _, row := range sum {
		for _, x := range row {
			largest = max(largest, x)
		}
	}
	return rate / largest
}
