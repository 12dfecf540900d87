// SPDX-License-Identifier: Apache-2.0

package main

// yourNearest returns the index of the submask at the smallest Hamming distance, the first of equals.
func yourNearest(query []bool, masks [][]bool) int {
	nearest, least := 0, len(query)+1
	for n, mask := range masks {
		differ := 0
		for j := range query {
			if mask[j] != query[j] {
				differ++
			}
		}
		if differ < least {
			nearest, least = n, differ
		}
	}
	return nearest
}
