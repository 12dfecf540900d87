// SPDX-License-Identifier: Apache-2.0

package main

// yourRanking returns the unit with the largest current and the one that comes k-th.
func yourRanking(currents []float32, k int) (winner, kth int) {
	taken := make([]bool, len(currents))
	for rank := range k {
		best := -1
		for u, c := range currents {
			if !taken[u] && (best < 0 || c > currents[best]) {
				best = u
			}
		}
		taken[best], kth = true, best
		if rank == 0 {
			winner = best
		}
	}
	return winner, kth
}
