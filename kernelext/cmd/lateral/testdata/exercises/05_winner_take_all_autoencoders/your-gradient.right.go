// SPDX-License-Identifier: Apache-2.0

package main

func yourGradient(winners []int, masked []float32) []float32 {
	gradient := make([]float32, len(masked))
	for _, i := range winners {
		gradient[i] = masked[i]
	}
	return gradient
}
