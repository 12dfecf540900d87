// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourAdam(w, m, v *float64, g, eta float64, t int) {
	*m = 0.9**m + 0.1*g
	*v = 0.999**v + 0.001*g*g
	*w -= eta * *m / (math.Sqrt(*v) + 1e-8)
}
