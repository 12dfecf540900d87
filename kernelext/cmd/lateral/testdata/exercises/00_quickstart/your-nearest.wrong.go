// SPDX-License-Identifier: Apache-2.0

package main

// yourNearest counts the winners in common, and ignores the others.
func yourNearest(query []bool, masks [][]bool) int {
	nearest, most := 0, -1
	for n, mask := range masks {
		common := 0
		for j := range query {
			if mask[j] && query[j] {
				common++
			}
		}
		if common > most {
			nearest, most = n, common
		}
	}
	return nearest
}
