// SPDX-License-Identifier: Apache-2.0

package main

func yourAverage(beta float64) func(x float64) float64 {
	m, power := 0.0, 1.0
	return func(x float64) float64 {
		m = beta*m + (1-beta)*x
		power *= beta
		return m / (1 - power)
	}
}
