// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/bits"
	"slices"
)

// yourNearest returns the indices of the k codes nearest to the query.
func yourNearest(query []uint64, codes [][]uint64, k int) []int {
	distance, order := make([]int, len(codes)), make([]int, len(codes))
	for i, code := range codes {
		order[i] = i
		for j, word := range code {
			distance[i] += bits.OnesCount64(word ^ query[j])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return distance[a] - distance[b] })
	return order[:k]
}
