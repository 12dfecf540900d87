// SPDX-License-Identifier: Apache-2.0

package main

// yourDivergence forgets the prior, and large logits.
func yourDivergence(logits []float64) float64 {
	sum, divergence := 0.0, 0.0
	for _, z := range logits {
		sum += math.Exp(z)
	}
	for _, z := range logits {
		q := math.Exp(z) / sum
		divergence += q * math.Log(q)
	}
	return divergence
}
