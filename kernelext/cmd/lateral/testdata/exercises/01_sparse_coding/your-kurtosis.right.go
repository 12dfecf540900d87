// SPDX-License-Identifier: Apache-2.0

package main

// yourKurtosis returns the excess kurtosis of a.
func yourKurtosis(a []float64) float64 {
	n, mean, m2, m4 := float64(len(a)), 0.0, 0.0, 0.0
	for _, v := range a {
		mean += v / n
	}
	for _, v := range a {
		d := (v - mean) * (v - mean)
		m2 += d / n
		m4 += d * d / n
	}
	if m2 == 0 {
		return 0
	}
	return m4/(m2*m2) - 3
}
