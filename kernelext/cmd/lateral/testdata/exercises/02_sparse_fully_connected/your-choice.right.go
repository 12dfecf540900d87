// SPDX-License-Identifier: Apache-2.0

package main

// yourChoice returns the penalty with the fewest active units that the budget allows.
func yourChoice(accuracy, active [][]float64, budget float64) int {
	best := 0
	for i := range accuracy {
		if median(accuracy[i]) >= median(accuracy[0])-budget && median(active[i]) < median(active[best]) {
			best = i
		}
	}
	return best
}
