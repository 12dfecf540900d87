// SPDX-License-Identifier: Apache-2.0

package main

// yourForce returns the derivatives of loss and penalty by the net inputs.
func yourForce(z, d []float32, lambda float32) []float32 {
	g := make([]float32, len(z))
	for j, v := range z {
		if v > 0 {
			g[j] = d[j] + lambda
		}
	}
	return g
}
