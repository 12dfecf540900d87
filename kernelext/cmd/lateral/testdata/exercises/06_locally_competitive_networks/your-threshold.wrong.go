// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourThreshold counts errors of both kinds alike, though pairs of one class are fewer.
func yourThreshold(values []float32, labels []int) (best float32) {
	least := math.Inf(1)
	for _, threshold := range values {
		wrong := 0.0
		for i := range values {
			for j := range i {
				apart := (values[i] > threshold) != (values[j] > threshold)
				if apart == (labels[i] == labels[j]) {
					wrong++
				}
			}
		}
		if wrong < least {
			best, least = threshold, wrong
		}
	}
	return best
}
