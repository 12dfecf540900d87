// SPDX-License-Identifier: Apache-2.0

package train

import (
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Learner is anything that learns in steps, each from a batch of samples. [GradientDescent] is one.
//
// The loop does the rest: the order of the samples, epochs, validation, early stopping, checkpoints and the history.
type Learner interface {
	// Step learns from a batch of the training data and reports its measurements to r. An error ends the run and leaves
	// the last checkpoint in place; see [DivergedError].
	Step(b *dataset.Batch, r *Recorder) error
	// Measure reports its measurements on a batch to r without learning.
	Measure(b *dataset.Batch, r *Recorder) error
	// State returns everything that a run changes and a checkpoint must keep. It is called once, at the start of a run.
	State() State
}

// An EpochLearner is a learner with work to do at the start and the end of an epoch.
type EpochLearner interface {
	Learner
	BeginEpoch()                // before the first step of an epoch
	EndEpoch(r *Recorder) error // after its last step; what it reports to r counts as training data
}

// State lists the parts of a learner. The tensors, streams and values are live: checkpoints are written from them and
// read into them. Names are unique within each list.
type State struct {
	Model   []tensor.Named // the learnt model; Config.KeepBest keeps that of the best epoch
	Memory  []tensor.Named // tensors that only later steps need, such as moving averages of gradients
	Streams []nn.Stream    // random streams that steps draw from
	Values  []Value        // counts and other numbers that later steps need

	// Schedule returns the learning rate at a time in epochs; nil for a learner without one. It must depend on the time
	// alone: Run calls it for many times at the start of a run, and refuses a checkpoint made with another schedule.
	Schedule func(epoch float64) float64
	// Settings are further values that must agree between a checkpoint and the run that resumes from it. They are encoded
	// by encoding/json.
	Settings any
	// Restored is called after the tensors, streams and values were overwritten. It is nil for a learner that caches
	// nothing computed from them.
	Restored func()
}

// A Recorder collects the measurements of a batch and holds the position of the run.
type Recorder struct {
	Epoch float64 // time since the start of training, in epochs: 1.5 is half-way through the second

	samples int
	weight  float64 // sum of the weights of the samples
	sums    *sums
	trace   map[string][]float64 // of single steps; nil while measuring
	loss    float64              // the value reported last
}

// Len returns the number of samples in the batch.
func (r *Recorder) Len() int { return r.samples }

// Report records a mean over the batch under a name. The history holds its mean over the samples of each epoch,
// weighted by [dataset.Batch].Weight if there is one. Progress lines show "loss", which is also the default of
// Config.Monitor.
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
