// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourUnit(f []float64) []float64 {
	sum := 0.0
	for _, v := range f {
		sum += v * v
	}
	unit := make([]float64, len(f))
	for i, v := range f { // NaN for zeros
		unit[i] = v / math.Sqrt(sum)
	}
	return unit
}
