// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LogLoss returns the sum, over all samples, of the negative log-likelihood of the label under the softmax of the
// logits, in nats. logits [N, classes], labels y [N]. It is 0 for no samples. It panics if the numbers of samples
// differ, there are no classes, or a label is not a class.
func LogLoss(logits *tensor.Tensor, y []int) float64 {
	checkLabels("LogLoss", logits, y)
	buffer, sum := make([]float32, logits.Width()), 0.0
	for i, class := range y {
		row := logits.Row(i)
		if class < 0 || class >= len(row) {
			panic(fmt.Sprintf("metrics: LogLoss: label %d of sample %d is not one of the %d classes", class, i, len(row)))
		}
		sum += float64(simd.LogSumExp(buffer, row) - row[class])
	}
	return sum
}

// Perplexity returns exp(loss/n), given the sum of the negative log-likelihoods of n tokens: the number of equally
// likely tokens between which a model hesitates as much. [NINAI17] prints exp(-sum of log p), but its numbers are of
// the mean. Perplexity is NaN for n = 0.
func Perplexity(loss float64, n int) float64 { return math.Exp(loss / float64(n)) }
