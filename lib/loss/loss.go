// SPDX-License-Identifier: Apache-2.0

// Package loss provides the terms of training objectives. Each returns one number, a mean over the batch, so that
// weights such as lambda mean the same for every batch size. For an empty batch it is NaN.
package loss

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// CrossEntropy returns the mean negative log-likelihood of the labels under the softmax of the logits,
//
//	L = -(1/N) sum_n log( exp(a_n,y_n) / sum_c exp(a_n,c) ),
//
// in nats. Large logits do not overflow.
//
//	logits a [N, C], labels y of length N, 0 <= y < C -> one number
//
// CrossEntropy panics unless there is one label for each row and every label is a class.
func CrossEntropy(logits *autograd.Var, labels []int) *autograd.Var {
	n, classes := logits.Rows(), logits.Width()
	checkLabels("CrossEntropy", logits, labels)
	y, op := autograd.Record[crossEntropyOp]("CrossEntropy", logits)
	y.Resize()
	op.labels = append(op.labels[:0], labels...)
	op.p = slices.Grow(op.p[:0], n*classes)[:n*classes]
	op.losses = slices.Grow(op.losses[:0], n)[:n]
	autograd.For(y, n, op.grain(classes), (*crossEntropyOp).forward)
	var sum float64
	for _, l := range op.losses {
		sum += l
	}
	y.Data()[0] = float32(sum / float64(n))
	return y
}

// checkLabels panics unless there is a label for each row of x and each is a class.
func checkLabels(op string, x *autograd.Var, labels []int) {
	if len(labels) != x.Rows() {
		panic(fmt.Sprintf("loss: %s: %d labels for outputs of shape %v", op, len(labels), x.Shape()))
	}
	for r, c := range labels {
		if c < 0 || c >= x.Width() {
			panic(fmt.Sprintf("loss: %s: label %d of sample %d is not one of the %d classes", op, c, r, x.Width()))
		}
	}
}

// logLoss returns -log p[c]. If p[c] has underflowed, it computes the result from the logits.
func logLoss(logits, p []float32, c int) float64 {
	if p[c] > 1e-30 {
		return -math.Log(float64(p[c]))
	}
	top := simd.Max(logits)
	var sum float64
	for _, a := range logits {
		sum += math.Exp(float64(a - top))
	}
	return math.Log(sum) - float64(logits[c]-top)
}

type crossEntropyOp struct {
	labels     []int
	p          []float32 // the softmax of the logits
	losses     []float64 // of the samples
	slope      float32   // gradient of the loss of a sample, in Backward
	accumulate bool
}

// grain returns the number of samples from which another goroutine pays.
func (op *crossEntropyOp) grain(classes int) int { return 1<<13/max(classes, 1) + 1 }

func (op *crossEntropyOp) forward(y *autograd.Var, lo, hi int) {
	a, classes := y.In(0).Data(), y.In(0).Width()
	simd.SoftmaxRows(op.p[lo*classes:hi*classes], a[lo*classes:hi*classes], hi-lo, classes)
	for r := lo; r < hi; r++ {
		op.losses[r] = logLoss(a[r*classes:(r+1)*classes], op.p[r*classes:(r+1)*classes], op.labels[r])
	}
}

// Backward adds (softmax - one-hot label) / N.
func (op *crossEntropyOp) Backward(y *autograd.Var) {
	logits := y.In(0)
	if !logits.NeedsGrad() {
		return
	}
	op.slope = y.Grad().Data()[0] / float32(logits.Rows())
	_, op.accumulate = logits.GradBuffer()
	autograd.For(y, logits.Rows(), op.grain(logits.Width()), (*crossEntropyOp).backward)
}

func (op *crossEntropyOp) backward(y *autograd.Var, lo, hi int) {
	classes := y.In(0).Width()
	d, p := y.In(0).Grad().Data()[lo*classes:hi*classes], op.p[lo*classes:hi*classes]
	if op.accumulate {
		simd.Axpy(d, op.slope, p)
	} else {
		simd.Scale(d, op.slope, p)
	}
	for i, c := range op.labels[lo:hi] {
		d[i*classes+c] -= op.slope
	}
}

// MSE returns the mean squared error: the mean of (x - target)² over all elements of the batch.
//
//	x, target of the same shape -> one number
//
// MSE panics if the shapes differ.
func MSE(x, target *autograd.Var) *autograd.Var {
	checkShapes("MSE", x, target)
	return autograd.Mean(autograd.Square(autograd.Sub(x, target)))
}

// SSE returns the sum of squared errors of a sample, averaged over the batch,
//
//	(1/N) sum_n ||x_n - target_n||²
//
// which is [MSE] times the number of elements in a sample.
//
//	x, target of the same shape -> one number
//
// SSE panics if the shapes differ.
func SSE(x, target *autograd.Var) *autograd.Var {
	checkShapes("SSE", x, target)
	return autograd.Scale(autograd.Sum(autograd.Square(autograd.Sub(x, target))), 1/float32(x.Rows()))
}

// checkShapes panics unless x and its target have the same shape. Broadcasting a target would usually be a mistake.
func checkShapes(op string, x, target *autograd.Var) {
	if !tensor.SameShape(x.Value(), target.Value()) {
		panic(fmt.Sprintf("loss: %s: shapes %v of x and %v of target differ", op, x.Shape(), target.Shape()))
	}
}

// L1 returns the activity penalty
//
//	lambda · (1/N) sum_n sum_i |a_n,i|
//
// of a layer's activations a [N, U]. The objective of the thesis adds the penalties of all hidden layers. Source:
// [Thesis21, eq. 2.1].
func L1(a *autograd.Var, lambda float32) *autograd.Var {
	return autograd.Scale(autograd.AbsSum(a), lambda/float32(a.Rows()))
}
