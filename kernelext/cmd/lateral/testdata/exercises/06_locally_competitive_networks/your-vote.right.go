// SPDX-License-Identifier: Apache-2.0

package main

// yourVote returns the class for which neighbours vote, nearest first; labels are below classes.
func yourVote(labels []int, distances []float32, classes int) int {
	votes := make([]float64, classes)
	for i, class := range labels {
		votes[class] += 1 / max(float64(distances[i]), 1e-12)
	}
	best := labels[0]
	for _, class := range labels {
		if votes[class] > votes[best] {
			best = class
		}
	}
	return best
}
