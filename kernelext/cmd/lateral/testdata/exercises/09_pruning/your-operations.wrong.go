// SPDX-License-Identifier: Apache-2.0

package main

func yourOperations(operations, kept, active []float64) float64 {
	left, all := 0.0, 0.0
	for i, n := range operations {
		left += n * kept[i] * active[i] // of the layer itself
		all += n
	}
	return left / all
}
