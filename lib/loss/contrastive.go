// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"iter"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// Contrastive returns the contrastive loss of P pairs with squared distances d [P] and the margin alpha: the mean of
//
//	d                   for a pair of the same class
//	max(0, alpha² - d)  for a pair of different classes
//
//	d [P] -> one number
//
// Pairs of the same class are pulled together; others are pushed apart until their distance is alpha. At d = alpha² the
// gradient is 0. The document takes the sum of the pairs instead of the mean. Between unit vectors, d is at most 4, and
// a margin above 2 cannot be reached. Source: [NINAI17, eqs. 7 and 9]. Contrastive panics unless there is one entry of
// same for each distance.
func Contrastive(d *autograd.Var, same []bool, alpha float32) *autograd.Var {
	if d.Value().Len() != len(same) {
		panic(fmt.Sprintf("loss: Contrastive: distances %v of %d pairs", d.Shape(), len(same)))
	}
	y, op := autograd.Record[contrastiveOp]("Contrastive", d)
	y.Resize()
	op.slope = slices.Grow(op.slope[:0], len(same))[:len(same)]
	sum := 0.0
	for i, v := range d.Data() {
		switch {
		case same[i]:
			op.slope[i], sum = 1, sum+float64(v)
		case v < alpha*alpha:
			op.slope[i], sum = -1, sum+float64(alpha*alpha-v)
		default:
			op.slope[i] = 0
		}
	}
	y.Data()[0] = float32(sum / float64(len(same)))
	return y
}

type contrastiveOp struct {
	slope []int32 // of each pair's loss
}

func (op *contrastiveOp) Backward(y *autograd.Var) {
	d := y.In(0)
	if !d.NeedsGrad() {
		return
	}
	step, grad := y.Grad().Data()[0]/float32(len(op.slope)), d.GradSum()
	for i, s := range op.slope {
		grad[i] += step * float32(s)
	}
}

// Choices yields, for each pair, on which side of the margin it is.
func (op *contrastiveOp) Choices(*autograd.Var) iter.Seq[int32] { return slices.Values(op.slope) }
