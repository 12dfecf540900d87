// SPDX-License-Identifier: Apache-2.0

package main

func yourPairs(labels []int) [][3]int {
	var list [][3]int
	for i, a := range labels {
		for j := 0; j < len(labels); j++ {
			if i == j { // every pair twice
				continue
			}
			pair := [3]int{i, j, 0}
			if a == labels[j] {
				pair[2] = 1
			}
			list = append(list, pair)
		}
	}
	return list
}
