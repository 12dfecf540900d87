// SPDX-License-Identifier: Apache-2.0

package main

func yourMask(w []float64, k int) []float64 {
	order, mask := make([]int, len(w)), make([]float64, len(w))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := math.Abs(w[a]), math.Abs(w[b]); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, i := range order[:k] {
		mask[i] = 1
	}
	return mask
}
