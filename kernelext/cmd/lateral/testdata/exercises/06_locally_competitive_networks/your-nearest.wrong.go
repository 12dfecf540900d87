// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/bits"
	"slices"
)

// yourNearest counts the bits that both codes have, instead of those that differ.
func yourNearest(query []uint64, codes [][]uint64, k int) []int {
	common, order := make([]int, len(codes)), make([]int, len(codes))
	for i, code := range codes {
		order[i] = i
		for j, word := range code {
			common[i] += bits.OnesCount64(word & query[j])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return common[b] - common[a] })
	return order[:k]
}
