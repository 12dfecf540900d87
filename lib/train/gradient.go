// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// GradientDescent is the learner that follows the gradient of a loss function. Model and Loss are required. It reports
// the loss and whatever the loss function reports.
type GradientDescent struct {
	Model     any                          // the model whose parameters change; see nn.StateOf
	Loss      func(b *Batch) *autograd.Var // the objective of a batch, one number
	Optimizer optim.Optimizer              // nil is Adam with its defaults
	Schedule  optim.Schedule               // learning rate; nil uses the optimiser's own
	Constrain func()                       // called after each step, for constraints such as nn.MaxNorm; may be nil
	Workers   int                          // goroutines for a step; 0 means one per core. Results do not depend on it

	optimizer optim.Optimizer
	params    []*autograd.Var
	tapes     [2]*autograd.Tape // for measuring and for training, whose graphs differ
	batch     Batch
}

// A Batch is the argument of a loss function: some samples on a tape, with methods that report metrics of them.
type Batch struct {
	X      *autograd.Var // inputs [N, ...]; nil if the data has only Tokens
	Tokens []int         // integer inputs, such as tokens; empty if the data has none
	Y      []int         // labels [N]; empty if the data has none
	Target *autograd.Var // target outputs [N, ...]; nil if the data has none
	Weight *autograd.Var // weights of the samples [N]; nil for equal weights

	tape     *autograd.Tape
	recorder *Recorder
}

// Tape returns the tape that the loss is computed on.
func (b *Batch) Tape() *autograd.Tape { return b.tape }

// Len returns the number of samples.
func (b *Batch) Len() int { return b.recorder.samples }

// Training reports whether this is a training step rather than a measurement.
func (b *Batch) Training() bool { return b.tape.Training() }

// Report records a mean over the batch under a name; see [Recorder.Report]. The name "loss" is reserved.
func (b *Batch) Report(name string, mean float64) { b.recorder.Report(name, mean) }

// Error reports, as "error", the share of samples whose largest logit is not at their label. Ties go to the lowest
// class. Samples are weighted if the batch has weights. Error panics unless there is one label for each row of logits.
func (b *Batch) Error(logits *autograd.Var) {
	var weight []float32
	if b.Weight != nil {
		weight = b.Weight.Data()
	}
	b.Report("error", metrics.ErrorRate(logits.Value(), b.Y, weight))
}

// State implements [Learner].
func (g *GradientDescent) State() State {
	if g.Model == nil || g.Loss == nil {
		panic("train: GradientDescent: Model and Loss are required")
	}
	if g.optimizer = g.Optimizer; g.optimizer == nil {
		g.optimizer = &optim.Adam{}
	}
	s := State{Schedule: g.Schedule, Settings: describe(g.optimizer, g.Schedule != nil)}
	model := nn.StateOf(g.Model)
	g.params = model.Params
	for _, p := range model.Params {
		s.Model = append(s.Model, tensor.Named{Name: p.Name, Tensor: p.Value()})
	}
	s.Model = append(s.Model, model.Buffers...)
	s.Streams = model.Streams
	optimizer := g.optimizer.State(g.params)
	s.Memory = optimizer.Slots
	s.Values = []Value{{"steps", &optimizer.Steps}}
	return s
}

// Step implements [Learner]. It allocates nothing in the steady state, after the first steps.
func (g *GradientDescent) Step(b *dataset.Batch, r *Recorder) error {
	if g.Schedule != nil {
		rate := g.Schedule(r.Epoch)
		if math.IsNaN(rate) || math.IsInf(rate, 0) {
			return fmt.Errorf("the schedule gives the learning rate %v at epoch %g", rate, r.Epoch)
		}
		g.optimizer.SetLR(rate)
	}
	loss, err := g.evaluate(b, r, true)
	if err != nil {
		return err
	}
	loss.Tape().Backward(loss)
	g.optimizer.Step(g.params)
	if g.Constrain != nil {
		g.Constrain()
	}
	return nil
}

// Measure implements [Learner]. Dropout and similar layers are switched off.
func (g *GradientDescent) Measure(b *dataset.Batch, r *Recorder) error {
	_, err := g.evaluate(b, r, false)
	return err
}

// tape returns an empty tape for training or for measuring.
func (g *GradientDescent) tape(training bool) *autograd.Tape {
	tape := &g.tapes[0]
	if training {
		tape = &g.tapes[1]
	}
	if *tape == nil {
		*tape = autograd.NewTape(g.Workers)
	}
	(*tape).Reset()
	(*tape).SetTraining(training)
	return *tape
}

// evaluate computes the loss of a batch and reports it.
func (g *GradientDescent) evaluate(b *dataset.Batch, r *Recorder, training bool) (*autograd.Var, error) {
	tape := g.tape(training)
	g.batch = Batch{Tokens: b.Tokens, Y: b.Y, tape: tape, recorder: r}
	if b.X.Len() > 0 {
		g.batch.X = tape.Input(&b.X)
	}
	if b.Target.Len() > 0 {
		g.batch.Target = tape.Input(&b.Target)
	}
	if b.Weight.Len() > 0 {
		g.batch.Weight = tape.Input(&b.Weight)
	}
	loss := g.Loss(&g.batch)
	value := float64(loss.Scalar())
	if math.IsNaN(value) || math.IsInf(value, 0) {
		where, _ := tape.FirstNonFinite()
		return nil, &DivergedError{What: "loss", Value: value, Where: where}
	}
	r.Report("loss", value)
	return loss, nil
}

// describe names an optimiser and its hyper-parameters. It omits the learning rate if a schedule sets it, and zeros of
// fields with the tag `train:"omitempty"`: those that are younger than checkpoints that still fit.
func describe(optimizer any, scheduled bool) string {
	v := reflect.Indirect(reflect.ValueOf(optimizer))
	var s strings.Builder
	s.WriteString(v.Type().String())
	var fields func(v reflect.Value)
	fields = func(v reflect.Value) {
		if v.Kind() != reflect.Struct {
			return
		}
		for i := range v.NumField() {
			f, x := v.Type().Field(i), v.Field(i)
			switch {
			case !f.IsExported() || f.Name == "LR" && scheduled:
			case f.Tag.Get("train") == "omitempty" && x.IsZero():
			case f.Anonymous && x.Kind() == reflect.Interface: // an optimiser inside another
				s.WriteString(" " + describe(x.Interface(), scheduled))
			case f.Anonymous:
				fields(reflect.Indirect(x))
			case x.CanFloat() || x.CanInt() || x.Kind() == reflect.Bool || x.Kind() == reflect.String:
				fmt.Fprintf(&s, " %s=%v", f.Name, x.Interface())
			}
		}
	}
	fields(v)
	return s.String()
}
