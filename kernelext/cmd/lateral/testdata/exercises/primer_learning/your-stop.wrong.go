// SPDX-License-Identifier: Apache-2.0

package main

func yourStop(errors []float64, patience int) int {
	best := 0
	for epoch, e := range errors {
		if e < errors[best] {
			best = epoch
		}
	}
	return best
}
