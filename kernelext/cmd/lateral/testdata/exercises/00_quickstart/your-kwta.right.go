// SPDX-License-Identifier: Apache-2.0

package main

// yourKWTA keeps the k largest of z and sets the others to 0.
func yourKWTA(z []float32, k int) []float32 {
	a := make([]float32, len(z))
	taken := make([]bool, len(z))
	for range k {
		winner := -1
		for j, v := range z {
			if !taken[j] && (winner < 0 || v > z[winner]) {
				winner = j
			}
		}
		taken[winner], a[winner] = true, z[winner]
	}
	return a
}
