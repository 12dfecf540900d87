// SPDX-License-Identifier: Apache-2.0

package train

import (
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Learner is anything that learns in steps, each from a batch of samples. [GradientDescent] is one.
//
// The loop owns the rest: the order of the samples, epochs, validation, early stopping, checkpoints and the history.
type Learner interface {
	// Step learns from a batch of the training data and reports to r what it measures. An error ends the run, and the
	// last checkpoint stays; see [DivergedError].
	Step(b *dataset.Batch, r *Recorder) error
	// Measure reports to r what it measures on a batch, and learns nothing.
	Measure(b *dataset.Batch, r *Recorder) error
	// State returns what a run changes and what a checkpoint has to keep. It is called once at the start of a run.
	State() State
}

// An EpochLearner is a learner that has something to do at the ends of an epoch.
type EpochLearner interface {
	Learner
	BeginEpoch()                // before the first step of an epoch
	EndEpoch(r *Recorder) error // after its last step; what is reported to r belongs to the training data
}

// State is what a learner consists of. The tensors, streams and values are live: checkpoints are written from them and
// read into them. Names are unique within each list.
type State struct {
	Model   []tensor.Named // what is learnt, and what Config.KeepBest keeps of the best epoch
	Memory  []tensor.Named // what only the next steps need, such as moving averages of gradients
	Streams []nn.Stream    // random streams that steps draw from
	Values  []Value        // counts and other numbers that the next steps need

	// Schedule gives the learning rate for a time in epochs; nil for a learner without one. A checkpoint of another
	// schedule is refused: Run calls it for many times of the run at the start, so it may depend on the time alone.
	Schedule func(epoch float64) float64
	// Settings are what else has to agree between a checkpoint and the run that resumes from it, for encoding/json.
	Settings any
	// Restored is called after the tensors, streams and values were written to; nil for a learner that keeps nothing
	// that it computes from them.
	Restored func()
}

// A Recorder takes what a learner reports of a batch, and says where the run is.
type Recorder struct {
	Epoch float64 // time since the start of training, in epochs: half-way through the second epoch it is 1.5

	samples int
	weight  float64 // of the samples together
	sums    *sums
	trace   map[string][]float64 // of single steps; nil while measuring
	loss    float64              // as reported last
}

// Len returns the number of samples in the batch.
func (r *Recorder) Len() int { return r.samples }

// Report records a mean over the batch under a name. The history of the run holds its mean over the samples of each
// epoch, weighted by [dataset.Batch].Weight if there is one. "loss" is what progress lines show and what is monitored
// by default.
func (r *Recorder) Report(name string, mean float64) {
	if r.weight > 0 {
		r.sums.add(name, mean, r.weight)
	}
	if trace, ok := r.trace[name]; ok {
		r.trace[name] = append(trace, mean)
	}
	if name == "loss" {
		r.loss = mean
	}
}
