// SPDX-License-Identifier: Apache-2.0

// Package train runs the loop of gradient descent: shuffled batches, a step for each, validation after each epoch,
// early stopping, and checkpoints from which a killed run resumes to bit-identical weights.
package train

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Data is a set of labelled samples, such as a dataset.Set.
type Data interface {
	Len() int
	// Gather copies the samples idx into x, which it resizes, and their labels into y, which has their number.
	Gather(x *tensor.Tensor, y, idx []int)
}

// A Config describes a training run. Model, Loss, Train and Epochs are required.
type Config struct {
	Model any                          // whose parameters change; see nn.StateOf
	Loss  func(b *Batch) *autograd.Var // the objective of a batch, one number
	Train Data                         // what to learn from
	Valid Data                         // measured after each epoch; nil for none

	Epochs    int             // passes through Train
	BatchSize int             // default 100; the last batch of an epoch may be smaller
	Optimizer optim.Optimizer // default Adam with its defaults
	Schedule  optim.Schedule  // learning rate; nil leaves the optimiser's own
	Constrain func()          // called after each step, for constraints such as nn.MaxNorm; may be nil
	Seed      uint64          // of the order of the samples
	Workers   int             // goroutines for one step; 0 is one for each core. Results do not depend on it

	Monitor  string // metric of Valid to minimise for Patience and KeepBest; default "loss"
	Patience int    // stop after this many epochs without a new minimum; 0 never stops early
	KeepBest bool   // end with the weights and running statistics of the epoch with the minimum instead of the last

	Trace []string // metrics of which History.Trace keeps the value of every step, such as "loss"; none by default

	Dir   string        // folder for checkpoints, from which the same run goes on; "" keeps none
	Every time.Duration // save within an epoch when this much time has passed; 0 saves after epochs only
	Key   any           // settings that Model and Loss were made with, such as lambda: a checkpoint of another key is refused

	OnStep  func(*Event) // called after each step; may be nil
	OnEpoch func(*Event) // called after each epoch; may be nil
}

// An Event says how far a run is. It is reused: copy what must last.
type Event struct {
	Epoch, Epochs int     // epochs done (at OnEpoch) or begun (at OnStep), of how many
	Step, Steps   int     // steps done, of how many
	Samples       int     // in the step
	Loss          float64 // of the step
	History       *History
}

// A DivergedError says that the loss was no finite number.
type DivergedError struct {
	Epoch, Batch, Step int     // counted from 1
	Loss               float64 // NaN or an infinity
	Where              string  // the first result that was not finite
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("train: the loss became %v in step %d (epoch %d, batch %d); first at fault: %s; try a smaller learning rate",
		e.Loss, e.Step, e.Epoch, e.Batch, e.Where)
}

// Run trains until the epochs are done, patience runs out, or ctx is cancelled. With Dir set it goes on from the
// checkpoint there, if any: a run that is already complete returns at once.
//
// The history says what happened up to the return, even when there is an error:
//   - ctx was cancelled: the step was finished and a checkpoint saved; the error wraps context.Cause(ctx);
//   - a [*DivergedError]: the last good checkpoint stays;
//   - a checkpoint could not be read or written; the one before stays.
//
// Run panics if a required field of the configuration is missing.
func Run(ctx context.Context, c Config) (*History, error) {
	r, err := start(c)
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
	id      identity
	state   nn.State
	tape    *autograd.Tape
	loader  loader
	sums    sums // of the metrics of the epoch so far
	at      position
	history History
	best    []*tensor.Tensor // what is kept of the best epoch
	event   Event
	watch   func(*Event) // of the context, see Watched; may be nil
	saved   time.Time
	began   time.Time // of the epoch, moved back by the time before a resume
}

// A position is the place of the next step.
type position struct {
	Epoch, Batch, Step int
	Stopped            bool // patience ran out
}

func start(c Config) (*run, error) {
	switch {
	case c.Model == nil || c.Loss == nil || c.Train == nil:
		panic("train: Run: Model, Loss and Train are required")
	case c.Epochs < 1 || c.BatchSize < 0 || c.Patience < 0:
		panic(fmt.Sprintf("train: Run: want Epochs >= 1, BatchSize >= 0, Patience >= 0, got %d, %d, %d", c.Epochs, c.BatchSize, c.Patience))
	case c.Train.Len() == 0 || (c.Valid != nil && c.Valid.Len() == 0):
		panic("train: Run: a data set is empty")
	case c.Valid == nil && (c.Patience > 0 || c.KeepBest):
		panic("train: Run: Patience and KeepBest need Valid")
	}
	if c.BatchSize == 0 {
		c.BatchSize = 100
	}
	if c.Optimizer == nil {
		c.Optimizer = &optim.Adam{}
	}
	if c.Monitor == "" {
		c.Monitor = "loss"
	}
	r := &run{Config: c, state: nn.StateOf(c.Model), tape: autograd.NewTape(c.Workers), saved: time.Now(), began: time.Now()}
	r.loader = loader{data: c.Train, size: c.BatchSize}
	if c.KeepBest {
		for _, k := range r.kept() {
			r.best = append(r.best, k.Tensor.Clone())
		}
	}
	var err error
	if r.id, err = r.identify(); err != nil {
		return r, err
	}
	if c.Dir != "" {
		err = r.load()
	}
	r.history.reserve(c.Trace, c.Epochs*r.loader.batches())
	r.loader.trace = r.history.Trace
	return r, err
}

func (r *run) loop(ctx context.Context) error {
	for !r.at.Stopped && r.at.Epoch < r.Epochs {
		r.loader.order = dataset.Order(r.Train.Len(), r.Seed, r.at.Epoch)
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

// step trains on the next batch. It allocates nothing once the memory of the first steps is there.
func (r *run) step() error {
	if r.Schedule != nil {
		r.Optimizer.SetRate(r.Schedule(float64(r.at.Epoch) + float64(r.at.Batch)/float64(r.loader.batches())))
	}
	r.tape.Reset()
	r.tape.SetTraining(true)
	loss := r.Loss(r.loader.load(r.tape, r.at.Batch, &r.sums))
	value := float64(loss.Scalar())
	if math.IsNaN(value) || math.IsInf(value, 0) {
		where, _ := r.tape.FirstNonFinite()
		return &DivergedError{Epoch: r.at.Epoch + 1, Batch: r.at.Batch + 1, Step: r.at.Step + 1, Loss: value, Where: where}
	}
	r.loader.batch.Report("loss", value)
	r.tape.Backward(loss)
	r.Optimizer.Step(r.state.Params)
	if r.Constrain != nil {
		r.Constrain()
	}
	r.at.Batch++
	r.at.Step++
	if r.OnStep != nil {
		r.OnStep(r.report(r.at.Epoch+1, value))
	}
	if r.watch != nil {
		r.watch(r.report(r.at.Epoch+1, value))
	}
	return nil
}

// endEpoch validates, records, decides whether to go on, and saves.
func (r *run) endEpoch() error {
	epoch := Epoch{Train: r.sums.means()}
	r.sums.reset()
	if err := r.history.checkTraces(r.at.Step, keys(epoch.Train)); err != nil {
		return err
	}
	if r.Valid != nil {
		var err error
		if epoch.Valid, err = r.evaluate(r.Valid); err != nil {
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
		r.OnEpoch(r.report(r.at.Epoch, epoch.Train["loss"]))
	}
	return r.save()
}

// judge notes a new minimum of the monitored metric, and when patience is over.
func (r *run) judge(epoch Epoch) error {
	value, ok := epoch.Valid[r.Monitor]
	if !ok {
		return fmt.Errorf("train: Monitor is %q, but the loss function reports only %v", r.Monitor, keys(epoch.Valid))
	}
	h := &r.history
	if len(h.Epochs) == 1 || value < h.Epochs[h.Best].Valid[r.Monitor] {
		h.Best = len(h.Epochs) - 1
		kept := r.kept()
		for i, b := range r.best {
			b.CopyFrom(kept[i].Tensor)
		}
	}
	r.at.Stopped = r.Patience > 0 && len(h.Epochs)-1-h.Best >= r.Patience
	return nil
}

func (r *run) restoreBest() {
	kept := r.kept()
	for i, b := range r.best {
		kept[i].Tensor.CopyFrom(b)
	}
}

// kept returns what belongs to a network as it was measured: its parameters, and the running statistics of its layers.
func (r *run) kept() (named []tensor.Named) {
	for _, p := range r.state.Params {
		named = append(named, tensor.Named{Name: p.Name, Tensor: p.Value()})
	}
	for _, b := range r.state.Buffers {
		named = append(named, tensor.Named{Name: b.Name, Tensor: b.Tensor})
	}
	return named
}

func (r *run) report(epoch int, loss float64) *Event {
	r.event = Event{
		Epoch: epoch, Epochs: r.Epochs,
		Step: r.at.Step, Steps: r.Epochs * r.loader.batches(),
		Samples: len(r.loader.batch.Y), Loss: loss,
		History: &r.history,
	}
	return &r.event
}

func (r *run) interrupted(ctx context.Context) error {
	err := r.save()
	switch cause := context.Cause(ctx); {
	case err != nil:
		return fmt.Errorf("train: interrupted (%w), and then: %w", cause, err)
	case r.Dir == "":
		return fmt.Errorf("train: interrupted after step %d of %d; no checkpoint folder was set: %w", r.at.Step, r.Epochs*r.loader.batches(), cause)
	default:
		return fmt.Errorf("train: interrupted after step %d of %d; run again to go on from there: %w", r.at.Step, r.Epochs*r.loader.batches(), cause)
	}
}

func (r *run) evaluate(data Data) (map[string]float64, error) {
	return evaluate(autograd.NewTape(r.Workers), r.Loss, data, r.BatchSize)
}

// Evaluate returns the means over data of the loss and of everything that the loss function reports, with dropout and
// the like switched off. A batch holds c.BatchSize samples; of the rest of c only Loss and Workers are used.
func Evaluate(c Config, data Data) (map[string]float64, error) {
	if c.BatchSize == 0 {
		c.BatchSize = 100
	}
	return evaluate(autograd.NewTape(c.Workers), c.Loss, data, c.BatchSize)
}

func evaluate(tape *autograd.Tape, loss func(*Batch) *autograd.Var, data Data, size int) (map[string]float64, error) {
	var sums sums
	l := loader{data: data, size: size, order: make([]int, data.Len())}
	for i := range l.order {
		l.order[i] = i
	}
	for b := range l.batches() {
		tape.Reset()
		value := float64(loss(l.load(tape, b, &sums)).Scalar())
		if math.IsNaN(value) || math.IsInf(value, 0) {
			where, _ := tape.FirstNonFinite()
			return nil, fmt.Errorf("train: the loss is %v in validation batch %d; first at fault: %s", value, b+1, where)
		}
		l.batch.Report("loss", value)
	}
	return sums.means(), nil
}
