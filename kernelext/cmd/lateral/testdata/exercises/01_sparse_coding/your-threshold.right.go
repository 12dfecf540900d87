// SPDX-License-Identifier: Apache-2.0

package main

// yourThreshold minimises (b-a)² + lambda S(a) over a. S is |a|, or with hard the l0 norm.
func yourThreshold(b, lambda float64, hard bool) float64 {
	if hard {
		if b*b > lambda {
			return b
		}
		return 0
	}
	return math.Copysign(max(math.Abs(b)-lambda/2, 0), b)
}
