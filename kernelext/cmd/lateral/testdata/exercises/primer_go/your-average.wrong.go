// SPDX-License-Identifier: Apache-2.0

package main

func yourAverage(beta float64) func(x float64) float64 {
	m := 0.0
	return func(x float64) float64 {
		m = beta*m + (1-beta)*x
		return m
	}
}
