// SPDX-License-Identifier: Apache-2.0

package main

// yourNegative returns the sum of the squares of negative elements; levels[l] is a template.
func yourNegative(levels [][]float32) (sum float64) {
	for _, z := range levels {
		for _, v := range z {
			v := min(0, float64(v))
			sum += v * v
		}
	}
	return sum
}
