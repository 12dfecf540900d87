// SPDX-License-Identifier: Apache-2.0

package main

func yourMask(w []float64, k int) []float64 {
	sorted, mask := slices.Clone(w), make([]float64, len(w))
	slices.Sort(sorted) // by value, not by magnitude
	for i, v := range w {
		if v >= sorted[len(w)-k] {
			mask[i] = 1
		}
	}
	return mask
}
