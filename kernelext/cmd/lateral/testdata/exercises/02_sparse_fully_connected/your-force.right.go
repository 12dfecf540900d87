// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourForce returns the derivatives of the penalty by the net inputs.
func yourForce(z []float64, lambda float64, sigmoid bool) []float64 {
	force := make([]float64, len(z))
	for i, v := range z {
		a := 1 / (1 + math.Exp(-v))
		switch {
		case sigmoid:
			force[i] = lambda * a * (1 - a)
		case v > 0:
			force[i] = lambda
		}
	}
	return force
}
