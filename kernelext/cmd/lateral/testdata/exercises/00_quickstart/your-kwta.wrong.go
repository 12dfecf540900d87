// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// yourKWTA lets too many win where there are ties.
func yourKWTA(z []float32, k int) []float32 {
	falling := slices.Sorted(slices.Values(z))
	slices.Reverse(falling)
	a := make([]float32, len(z))
	for j, v := range z {
		if v >= falling[k-1] {
			a[j] = v
		}
	}
	return a
}
