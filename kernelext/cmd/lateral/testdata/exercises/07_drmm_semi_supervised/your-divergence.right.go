// SPDX-License-Identifier: Apache-2.0

package main

// yourDivergence returns KL[q || p] in nats for q the softmax of the logits and p equal for all.
func yourDivergence(logits []float64) float64 {
	largest, sum := slices.Max(logits), 0.0
	for _, z := range logits {
		sum += math.Exp(z - largest)
	}
	divergence := math.Log(float64(len(logits)))
	for _, z := range logits {
		logQ := z - largest - math.Log(sum)
		divergence += math.Exp(logQ) * logQ
	}
	return divergence
}
