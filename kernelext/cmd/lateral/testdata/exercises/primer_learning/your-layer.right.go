// SPDX-License-Identifier: Apache-2.0

package main

func yourLayer(w []float64, b float64, x []float64, d float64) (dw []float64, db float64) {
	z := b
	for i := range w {
		z += w[i] * x[i]
	}
	if z <= 0 {
		d = 0
	}
	for _, v := range x {
		dw = append(dw, d*v)
	}
	return dw, d
}
