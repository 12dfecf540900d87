// SPDX-License-Identifier: Apache-2.0

package main

// yourLWTA returns the activations of units with net inputs z; the length of z is a multiple of block.
func yourLWTA(z []float32, block int) []float32 {
	y := make([]float32, len(z))
	for lo := 0; lo < len(z); lo += block {
		best := lo
		for j := lo; j < lo+block; j++ {
			if z[j] > z[best] {
				best = j
			}
		}
		y[best] = z[best]
	}
	return y
}
