// SPDX-License-Identifier: Apache-2.0

// Package train runs any learner that learns in steps: it shuffles the samples, takes a step for each batch, validates
// after each epoch, stops early, and keeps checkpoints from which a killed run resumes to bit-identical weights.
//
// A [Learner] defines a step. [GradientDescent] follows the gradient of a loss function:
//
//	history, err := train.Run(ctx, train.Config{
//		Learner: &train.GradientDescent{Model: net, Loss: func(b *train.Batch) *autograd.Var {
//			logits := net.Forward(b.X)
//			b.Error(logits)
//			return loss.CrossEntropy(logits, b.Y)
//		}},
//		Train: images, Valid: others, Epochs: 20, KeepBest: true, Dir: "checkpoints",
//	})
package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Config describes a training run. Learner, Train and Epochs are required.
type Config struct {
	Learner Learner // such as a GradientDescent
	Train   Data    // training data
	Valid   Data    // validation data, measured after each epoch; nil for none

	Epochs    int    // passes through Train
	BatchSize int    // default 100; the last batch of an epoch may be smaller
	Seed      uint64 // seed of the order of the samples

	Monitor  string // metric of Valid to minimise for Patience and KeepBest; default "loss". NaN is never a minimum
	Patience int    // stop after this many epochs without a new minimum; 0 never stops early
	KeepBest bool   // end with the model of the best epoch instead of the last

	Trace []string // metrics that History.Trace keeps for every step, such as "loss"; none by default

	Dir   string        // folder for checkpoints, from which the same run resumes; "" keeps none
	Every time.Duration // also save within an epoch, this long after the last save; 0 saves after epochs only
	Key   any           // further settings of the run, such as lambda: a checkpoint with another key is refused

	OnStep  func(*Event) // called after each step; may be nil
	OnEpoch func(*Event) // called after each epoch; may be nil
}

// An Event is the progress of a run. It is reused: copy what must last.
type Event struct {
	Epoch, Epochs int     // epochs completed (at OnEpoch) or begun (at OnStep), and in total
	Step, Steps   int     // steps completed, and in total
	Samples       int     // in the step
	Loss          float64 // of the step; NaN for a learner that reports none
	History       *History
}

// A DivergedError reports that learning diverged: a loss or a weight is NaN or infinite.
type DivergedError struct {
	Epoch, Batch, Step int     // counted from 1; Step is 0 if the batch was only measured
	What               string  // "loss"
	Value              float64 // NaN or an infinity
	Where              string  // the first result that was not finite, if known
}

func (e *DivergedError) Error() string {
	at := fmt.Sprintf("step %d (epoch %d, batch %d)", e.Step, e.Epoch, e.Batch)
	if e.Step == 0 {
		at = fmt.Sprintf("batch %d of the measured data", e.Batch)
	}
	where := ""
	if e.Where != "" {
		where = "; first at fault: " + e.Where
	}
	return fmt.Sprintf("train: the %s became %v in %s%s; try a smaller learning rate", e.What, e.Value, at, where)
}

// Run trains until all epochs are completed, patience runs out, or ctx is cancelled. If Dir holds a checkpoint, Run
// resumes from it and ends as if the run had never stopped; if the run is already complete, Run returns at once. It
// refuses a checkpoint that this run would not have reached: one with other data, another schedule, other settings, or
// kernels that round differently. Only Epochs may grow. A folder serves one run at a time.
//
// The history covers everything up to the return, even when there is an error. It is nil only if the run could not
// begin, because its checkpoint could not be opened or read.
//   - ctx was cancelled: the step was finished and a checkpoint saved; the error wraps context.Cause(ctx);
//   - a step failed, with a [*DivergedError] or another error: the last good checkpoint stays;
//   - a checkpoint could not be read or written: the previous one stays. The error is a [*MismatchError] if the
//     checkpoint belongs to another run, and wraps a [*durable.HeldError] if another run uses the folder.
//
// Run panics if a required field of the configuration is missing.
func Run(ctx context.Context, c Config) (*History, error) {
	r, err := start(c)
	defer r.close()
	if err != nil {
		return nil, err
	}
	r.watch, _ = ctx.Value(watchKey{}).(func(*Event))
	err = r.loop(ctx)
	if err == nil && c.KeepBest {
		r.restoreBest()
	}
	return &r.history, err
}

// A run is the state of a training loop.
type run struct {
	Config
	id        identity
	state     State
	monitored bool         // a metric of Valid is needed
	epochs    EpochLearner // the learner, if it is an EpochLearner
	loader    loader
	sums      sums // of the metrics of the epoch so far
	at        position
	kept      position      // that of the checkpoint in Dir; the start if there is none, as nothing is to be kept there
	stopped   bool          // patience ran out
	lock      *durable.Lock // of the folder
	history   History
	best      []*tensor.Tensor // the model of the best epoch
	event     Event
	watch     func(*Event) // from the context, see Watched; may be nil
	saved     time.Time
	began     time.Time // start of the epoch, minus the time spent in it before a resume
}

// order returns the order of the samples in the current epoch.
func (r *run) order() []int {
	if d, ok := r.Train.(interface{ InOrder() bool }); ok && d.InOrder() {
		return inOrder(r.Train.Len())
	}
	return dataset.Order(r.Train.Len(), r.Seed, r.at.Epoch)
}

// A position is the index of the next step.
type position struct {
	Epoch, Batch, Step int
}

func start(c Config) (*run, error) {
	switch {
	case c.Learner == nil || c.Train == nil:
		panic("train: Run: Learner and Train are required")
	case c.Epochs < 1 || c.BatchSize < 0 || c.Patience < 0:
		panic(fmt.Sprintf("train: Run: want Epochs >= 1, BatchSize >= 0, Patience >= 0, got %d, %d, %d",
			c.Epochs, c.BatchSize, c.Patience))
	case c.Train.Len() == 0 || (c.Valid != nil && c.Valid.Len() == 0):
		panic("train: Run: a data set is empty")
	case c.Valid == nil && (c.Patience > 0 || c.KeepBest):
		panic("train: Run: Patience and KeepBest need Valid")
	}
	monitored := c.Monitor != "" || c.Patience > 0 || c.KeepBest
	c.setDefaults()
	r := &run{Config: c, monitored: monitored, state: c.Learner.State(), saved: time.Now(), began: time.Now()}
	r.epochs, _ = c.Learner.(EpochLearner)
	r.loader = loader{data: c.Train, size: c.BatchSize}
	if c.KeepBest {
		for _, m := range r.state.Model {
			r.best = append(r.best, m.Tensor.Clone())
		}
	}
	var err error
	if r.id, err = r.identify(); err != nil {
		return r, err
	}
	if c.Dir != "" {
		err = r.open()
	}
	r.history.reserve(c.Trace, c.Epochs*r.loader.batches())
	r.loader.recorder = Recorder{sums: &r.sums, trace: r.history.Trace}
	return r, err
}

func (c *Config) setDefaults() {
	if c.BatchSize == 0 {
		c.BatchSize = 100
	}
	if c.Monitor == "" {
		c.Monitor = "loss"
	}
}

// done reports whether no steps are left.
func (r *run) done() bool { return r.stopped || r.at.Epoch >= r.Epochs }

func (r *run) loop(ctx context.Context) error {
	defer r.loader.end()
	for !r.done() {
		r.loader.order = r.order()
		r.loader.plan(r.at.Batch)
		if r.epochs != nil && r.at.Batch == 0 {
			r.epochs.BeginEpoch()
		}
		for r.at.Batch < r.loader.batches() {
			if ctx.Err() != nil {
				return r.interrupted(ctx)
			}
			if err := r.step(); err != nil {
				return err
			}
			if r.Every > 0 && time.Since(r.saved) > r.Every {
				if err := r.save(); err != nil {
					return err
				}
			}
		}
		if err := r.endEpoch(); err != nil {
			return err
		}
	}
	return nil
}

// step learns from the next batch.
func (r *run) step() error {
	if err := r.loader.load(r.at.Batch); err != nil {
		return err
	}
	recorder := &r.loader.recorder
	recorder.Epoch = float64(r.at.Epoch) + float64(r.at.Batch)/float64(r.loader.batches())
	recorder.loss = math.NaN()
	if err := r.Learner.Step(&r.loader.batch, recorder); err != nil {
		return located(err, r.at.Epoch+1, r.at.Batch+1, r.at.Step+1)
	}
	r.at.Batch++
	r.at.Step++
	if r.OnStep != nil {
		r.OnStep(r.report(r.at.Epoch+1, recorder.loss))
	}
	if r.watch != nil {
		r.watch(r.report(r.at.Epoch+1, recorder.loss))
	}
	return nil
}

// located adds the position to a learner's error; step is 0 while measuring.
func located(err error, epoch, batch, step int) error {
	var diverged *DivergedError
	switch {
	case errors.As(err, &diverged):
		diverged.Epoch, diverged.Batch, diverged.Step = epoch, batch, step
		return err
	case step == 0:
		return fmt.Errorf("train: measuring batch %d: %w", batch, err)
	default:
		return fmt.Errorf("train: step %d (epoch %d, batch %d): %w", step, epoch, batch, err)
	}
}

// endEpoch validates, records, decides whether to continue, and saves.
func (r *run) endEpoch() error {
	if r.epochs != nil {
		end := Recorder{Epoch: float64(r.at.Epoch + 1), samples: r.Train.Len(), weight: 1, sums: &r.sums}
		if err := r.epochs.EndEpoch(&end); err != nil {
			return located(err, r.at.Epoch+1, r.at.Batch, r.at.Step)
		}
	}
	epoch := Epoch{Train: r.sums.means()}
	r.sums.reset()
	if err := r.history.checkTraces(r.at.Step, keys(epoch.Train)); err != nil {
		return err
	}
	if r.Valid != nil {
		var err error
		if epoch.Valid, err = evaluate(r.Config, r.Valid, r.at.Epoch+1); err != nil {
			return err
		}
	}
	epoch.Seconds = time.Since(r.began).Seconds()
	r.began = time.Now()
	r.history.Epochs = append(r.history.Epochs, epoch)
	r.at.Epoch, r.at.Batch = r.at.Epoch+1, 0
	if r.Valid != nil {
		if err := r.judge(epoch); err != nil {
			return err
		}
	}
	if r.OnEpoch != nil {
		loss, ok := epoch.Train["loss"]
		if !ok {
			loss = math.NaN()
		}
		r.OnEpoch(r.report(r.at.Epoch, loss))
	}
	return r.save()
}

// judge records a new minimum of the monitored metric and stops the run when patience runs out.
func (r *run) judge(epoch Epoch) error {
	if _, ok := epoch.Valid[r.Monitor]; !ok && r.monitored {
		return fmt.Errorf("train: Monitor is %q, but the learner reports %v on Valid", r.Monitor, keys(epoch.Valid))
	}
	h := &r.history
	best, without := judge(h.Epochs, r.Monitor, h.Best)
	if h.Best = best; best == len(h.Epochs)-1 {
		for i, b := range r.best {
			b.CopyFrom(r.state.Model[i].Tensor)
		}
	}
	r.stopped = r.Patience > 0 && without >= r.Patience
	return nil
}

func (r *run) restoreBest() {
	for i, b := range r.best {
		r.state.Model[i].Tensor.CopyFrom(b)
	}
	r.restored()
}

// restored notifies the learner that its state was overwritten.
func (r *run) restored() {
	if r.state.Restored != nil {
		r.state.Restored()
	}
}

func (r *run) report(epoch int, loss float64) *Event {
	r.event = Event{
		Epoch: epoch, Epochs: r.Epochs,
		Step: r.at.Step, Steps: r.Epochs * r.loader.batches(),
		Samples: r.loader.recorder.samples, Loss: loss,
		History: &r.history,
	}
	return &r.event
}

func (r *run) interrupted(ctx context.Context) error {
	err, cause := r.save(), context.Cause(ctx)
	if err != nil {
		return fmt.Errorf("train: interrupted (%w), and saving failed: %w", cause, err)
	}
	what, steps := "run again to go on from there", r.Epochs*r.loader.batches()
	if r.Dir == "" {
		what = "no checkpoint folder was set"
	}
	return fmt.Errorf("train: interrupted after step %d of %d; %s: %w", r.at.Step, steps, what, cause)
}

// Evaluate returns the means of the metrics that the learner reports on data. It uses only Learner and BatchSize of c.
func Evaluate(c Config, data Data) (map[string]float64, error) {
	c.setDefaults()
	return evaluate(c, data, 0)
}

func evaluate(c Config, data Data, epoch int) (map[string]float64, error) {
	var sums sums
	l := loader{data: data, size: c.BatchSize, order: inOrder(data.Len())}
	l.recorder = Recorder{Epoch: float64(epoch), sums: &sums}
	l.plan(0)
	defer l.end()
	for b := range l.batches() {
		if err := l.load(b); err != nil {
			return nil, err
		}
		if err := c.Learner.Measure(&l.batch, &l.recorder); err != nil {
			return nil, located(err, epoch, b+1, 0)
		}
	}
	return sums.means(), nil
}
