// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
)

// yourBatch changes the weights after each example, so that the next one is ranked by others.
func yourBatch(w, batch [][]float64, p, delta, rate float64, k int, average bool) [][]float64 {
	next := make([][]float64, len(w))
	for u := range w {
		next[u] = slices.Clone(w[u])
	}
	for _, v := range batch {
		currents, order := make([]float64, len(w)), make([]int, len(w))
		for u := range next {
			order[u] = u
			for i, x := range next[u] {
				currents[u] += math.Copysign(math.Pow(math.Abs(x), p-1), x) * v[i]
			}
		}
		slices.SortFunc(order, func(a, b int) int {
			if currents[a] > currents[b] {
				return -1
			}
			return 1
		})
		largest, change := 1e-30, map[int][]float64{}
		for u, g := range map[int]float64{order[0]: 1, order[k-1]: -delta} {
			change[u] = make([]float64, len(v))
			for i, x := range next[u] {
				change[u][i] = g * (v[i] - currents[u]*x)
				largest = max(largest, math.Abs(change[u][i]))
			}
		}
		factor := rate / largest
		if average {
			factor = rate / float64(len(batch))
		}
		for u, row := range change {
			for i := range row {
				next[u][i] += factor * row[i]
			}
		}
	}
	return next
}
