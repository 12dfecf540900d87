// SPDX-License-Identifier: Apache-2.0

package main

// yourChoice takes the last penalty that the budget allows, as if units could only become fewer.
func yourChoice(accuracy, active [][]float64, budget float64) int {
	best := 0
	for i := range accuracy {
		if median(accuracy[i]) >= median(accuracy[0])-budget {
			best = i
		}
	}
	return best
}
