// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var _ train.EpochLearner = (*Learner)(nil)

// Step implements [train.Learner]: an update at the rate of the schedule. It panics if Rate is nil. It reports, as
// "current", the mean over the examples of the winner's current, <W,v>.
func (l *Learner) Step(b *dataset.Batch, r *train.Recorder) error {
	if l.Rate == nil {
		panic("hebbian: Learner: Rate is required, such as optim.Linear(0.04, 0, epochs)")
	}
	l.rate = l.Rate(r.Epoch)
	if math.IsNaN(l.rate) || math.IsInf(l.rate, 0) {
		return fmt.Errorf("hebbian: the schedule gives the rate %v at epoch %g", l.rate, r.Epoch)
	}
	l.Update(&b.X, l.rate)
	l.report(r)
	return nil
}

// Measure implements [train.Learner]: it reports the "current".
func (l *Learner) Measure(b *dataset.Batch, r *train.Recorder) error {
	l.Compete(&b.X)
	l.report(r)
	return nil
}

// report reports the current of the winners.
func (l *Learner) report(r *train.Recorder) {
	n := len(l.held) / l.rule.K
	sum := 0.0
	for i := range n {
		sum += float64(l.held[i*l.rule.K])
	}
	r.Report("current", sum/float64(n))
}

// BeginEpoch implements [train.EpochLearner]: winners are counted anew.
func (l *Learner) BeginEpoch() { l.ResetWins() }

// EndEpoch implements [train.EpochLearner]. It reports the "rate" of the last step; "dead", the number of units that
// won for no example of the epoch; and quantiles of the p-norms of the units' weights, which learning brings to R:
// "norm min", "norm 10%", "norm median", "norm 90%" and "norm max".
func (l *Learner) EndEpoch(r *train.Recorder) error {
	norms := l.rule.PNorms(l.w)
	slices.Sort(norms) // NaN first
	last := len(norms) - 1
	for _, norm := range []float64{norms[0], norms[last]} {
		if math.IsNaN(norm) || math.IsInf(norm, 0) {
			return &train.DivergedError{What: "norm of a unit's weights", Value: norm}
		}
	}
	dead := 0
	for _, wins := range l.wins {
		if wins == 0 {
			dead++
		}
	}
	r.Report("rate", l.rate)
	r.Report("dead", float64(dead))
	r.Report("norm min", norms[0])
	r.Report("norm 10%", norms[last/10])
	r.Report("norm median", norms[last/2])
	r.Report("norm 90%", norms[last-last/10])
	r.Report("norm max", norms[last])
	return nil
}

// State implements [train.Learner].
func (l *Learner) State() train.State {
	return train.State{
		Model:    []tensor.Named{{Name: "weights", Tensor: l.w}},
		Values:   []train.Value{{Name: "wins", Of: l.wins}, {Name: "rate", Of: &l.rate}},
		Schedule: l.Rate,
		Settings: l.rule,
		Restored: l.Refresh,
	}
}
