// SPDX-License-Identifier: Apache-2.0

package main

// yourLWTA rectifies: a block whose net inputs are all negative has no winner.
func yourLWTA(z []float32, block int) []float32 {
	y := make([]float32, len(z))
	for lo := 0; lo < len(z); lo += block {
		best, largest := lo, float32(0)
		for j := lo; j < lo+block; j++ {
			if z[j] > largest {
				best, largest = j, z[j]
			}
		}
		y[best] = largest
	}
	return y
}
