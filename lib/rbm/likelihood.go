// SPDX-License-Identifier: Apache-2.0

package rbm

import (
	"context"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// mostUnits is the number of units whose states can all be visited.
const mostUnits = 20

// LogPartition returns log Z, summed over all states of the smaller layer. It returns an error if that has more than 20
// units: see [Machine.EstimateLogPartition].
func (m *Machine) LogPartition() (float64, error) {
	w, b, c := m.Weights.Data(), m.VisibleBias.Data(), m.HiddenBias.Data()
	rows, columns := m.hidden(), m.visible() // a state of the rows' units is visited; the sum over the others is closed
	at := func(row, column int) float64 { return float64(w[row*columns+column]) }
	if rows > columns {
		rows, columns, b, c = columns, rows, c, b
		at = func(row, column int) float64 { return float64(w[column*rows+row]) }
	}
	if rows > mostUnits {
		return 0, fmt.Errorf("rbm: LogPartition of %d visible and %d hidden units: want at most %d in the smaller layer; "+
			"EstimateLogPartition has no such limit", m.visible(), m.hidden(), mostUnits)
	}
	net, bias := make([]float64, columns), 0.0
	for i := range net {
		net[i] = float64(b[i])
	}
	sum := newLogSum()
	for state := range uint(1) << rows { // each differs from the one before in one unit (Gray code)
		if state > 0 {
			unit, sign := 0, -1.0
			for state>>unit&1 == 0 {
				unit++
			}
			if (state^state>>1)>>unit&1 == 1 {
				sign = 1
			}
			bias += sign * float64(c[unit])
			for i := range net {
				net[i] += sign * at(unit, i)
			}
		}
		log := bias
		for _, x := range net {
			log += softplus(x)
		}
		sum.add(log)
	}
	return sum.log(), nil
}

// A logSum adds up numbers given by their logarithms.
type logSum struct{ largest, rest float64 }

func newLogSum() logSum { return logSum{largest: math.Inf(-1)} }

func (s *logSum) add(log float64) {
	if log > s.largest {
		s.rest = s.rest*math.Exp(s.largest-log) + 1
		s.largest = log
	} else {
		s.rest += math.Exp(log - s.largest)
	}
}

func (s *logSum) log() float64 { return s.largest + math.Log(s.rest) }

// LogLikelihood returns the mean of log p(v) over the rows of v [N, V], for a machine of the given log Z.
func (m *Machine) LogLikelihood(v *tensor.Tensor, logZ float64) float64 {
	sum := 0.0
	for _, f := range m.FreeEnergy(v) {
		sum -= f
	}
	return sum/float64(v.Rows()) - logZ
}

// An Annealing says how log Z is estimated.
type Annealing struct {
	Chains       int            // default 100
	Temperatures int            // steps from the base machine to the machine itself; default 1000
	Base         *tensor.Tensor // visible biases [V] of the base machine; nil is those of the machine
	Seed         uint64
}

// EstimateLogPartition estimates log Z by annealed importance sampling [SM08]. Chains start at samples of a machine
// with the visible biases Base and no weights, whose Z is known, and the weights are put in by equal steps of s from 0
// to 1,
//
//	p_s(v) ~ exp((1-s) base·v + s b·v) prod_j (1 + exp(s (c_j + W_j·v)))
//
// The mean over the chains of the product of p_s(v)/p_s'(v), unnormalised, over the steps estimates Z/Z_base without
// bias. sd is the standard deviation of the estimate of log Z, to first order, as the chains suggest; if the chains
// disagree widely the estimate is too low, and more temperatures help.
//
// It returns an error that wraps context.Cause(ctx) if ctx is cancelled. It panics if a setting is out of range.
func (m *Machine) EstimateLogPartition(ctx context.Context, a Annealing) (logZ, sd float64, err error) {
	if a.Chains == 0 {
		a.Chains = 100
	}
	if a.Temperatures == 0 {
		a.Temperatures = 1000
	}
	base := m.VisibleBias
	if a.Base != nil {
		base = a.Base
	}
	if a.Chains < 2 || a.Temperatures < 1 || base.Len() != m.visible() {
		panic(fmt.Sprintf("rbm: EstimateLogPartition: %d chains, %d temperatures, base of shape %v for weights of shape %v",
			a.Chains, a.Temperatures, base.Shape(), m.Weights.Shape()))
	}
	n, visible, hidden := a.Chains, m.visible(), m.hidden()
	e, rng := engine{Machine: m}, tensor.Stream(a.Seed, "rbm/annealing")
	v, net, h := make([]float32, n*visible), make([]float32, n*hidden), make([]float32, n*hidden)
	means := make([]float32, n*visible)
	weight := make([]float64, n) // logarithms
	for i := range n {
		copy(means[i*visible:], base.Data())
	}
	e.n = n
	e.draw(v, means, n, visible, rng)
	for t := 1; t <= a.Temperatures; t++ {
		if ctx.Err() != nil {
			return 0, 0, fmt.Errorf("rbm: interrupted at temperature %d of %d: %w", t, a.Temperatures, context.Cause(ctx))
		}
		before, s := float64(t-1)/float64(a.Temperatures), float64(t)/float64(a.Temperatures)
		e.up(net, v, n)
		for i := range n {
			for j, x := range v[i*visible : (i+1)*visible] {
				weight[i] += (s - before) * float64(x) * float64(m.VisibleBias.Data()[j]-base.Data()[j])
			}
			for j, x := range net[i*hidden : (i+1)*hidden] {
				weight[i] += softplus(s*float64(x)) - softplus(before*float64(x))
				h[i*hidden+j] = float32(s * float64(x))
			}
		}
		e.draw(h, h, n, hidden, rng)
		e.down(means, h, n)
		for i := range means { // b + h W, to be mixed
			means[i] = float32(s*float64(means[i]) + (1-s)*float64(base.Data()[i%visible]))
		}
		e.draw(v, means, n, visible, rng)
	}
	logZ = float64(hidden) * math.Ln2
	for _, b := range base.Data() {
		logZ += softplus(float64(b))
	}
	sum, squares := newLogSum(), newLogSum()
	for _, w := range weight {
		sum.add(w)
		squares.add(2 * w)
	}
	// The relative variance of the mean of n weights w is (mean(w²)/mean(w)² - 1)/(n - 1).
	ratio := math.Exp(squares.log()-2*sum.log()) * float64(n)
	return logZ + sum.log() - math.Log(float64(n)), math.Sqrt(max(ratio-1, 0) / float64(n-1)), nil
}
