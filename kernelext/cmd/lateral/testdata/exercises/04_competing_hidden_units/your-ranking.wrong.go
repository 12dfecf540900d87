// SPDX-License-Identifier: Apache-2.0

package main

// yourRanking looks for the k-th largest value among those that differ, and so skips ties.
func yourRanking(currents []float32, k int) (winner, kth int) {
	for u, c := range currents {
		if c > currents[winner] {
			winner = u
		}
	}
	kth = winner
	for range k - 1 {
		best := -1
		for u, c := range currents {
			if c < currents[kth] && (best < 0 || c > currents[best]) {
				best = u
			}
		}
		if best >= 0 {
			kth = best
		}
	}
	return winner, kth
}
