// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
)

// yourBatch returns the weights after one batch; w and batch stay as they are.
func yourBatch(w, batch [][]float64, p, delta, rate float64, k int, average bool) [][]float64 {
	sum, next := make([][]float64, len(w)), make([][]float64, len(w))
	for u := range w {
		sum[u], next[u] = make([]float64, len(w[u])), slices.Clone(w[u])
	}
	for _, v := range batch {
		currents, order := make([]float64, len(w)), make([]int, len(w))
		for u := range w {
			order[u] = u
			for i, x := range w[u] {
				currents[u] += math.Copysign(math.Pow(math.Abs(x), p-1), x) * v[i]
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if currents[a] > currents[b] {
				return -1
			}
			return 1
		})
		for u, g := range map[int]float64{order[0]: 1, order[k-1]: -delta} {
			for i, x := range w[u] {
				sum[u][i] += g * (v[i] - currents[u]*x)
			}
		}
	}
	largest := 1e-30
	for _, row := range sum {
		for _, x := range row {
			largest = max(largest, math.Abs(x))
		}
	}
	factor := rate / largest
	if average {
		factor = rate / float64(len(batch))
	}
	for u := range next {
		for i := range next[u] {
			next[u][i] += factor * sum[u][i]
		}
	}
	return next
}
