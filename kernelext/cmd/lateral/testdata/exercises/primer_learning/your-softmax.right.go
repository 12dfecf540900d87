// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
)

func yourSoftmax(z []float64) []float64 {
	p, sum, top := make([]float64, len(z)), 0.0, slices.Max(z)
	for i, v := range z {
		p[i] = math.Exp(v - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
