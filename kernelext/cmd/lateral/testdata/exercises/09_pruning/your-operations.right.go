// SPDX-License-Identifier: Apache-2.0

package main

func yourOperations(operations, kept, active []float64) float64 {
	left, all, below := 0.0, 0.0, 1.0
	for i, n := range operations {
		left += n * kept[i] * below
		all += n
		below = active[i]
	}
	return left / all
}
