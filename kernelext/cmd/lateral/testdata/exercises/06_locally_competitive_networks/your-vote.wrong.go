// SPDX-License-Identifier: Apache-2.0

package main

// yourVote counts every neighbour alike.
func yourVote(labels []int, distances []float32, classes int) int {
	votes := make([]int, classes)
	for _, class := range labels {
		votes[class]++
	}
	best := labels[0]
	for _, class := range labels {
		if votes[class] > votes[best] {
			best = class
		}
	}
	return best
}
