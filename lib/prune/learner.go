// SPDX-License-Identifier: Apache-2.0

package prune

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Learner prunes a model while another learner trains it. It is a [train.Learner]. At the start of an epoch it prunes
// what the schedule says; after each step it sets the removed weights to zero again, whatever the optimiser did to
// them; with a [train.GradientDescent] it does so before Constrain, which may average weights. Masks, use and random
// stream are part of its state, so that checkpoints keep them.
//
// It reports "kept", the share of elements that remain, besides what the other learner reports.
type Learner struct {
	Learner train.Learner // trains the model; required
	Layers  []*Layer      // what to prune; required

	Schedule Schedule // when, and how much; nil only keeps the masks
	Score    Score    // which elements; required with a schedule

	// Observe returns the activities of the layers for a batch of inputs, in their order. It is required for the scores
	// by use, and otherwise not called. Network returns one.
	Observe  func(x *autograd.Var) []Activity
	Every    int     // steps from one observation to the next; default 10
	Momentum float64 // of the moving average of the use; default 0.99, as in the published program of [NINAI17]

	// Regrow is the share of the weights that remain which each pruning replaces by removed ones: those with the largest
	// moving average of the gradient, which optimisers with momentum keep also for removed weights [EGMCE20]. 0 for none.
	Regrow float64

	Seed    uint64 // of random scores
	Workers int    // goroutines for observations; 0 means one per core

	rng     *tensor.RNG
	tape    *autograd.Tape
	steps   int  // since the start of the run
	first   bool // the removed weights are zero before Constrain runs
	problem error
}

// Check returns an error that names what is invalid. Step returns it before it does anything else.
func (l *Learner) Check() error {
	var problems []error
	if l.Learner == nil || len(l.Layers) == 0 {
		return errors.New("prune: Learner: Learner and Layers are required")
	}
	problems = append(problems, l.Schedule.Check(len(l.Layers), 0))
	if len(l.Schedule) > 0 {
		if !slices.Contains(Scores(), l.Score) {
			problems = append(problems, fmt.Errorf("prune: Score is %q: want one of %q", l.Score, Scores()))
		}
		if l.byUse() && l.Observe == nil {
			problems = append(problems, fmt.Errorf("prune: the score %q needs Observe", l.Score))
		}
	}
	if !(l.Momentum >= 0 && l.Momentum < 1) {
		problems = append(problems, fmt.Errorf("prune: Momentum is %v: want a number >= 0 and < 1", l.Momentum))
	}
	if !(l.Regrow >= 0 && l.Regrow < 1) {
		problems = append(problems, fmt.Errorf("prune: Regrow is %v: want a number >= 0 and < 1", l.Regrow))
	}
	if l.Every < 0 {
		problems = append(problems, fmt.Errorf("prune: Every is %d: want at least 1, or 0 for the default", l.Every))
	}
	for _, layer := range l.Layers {
		if layer.Weight == nil && (l.Score == Magnitude || l.Score == RelativeUse || l.Regrow > 0) {
			problems = append(problems,
				fmt.Errorf("prune: %s: units have neither magnitude, relative use nor regrowth", layer.Name))
		}
	}
	return errors.Join(problems...)
}

// State implements [train.Learner].
func (l *Learner) State() train.State {
	if l.problem = l.Check(); l.Learner == nil {
		panic("prune: Learner: Learner is required")
	}
	s := l.Learner.State()
	l.rng = tensor.Stream(l.Seed, "pruning")
	l.tape = autograd.NewTape(l.Workers)
	s.Streams = append(slices.Clip(s.Streams), nn.Stream{Name: "pruning", RNG: l.rng})
	s.Values = append(slices.Clip(s.Values), train.Value{Name: "pruning.steps", Of: &l.steps})
	if l.Regrow > 0 {
		l.findGradients(s.Memory)
	}
	if g, ok := l.Learner.(*train.GradientDescent); ok && !l.first {
		l.first = true
		constrain := g.Constrain
		g.Constrain = func() { // which may average weights
			l.mask()
			if constrain != nil {
				constrain()
			}
		}
	}
	for _, layer := range l.Layers {
		ours := func(m tensor.Named) bool { return m.Tensor == layer.Keep } // a gate is part of the model
		if !slices.ContainsFunc(s.Model, ours) {
			s.Model = append(slices.Clip(s.Model), tensor.Named{Name: "keep." + layer.Name, Tensor: layer.Keep})
		}
		if l.observes() {
			s.Memory = append(slices.Clip(s.Memory), tensor.Named{Name: "use." + layer.Name, Tensor: layer.Use})
			s.Values = append(s.Values, train.Value{Name: "observed." + layer.Name, Of: &layer.observed})
		}
	}
	s.Settings = []any{s.Settings, fmt.Sprintf("prune %q by %+v, use every %d steps with momentum %v, regrow %v, seed %d",
		l.Score, l.Schedule, l.every(), l.momentum(), l.Regrow, l.Seed)}
	return s
}

// findGradients finds the moving averages of the weights' gradients in the memory of the optimiser.
func (l *Learner) findGradients(memory []tensor.Named) {
	if g, ok := l.Learner.(*train.GradientDescent); ok && forgets(g.Optimizer) {
		memory = nil
	}
	for _, layer := range l.Layers {
		if layer.Weight == nil {
			continue
		}
		layer.gradient = nil
		for _, m := range memory {
			kind, name, _ := strings.Cut(m.Name, ".")
			if name == layer.Weight.Name && (kind == "velocity" || kind == "mean") {
				layer.gradient = m.Tensor
			}
		}
		if layer.gradient == nil && l.problem == nil {
			l.problem = fmt.Errorf("prune: %s: Regrow needs an optimiser that averages gradients, such as SGD with momentum "+
				"or Adam", layer.Name)
		}
	}
}

// forgets reports whether an optimiser is gradient descent without momentum, whose velocities stay zero.
func forgets(o optim.Optimizer) bool {
	if c, ok := o.(*optim.Clip); ok {
		o = c.Optimizer
	}
	sgd, ok := o.(*optim.SGD)
	return ok && sgd.Momentum == 0
}

func (l *Learner) byUse() bool { return l.Score == Use || l.Score == RelativeUse }

func (l *Learner) observes() bool { return l.byUse() && l.Observe != nil }

func (l *Learner) every() int {
	if l.Every == 0 {
		return 10
	}
	return l.Every
}

func (l *Learner) momentum() float64 {
	if l.Momentum == 0 {
		return 0.99
	}
	return l.Momentum
}

// Step implements [train.Learner]. It allocates nothing in the steady state, between prunings.
func (l *Learner) Step(b *dataset.Batch, r *train.Recorder) error {
	if l.problem != nil {
		return l.problem
	}
	if l.observes() && l.steps%l.every() == 0 {
		if err := l.observe(b); err != nil {
			return err
		}
	}
	l.steps++
	if epoch := math.Floor(r.Epoch); r.Epoch == epoch {
		if err := l.prune(int(epoch)); err != nil {
			return err
		}
	}
	if err := l.Learner.Step(b, r); err != nil {
		return err
	}
	l.mask()
	kept, all := 0.0, 0
	for _, layer := range l.Layers {
		kept, all = kept+float64(simd.Sum(layer.Keep.Data())), all+layer.Keep.Len()
	}
	r.Report("kept", kept/float64(all))
	return nil
}

// mask sets removed weights to zero after a step. Averages of zeros stay zero.
func (l *Learner) mask() {
	for _, layer := range l.Layers {
		if w := layer.Weight; w != nil {
			simd.Mul(w.Data(), w.Data(), layer.Keep.Data())
		}
	}
}

// prune performs the prunings that are due at the start of an epoch.
func (l *Learner) prune(epoch int) error {
	return prune(l.Layers, l.Score, l.rng, l.Regrow, func(i int) (Cut, bool) { return l.Schedule.At(epoch, i) })
}

// observe updates the use of the layers by a batch.
func (l *Learner) observe(b *dataset.Batch) error {
	l.tape.Reset()
	found := l.Observe(l.tape.Input(&b.X))
	if len(found) != len(l.Layers) {
		return fmt.Errorf("prune: Observe returns %d activities for %d layers: want one for each, in their order",
			len(found), len(l.Layers))
	}
	for i, a := range found {
		l.Layers[i].Observe(a, l.momentum())
	}
	return nil
}

// Measure implements [train.Learner].
func (l *Learner) Measure(b *dataset.Batch, r *train.Recorder) error {
	if l.problem != nil {
		return l.problem
	}
	return l.Learner.Measure(b, r)
}

// BeginEpoch implements [train.EpochLearner].
func (l *Learner) BeginEpoch() {
	if e, ok := l.Learner.(train.EpochLearner); ok {
		e.BeginEpoch()
	}
}

// EndEpoch implements [train.EpochLearner].
func (l *Learner) EndEpoch(r *train.Recorder) error {
	if e, ok := l.Learner.(train.EpochLearner); ok {
		return e.EndEpoch(r)
	}
	return nil
}
