// SPDX-License-Identifier: Apache-2.0

package main

func yourWinners(activations []float32, k int) []int {
	var winners []int
	for i, a := range activations {
		better := 0
		for j, b := range activations {
			if b > a || b == a && j < i {
				better++
			}
		}
		if better < k {
			winners = append(winners, i)
		}
	}
	return winners
}
