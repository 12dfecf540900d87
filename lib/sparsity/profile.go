// SPDX-License-Identifier: Apache-2.0

package sparsity

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Profile summarises the activations of a layer over samples: the mean and the spread of each measure over the
// samples, and the number of samples on which each unit is active. The zero value is an empty profile.
type Profile struct {
	L0, L1, Gini, Hoyer Stat  // one value per sample
	Counts              []int // [units]
}

// Measure returns the profile of the activations a [N, units].
func Measure(a *tensor.Tensor) Profile {
	var p Profile
	p.Add(a)
	return p
}

// Add adds the activations a [N, units] of further samples. It panics if the number of units changes.
func (p *Profile) Add(a *tensor.Tensor) {
	if p.Counts == nil {
		p.Counts = make([]int, a.Width())
	}
	if len(p.Counts) != a.Width() {
		panic(fmt.Sprintf("sparsity: Profile.Add: activations of shape %v to a profile of %d units", a.Shape(),
			len(p.Counts)))
	}
	addCounts(p.Counts, a)
	scratch := make([]uint32, 0, a.Width())
	for i := range a.Rows() {
		row := a.Row(i)
		p.L0.Add(float64(L0(row)))
		p.L1.Add(L1(row))
		p.Gini.Add(gini(row, scratch))
		p.Hoyer.Add(Hoyer(row))
	}
}

// Frequency returns, for each unit, the share of samples on which it is active. It panics if there are no samples.
func (p Profile) Frequency() []float64 { return frequency(p.Counts, p.L0.N) }

// DeadUnits returns the units that are active on no sample, in ascending order.
func (p Profile) DeadUnits() []int { return dead(p.Counts) }

// String returns a one-line summary.
func (p Profile) String() string {
	return fmt.Sprintf("%d samples of %d units, %d dead: l0 %.1f±%.1f, l1 %.4g±%.2g, Gini %.3f±%.3f, Hoyer %.3f±%.3f",
		p.L0.N, len(p.Counts), len(p.DeadUnits()), p.L0.Mean, p.L0.Std(), p.L1.Mean, p.L1.Std(),
		p.Gini.Mean, p.Gini.Std(), p.Hoyer.Mean, p.Hoyer.Std())
}

// ReportActivity reports, as "NAME l0" and "NAME l1", the number of active units of a layer and the sum of the
// magnitudes of its activations a [N, units], both as means over samples [Thesis21, eqs. 2.6 and 2.7]. A loss function
// that calls it for every measured batch adds the activity on the validation data to the history of the run:
//
//	if !b.Training() {
//		sparsity.ReportActivity(b, "hidden", a.Value())
//	}
func ReportActivity(to interface {
	Report(name string, mean float64)
}, name string, a *tensor.Tensor) {
	active, sum := 0, 0.0
	for n := range a.Rows() {
		row := a.Row(n)
		active += L0(row)
		sum += L1(row)
	}
	n := float64(a.Rows())
	to.Report(name+" l0", float64(active)/n)
	to.Report(name+" l1", sum/n)
}

// A Stat is the mean and the spread of the values added to it, by Welford's recurrence. The zero value has no values.
type Stat struct {
	N    int     // number of values
	Mean float64 // their mean, 0 if there are none
	M2   float64 // sum of squared deviations from the mean
}

// Add adds a value.
func (s *Stat) Add(v float64) {
	s.N++
	d := v - s.Mean
	s.Mean += d / float64(s.N)
	s.M2 += d * (v - s.Mean)
}

// Std returns the sample standard deviation, sqrt(M2/(N-1)); 0 for fewer than two values.
func (s Stat) Std() float64 {
	if s.N < 2 {
		return 0
	}
	return math.Sqrt(s.M2 / float64(s.N-1))
}
