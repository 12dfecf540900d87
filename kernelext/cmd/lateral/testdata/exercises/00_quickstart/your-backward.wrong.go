// SPDX-License-Identifier: Apache-2.0

package main

// yourBackward takes outputs other than 0 for the winners, and so misses winners that are 0.
func yourBackward(z, d []float32, k int) []float32 {
	g := make([]float32, len(z))
	for j, v := range z {
		better := 0
		for i, u := range z {
			if u > v || u == v && i < j {
				better++
			}
		}
		if better < k && v != 0 {
			g[j] = d[j]
		}
	}
	return g
}
