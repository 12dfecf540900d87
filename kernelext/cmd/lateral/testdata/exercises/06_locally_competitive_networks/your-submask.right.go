// SPDX-License-Identifier: Apache-2.0

package main

// yourSubmask returns the submask of units with net inputs z in blocks, packed into words.
func yourSubmask(z []float32, block int) []uint64 {
	code := make([]uint64, (len(z)+63)/64)
	for lo := 0; lo < len(z); lo += block {
		best := lo
		for j := lo; j < lo+block; j++ {
			if z[j] > z[best] {
				best = j
			}
		}
		code[best/64] |= 1 << (best % 64)
	}
	return code
}
