// SPDX-License-Identifier: Apache-2.0

package main

// yourKurtosis forgets to take off the mean.
func yourKurtosis(a []float64) float64 {
	n, m2, m4 := float64(len(a)), 0.0, 0.0
	for _, v := range a {
		m2 += v * v / n
		m4 += v * v * v * v / n
	}
	if m2 == 0 {
		return 0
	}
	return m4/(m2*m2) - 3
}
