// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// yourObjective returns the weighted sum; errors, divergences and negatives are image by image.
func yourObjective(logits [][]float64, labels []int,
	errors, divergences, negatives []float64, a Alpha) (sum float64) {
	known, all := float64(len(labels)), float64(len(logits))
	for n, z := range logits {
		sum += (a.RC*errors[n] + a.NN*negatives[n]) / all
		if n >= len(labels) {
			sum += a.KL * divergences[n] / (all - known)
			continue
		}
		total := 0.0
		for _, v := range z {
			total += math.Exp(v)
		}
		sum += a.H * (math.Log(total) - z[labels[n]]) / known
	}
	return sum
}
