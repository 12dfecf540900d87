// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Consistency returns the mean Kullback-Leibler divergence of each sample's class posterior from given beliefs,
//
//	(1/N) sum_n sum_c p_n,c log(p_n,c / q_n,c),   q_n = softmax(a_n),
//
// in nats. It is 0 if the posteriors equal the beliefs, however uncertain these are.
//
//	logits a [N, C], beliefs p [N, C], none negative, each row with sum 1 -> one number
//
// Beliefs (target probabilities) have no gradient. If they come from a model with averaged weights, applied to the
// samples without noise, this is the consistency cost of mean teachers. Consistency panics if the shapes differ.
// Source: [TV17].
func Consistency(logits *autograd.Var, beliefs *tensor.Tensor) *autograd.Var {
	n, classes := logits.Rows(), logits.Width()
	if beliefs.Rows() != n || beliefs.Width() != classes {
		panic(fmt.Sprintf("loss: Consistency: beliefs %v for logits of shape %v", beliefs.Shape(), logits.Shape()))
	}
	y, op := autograd.Record[consistencyOp]("Consistency", logits)
	y.Resize()
	op.excess = slices.Grow(op.excess[:0], n*classes)[:n*classes]
	q := op.excess
	simd.SoftmaxRows(q, logits.Data(), n, classes)
	var sum float64
	for r := range n {
		p := beliefs.Row(r)
		for c, v := range p {
			if v > 0 {
				a := logits.Data()[r*classes : (r+1)*classes]
				sum += float64(v) * (math.Log(float64(v)) + logLoss(a, q[r*classes:(r+1)*classes], c))
			}
		}
	}
	y.Data()[0] = float32(sum / float64(n))
	for i, v := range beliefs.Data() {
		q[i] -= v
	}
	return y
}

type consistencyOp struct {
	excess []float32 // q - p
}

// Backward adds (q - p) / N.
func (op *consistencyOp) Backward(y *autograd.Var) {
	if a := y.In(0); a.NeedsGrad() {
		simd.Axpy(a.GradSum(), y.Grad().Data()[0]/float32(a.Rows()), op.excess)
	}
}
