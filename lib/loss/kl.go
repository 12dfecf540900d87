// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// KL returns the mean Kullback-Leibler divergence of each sample's class posterior from a class prior,
//
//	(1/N) sum_n sum_c q_n,c log(q_n,c / p_c),   q_n = softmax(a_n),
//
// in nats: 0 where every posterior is the prior, log C where every sample is certain and the prior is uniform.
//
//	logits a [N, C], prior p of length C, positive with sum 1, or nil for 1/C each -> one number
//
// It is the sum of two terms with different wishes, the mutual information of sample and class and [MarginalKL]:
//
//	(1/N) sum_n KL[q_n || p]  =  ( H[mean q] - mean_n H[q_n] )  +  KL[mean q || p]
//
// KL panics if the prior does not fit. Source: [NINAI17, eq. 3].
func KL(logits *autograd.Var, prior []float32) *autograd.Var {
	y, p := newPosterior("KL", logits, prior, func(y *autograd.Var) {
		if !y.In(0).NeedsGrad() {
			return
		}
		// dL/da_n,c = q_n,c (log(q_n,c/p_c) - KL_n) / N
		p, d := posteriorOf(y), y.In(0).GradSum()
		s := y.Grad().Data()[0] / float32(p.samples)
		for n := range p.samples {
			q, log, d := p.row(p.q, n), p.row(p.log, n), p.row(d, n)
			kl := float32(p.kl(n))
			for c := range q {
				d[c] += s * q[c] * (log[c] - p.logPrior[c] - kl)
			}
		}
	})
	var sum float64
	for n := range p.samples {
		sum += p.kl(n)
	}
	y.Data()[0] = float32(sum / float64(p.samples))
	return y
}

// MarginalKL returns the Kullback-Leibler divergence of the mean class posterior of a batch from a class prior,
//
//	sum_c m_c log(m_c / p_c),   m = (1/N) sum_n softmax(a_n),
//
// in nats: 0 where the batch as a whole uses the classes as often as the prior says, however certain the samples are.
//
//	logits a [N, C], prior p of length C, positive with sum 1, or nil for 1/C each -> one number
//
// MarginalKL panics if the prior does not fit. It is the part of [KL] that keeps classes from merging; no document of
// the project uses it alone.
func MarginalKL(logits *autograd.Var, prior []float32) *autograd.Var {
	y, p := newPosterior("MarginalKL", logits, prior, func(y *autograd.Var) {
		if !y.In(0).NeedsGrad() {
			return
		}
		// dL/dq_n,c = log(m_c/p_c) / N up to a constant, which the softmax's gradient removes
		p, d := posteriorOf(y), y.In(0).GradSum()
		s := y.Grad().Data()[0] / float32(p.samples)
		for n := range p.samples {
			q, d := p.row(p.q, n), p.row(d, n)
			mean := simd.Dot(q, p.pull)
			for c := range q {
				d[c] += s * q[c] * (p.pull[c] - mean)
			}
		}
	})
	var sum float64
	for c := range p.classes {
		var m float64
		for n := range p.samples {
			m += float64(p.q[n*p.classes+c])
		}
		m /= float64(p.samples)
		pull := math.Log(max(m, math.SmallestNonzeroFloat32)) - float64(p.logPrior[c])
		p.pull[c] = float32(pull)
		sum += m * pull
	}
	y.Data()[0] = float32(sum)
	return y
}

// A posterior is the softmax of logits and its logarithm, and the logarithm of a prior.
type posterior struct {
	samples, classes int
	q, log           []float32 // [samples, classes]
	logPrior         []float32 // [classes]
	pull             []float32 // [classes], of MarginalKL
}

// newPosterior records a loss of the posterior and computes it.
func newPosterior(op string, logits *autograd.Var, prior []float32, backward func(*autograd.Var)) (*autograd.Var, posterior) {
	classes := logits.Width()
	if prior != nil && len(prior) != classes {
		panic(fmt.Sprintf("loss: %s: a prior of %d classes for logits of shape %v", op, len(prior), logits.Shape()))
	}
	y := logits.Tape().Op(op, backward, logits)
	y.Resize()
	p := posteriorOf(y)
	for c := range classes {
		p.logPrior[c] = float32(-math.Log(float64(classes)))
		if prior != nil {
			if !(prior[c] > 0) {
				panic(fmt.Sprintf("loss: %s: the prior of class %d is %v, want > 0", op, c, prior[c]))
			}
			p.logPrior[c] = float32(math.Log(float64(prior[c])))
		}
	}
	for n := range p.samples {
		a, log := p.row(logits.Data(), n), p.row(p.log, n)
		simd.AddScalar(log, -simd.Max(a), a)
		simd.Exp(p.row(p.q, n), log)
		simd.AddScalar(log, float32(-math.Log(float64(simd.Sum(p.row(p.q, n))))), log)
		simd.Exp(p.row(p.q, n), log)
	}
	return y, p
}

func posteriorOf(y *autograd.Var) posterior {
	n, classes := y.In(0).Rows(), y.In(0).Width()
	s := y.Saved(2*n*classes + 2*classes)
	q, log, rest := s[:n*classes], s[n*classes:2*n*classes], s[2*n*classes:]
	return posterior{n, classes, q, log, rest[:classes], rest[classes:]}
}

func (p *posterior) row(x []float32, n int) []float32 { return x[n*p.classes : (n+1)*p.classes] }

// kl returns the divergence of sample n.
func (p *posterior) kl(n int) float64 {
	var sum float64
	log := p.row(p.log, n)
	for c, q := range p.row(p.q, n) {
		if q > 0 { // q log q is 0 at 0, whatever the logarithm has become
			sum += float64(q) * (float64(log[c]) - float64(p.logPrior[c]))
		}
	}
	return sum
}
