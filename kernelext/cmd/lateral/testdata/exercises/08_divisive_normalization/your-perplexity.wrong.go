// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourPerplexity(p []float64) float64 {
	sum := 0.0
	for _, v := range p {
		sum -= math.Log(v)
	}
	return math.Exp(sum) // as the document prints it
}
