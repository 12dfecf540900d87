// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourThreshold returns the best threshold for the projections of vectors with these labels.
func yourThreshold(values []float32, labels []int) (best float32) {
	least := math.Inf(1)
	for _, threshold := range values {
		var same, different, parted, together float64
		for i := range values {
			for j := range i {
				apart := (values[i] > threshold) != (values[j] > threshold)
				if labels[i] == labels[j] {
					same++
					if apart {
						parted++
					}
				} else {
					different++
					if !apart {
						together++
					}
				}
			}
		}
		if cost := parted/same + together/different; cost < least {
			best, least = threshold, cost
		}
	}
	return best
}
