// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
)

func yourTop(x []float32, k int) []int {
	index := make([]int, len(x))
	for i := range index {
		index[i] = len(x) - 1 - i
	}
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	return index[:k]
}
