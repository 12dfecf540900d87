// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Inhibition is the dynamics of hidden units that inhibit each other,
//
//	tau dh_mu/dt = I_mu - Strength · sum over nu != mu of max(h_nu, 0) - h_mu,
//
// under input currents I [KH19, eq. 4]. With Strength below 1 the units reach the same steady state from every start.
// The units active in it are those whose currents are close to the largest; the closer Strength is to 1, the fewer they
// are. Above 1 one unit suppresses all others.
type Inhibition struct {
	Strength float64 // w_inh, above 0
	Tau      float64 // time constant of a unit; 0 means 1
	Until    float64 // longest time to wait for the steady state; 0 means 1000·Tau
	// relative tolerance: limit of |tau dh/dt|, as a share of the largest |I|; 0 means 1e-4
	Settled float64
	Solver  Solver
}

func (d Inhibition) withDefaults() Inhibition {
	if d.Tau == 0 {
		d.Tau = 1
	}
	if d.Until == 0 {
		d.Until = 1000 * d.Tau
	}
	if d.Settled == 0 {
		d.Settled = 1e-4
	}
	if !(d.Strength > 0) || !(d.Tau > 0) || !(d.Until > 0) || !(d.Settled > 0) {
		panic(fmt.Sprintf("hebbian: Inhibition: want Strength, Tau, Until and Settled above 0, got %v, %v, %v, %v",
			d.Strength, d.Tau, d.Until, d.Settled))
	}
	return d
}

// SteadyState integrates the dynamics from h = 0 to the steady state and returns the activities there [units]. After
// each step of the solver it calls watch, which may be nil, with the time and the activities. It returns an error if
// the units did not settle in time.
func (d Inhibition) SteadyState(currents []float64, watch func(t float64, h []float64)) ([]float64, error) {
	d = d.withDefaults()
	largest := 0.0
	for _, i := range currents {
		largest = max(largest, math.Abs(i))
	}
	h, settled := make([]float64, len(currents)), false
	at, err := d.Solver.Integrate(h, d.Until, func(dh, h []float64) {
		firing := 0.0
		for _, x := range h {
			firing += max(x, 0)
		}
		for mu, x := range h {
			dh[mu] = (currents[mu] - d.Strength*(firing-max(x, 0)) - x) / d.Tau
		}
	}, func(t float64, h, dh []float64) bool {
		if watch != nil {
			watch(t, h)
		}
		fastest := 0.0
		for _, x := range dh {
			fastest = max(fastest, math.Abs(x))
		}
		settled = fastest*d.Tau <= d.Settled*largest
		return !settled
	})
	if err == nil && !settled {
		err = fmt.Errorf("hebbian: SteadyState: the units still change at time %g: allow more time (Until)", at)
	}
	return h, err
}

// A Biological is the biological form of the algorithm: it takes one example at a time. The example drives the units
// until they settle, and then each unit learns by its rule, with the activation that g gives for its activity [KH19,
// section 2.2].
type Biological struct {
	Rule
	Inhibition
	G    func(h float64) float64 // learning activation; see Threshold
	TauL float64                 // time scale of learning, in presentations of an example; 0 means 1
}

// Threshold returns the learning activation that is 1 above the threshold h*, -delta from 0 to h*, and 0 where a unit
// is inactive: the simplest function of the shape that the document requires.
func Threshold(threshold, delta float64) func(h float64) float64 {
	return func(h float64) float64 {
		switch {
		case h > threshold:
			return 1
		case h > 0:
			return -delta
		}
		return 0
	}
}

// Currents returns <W_mu,v> for each unit. w [units, inputs], v [inputs] -> [units].
func (r Rule) Currents(w *tensor.Tensor, v []float32) []float64 {
	if w.Width() != len(v) {
		panic(fmt.Sprintf("hebbian: Currents: %d inputs for weights of shape %v", len(v), w.Shape()))
	}
	p := r.withDefaults().P
	currents := make([]float64, w.Rows())
	for u := range currents {
		for i, x := range w.Row(u) {
			currents[u] += signedPower(float64(x), p-1) * float64(v[i])
		}
	}
	return currents
}

// Update presents one example v [inputs] to units with weights w [units, inputs], changes the weights in place and
// returns the settled activities. If the units do not settle, it returns the error and leaves the weights unchanged.
func (b Biological) Update(w *tensor.Tensor, v []float32) (h []float64, err error) {
	currents := b.Currents(w, v)
	if h, err = b.SteadyState(currents, nil); err != nil {
		return h, err
	}
	rule, step := b.Rule.withDefaults(), 1.0
	if b.TauL != 0 {
		step = 1 / b.TauL
	}
	pull := math.Pow(rule.R, rule.P)
	for u, activity := range h {
		g := b.G(activity)
		if g == 0 {
			continue
		}
		row := w.Row(u)
		for i, x := range v {
			row[i] += float32(step * g * (pull*float64(x) - currents[u]*float64(row[i])))
		}
	}
	return h, nil
}
