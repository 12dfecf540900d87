// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
)

func yourHard(d []float64, same []bool, n int) []int {
	list := []int{}
	for i := range d {
		list = append(list, i) // pairs of the same object, too
	}
	slices.SortStableFunc(list, func(i, j int) int { return cmp.Compare(d[i], d[j]) })
	return list[:min(n, len(list))]
}
