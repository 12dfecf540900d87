// SPDX-License-Identifier: Apache-2.0

package main

// yourThreshold shrinks by lambda, as if the problem were halved.
func yourThreshold(b, lambda float64, hard bool) float64 {
	if hard {
		if b*b > lambda {
			return b
		}
		return 0
	}
	return math.Copysign(max(math.Abs(b)-lambda, 0), b)
}
