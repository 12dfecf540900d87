// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourForce returns the penalty of each unit, not its derivative.
func yourForce(z []float64, lambda float64, sigmoid bool) []float64 {
	force := make([]float64, len(z))
	for i, v := range z {
		if sigmoid {
			force[i] = lambda / (1 + math.Exp(-v))
		} else {
			force[i] = lambda * max(v, 0)
		}
	}
	return force
}
