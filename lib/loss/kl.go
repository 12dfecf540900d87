// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// KL returns the mean Kullback-Leibler divergence of each sample's class posterior from a class prior,
//
//	(1/N) sum_n sum_c q_n,c log(q_n,c / p_c),   q_n = softmax(a_n),
//
// in nats. It is 0 if every posterior equals the prior, and log C if every sample is certain and the prior is uniform.
//
//	logits a [N, C], prior p of length C, positive with sum 1, or nil for 1/C each -> one number
//
// It is the sum of two terms, the mutual information of sample and class, and [MarginalKL]:
//
//	(1/N) sum_n KL[q_n || p]  =  ( H[mean q] - mean_n H[q_n] )  +  KL[mean q || p]
//
// KL panics if the prior does not have one positive element per class. Source: [NINAI17, eq. 3].
func KL(logits *autograd.Var, prior []float32) *autograd.Var {
	checkPrior("KL", logits, prior)
	y, op := autograd.Record[klOp]("KL", logits)
	y.Resize()
	op.compute(logits, prior)
	var sum float64
	for n := range logits.Rows() {
		sum += op.divergence(n)
	}
	y.Data()[0] = float32(sum / float64(logits.Rows()))
	return y
}

type klOp struct{ posterior }

// divergence returns KL[q_n || p] of sample n.
func (op *klOp) divergence(n int) float64 {
	var sum float64
	log := op.row(op.log, n)
	for c, q := range op.row(op.q, n) {
		if q > 0 { // q log q is 0 at 0, even if the logarithm is infinite
			sum += float64(q) * (float64(log[c]) - float64(op.logPrior[c]))
		}
	}
	return sum
}

// Backward adds q_n,c (log(q_n,c/p_c) - KL_n) / N.
func (op *klOp) Backward(y *autograd.Var) {
	a := y.In(0)
	if !a.NeedsGrad() {
		return
	}
	da, s := a.GradSum(), y.Grad().Data()[0]/float32(a.Rows())
	for n := range a.Rows() {
		q, log, d := op.row(op.q, n), op.row(op.log, n), op.row(da, n)
		mean := float32(op.divergence(n))
		for c := range q {
			if q[c] > 0 {
				d[c] += s * q[c] * (log[c] - op.logPrior[c] - mean)
			}
		}
	}
}

// MarginalKL returns the Kullback-Leibler divergence of the mean class posterior of a batch from a class prior,
//
//	sum_c m_c log(m_c / p_c),   m = (1/N) sum_n softmax(a_n),
//
// in nats. It is 0 if the class frequencies of the batch as a whole equal the prior, however certain the samples are.
//
//	logits a [N, C], prior p of length C, positive with sum 1, or nil for 1/C each -> one number
//
// MarginalKL panics if the prior does not have one positive element per class. It is the part of [KL] that keeps
// classes from merging; no document of the project uses it alone.
func MarginalKL(logits *autograd.Var, prior []float32) *autograd.Var {
	checkPrior("MarginalKL", logits, prior)
	y, op := autograd.Record[marginalKLOp]("MarginalKL", logits)
	y.Resize()
	op.compute(logits, prior)
	op.pull = slices.Grow(op.pull[:0], logits.Width())[:logits.Width()]
	var sum float64
	for c := range op.pull {
		var m float64
		for n := range logits.Rows() {
			m += float64(op.row(op.q, n)[c])
		}
		m /= float64(logits.Rows())
		pull := math.Log(max(m, math.SmallestNonzeroFloat32)) - float64(op.logPrior[c])
		op.pull[c] = float32(pull)
		sum += m * pull
	}
	y.Data()[0] = float32(sum)
	return y
}

type marginalKLOp struct {
	posterior
	pull []float32 // log(m_c/p_c)
}

// Backward propagates dL/dq_n,c = log(m_c/p_c) / N through the softmax. Constants added to it have no effect.
func (op *marginalKLOp) Backward(y *autograd.Var) {
	a := y.In(0)
	if !a.NeedsGrad() {
		return
	}
	da, s := a.GradSum(), y.Grad().Data()[0]/float32(a.Rows())
	for n := range a.Rows() {
		q, d := op.row(op.q, n), op.row(da, n)
		mean := simd.Dot(q, op.pull)
		for c := range q {
			d[c] += s * q[c] * (op.pull[c] - mean)
		}
	}
}

// A posterior holds the softmax of logits, its logarithm, and the logarithm of a prior.
type posterior struct {
	q, log   []float32 // [N, C]
	logPrior []float32 // [C]
}

func checkPrior(op string, logits *autograd.Var, prior []float32) {
	if prior != nil && len(prior) != logits.Width() {
		panic(fmt.Sprintf("loss: %s: prior of %d classes for logits of shape %v", op, len(prior), logits.Shape()))
	}
	for c, p := range prior {
		if !(p > 0) {
			panic(fmt.Sprintf("loss: %s: the prior of class %d is %v, want > 0", op, c, p))
		}
	}
}

func (p *posterior) compute(logits *autograd.Var, prior []float32) {
	size, classes := logits.Value().Len(), logits.Width()
	p.q, p.log = slices.Grow(p.q[:0], size)[:size], slices.Grow(p.log[:0], size)[:size]
	p.logPrior = slices.Grow(p.logPrior[:0], classes)[:classes]
	for c := range p.logPrior {
		p.logPrior[c] = float32(-math.Log(float64(classes)))
		if prior != nil {
			p.logPrior[c] = float32(math.Log(float64(prior[c])))
		}
	}
	for n := range logits.Rows() {
		a, q, log := p.row(logits.Data(), n), p.row(p.q, n), p.row(p.log, n)
		simd.AddScalar(log, -simd.Max(a), a)
		simd.Exp(q, log)
		simd.AddScalar(log, float32(-math.Log(float64(simd.Sum(q)))), log)
		simd.Exp(q, log)
	}
}

// row returns sample n of x [N, C].
func (p *posterior) row(x []float32, n int) []float32 {
	classes := len(p.logPrior)
	return x[n*classes : (n+1)*classes]
}
