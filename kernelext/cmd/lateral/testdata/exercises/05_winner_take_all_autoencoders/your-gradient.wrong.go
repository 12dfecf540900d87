// SPDX-License-Identifier: Apache-2.0

package main

func yourGradient(winners []int, masked []float32) []float32 {
	return slices.Clone(masked) // through losers too
}
