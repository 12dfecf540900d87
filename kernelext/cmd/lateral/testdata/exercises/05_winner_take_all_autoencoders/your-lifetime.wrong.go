// SPDX-License-Identifier: Apache-2.0

package main

func yourWinners(activations []float32, k int) []int {
	sorted := slices.Clone(activations)
	slices.Sort(sorted)
	var winners []int
	for i, a := range activations {
		if a >= sorted[len(sorted)-k] { // too many win where activations are equal
			winners = append(winners, i)
		}
	}
	return winners
}
