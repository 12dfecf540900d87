// SPDX-License-Identifier: Apache-2.0

package train

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A scripted learner reports given values of the metric m after each epoch. What it learns is the number of steps.
type scripted struct {
	Metric []float64
	model  *tensor.Tensor
	fail   error
}

func newScripted(metric ...float64) *scripted { return &scripted{metric, tensor.New(1), nil} }

func (s *scripted) Step(_ *dataset.Batch, r *Recorder) error {
	s.model.Data()[0]++
	r.Report("m", s.Metric[int(r.Epoch)])
	return s.fail
}

func (s *scripted) Measure(_ *dataset.Batch, r *Recorder) error {
	r.Report("m", s.Metric[max(0, int(r.Epoch)-1)])
	return s.fail
}

func (s *scripted) State() State {
	return State{Model: []tensor.Named{{Name: "steps", Tensor: s.model}}}
}

// A NaN metric is never the best, whether or not the run is stopped between epochs.
func TestBestEpoch(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		metric       []float64
		patience     int
		epochs, best int
	}{
		{[]float64{nan, 5, 4, 6}, 3, 4, 2},
		{[]float64{nan, nan, 1}, 3, 3, 2},
		{[]float64{5, nan, 4, 6}, 3, 4, 2},
		{[]float64{5, 4, nan, nan}, 3, 4, 1},
		{[]float64{inf, 5, 4, 6}, 3, 4, 2},
		{[]float64{5, -inf, nan, 6}, 3, 4, 1},
		{[]float64{inf, inf}, 0, 2, 0},
		{[]float64{3, 3, 3}, 0, 3, 0},
		{[]float64{1, 2, 3, 0}, 2, 3, 0},
		{[]float64{nan, nan, nan, 1}, 3, 4, 3},
		{[]float64{nan, nan, nan, 1}, 2, 3, 2}, // it never was a number: the last model stays
		{[]float64{5, 4, nan, nan, 1}, 2, 4, 1},
	} {
		for _, stop := range []int{0, 1, 2} {
			config := func(l *scripted) Config {
				return Config{
					Learner: l, Train: blobs(3, 1), Valid: blobs(2, 1), Epochs: len(c.metric), BatchSize: 1,
					Monitor: "m", KeepBest: true, Patience: c.patience, Trace: []string{"m"},
				}
			}
			l := newScripted(c.metric...)
			run := config(l)
			if stop > 0 {
				run.Dir = t.TempDir()
				part := config(newScripted(c.metric...))
				part.Dir, part.Epochs = run.Dir, min(stop, len(c.metric)-1)
				if _, err := Run(t.Context(), part); err != nil {
					t.Fatal(err)
				}
			}
			h, err := Run(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			step, series, trace := int(l.model.Data()[0]), h.ValidSeries("m"), h.Trace["m"]
			if h.Best != c.best || len(h.Epochs) != c.epochs || step != 3*(c.best+1) {
				t.Errorf("%v, patience %d, stopped after %d: best %d of %d epochs, the model of step %d, want %d of %d",
					c.metric, c.patience, stop, h.Best, len(h.Epochs), step, c.best, c.epochs)
			}
			if !slices.EqualFunc(series, c.metric[:c.epochs], same) || len(trace) != 3*c.epochs {
				t.Errorf("%v came back as %v, with a trace %v", c.metric, series, trace)
			}
		}
	}
}

// same compares numbers; NaN equals NaN.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// A learner that reports no loss needs no Monitor unless something depends on it.
func TestLearnerWithoutLoss(t *testing.T) {
	c := Config{Learner: newScripted(1, 2), Train: blobs(3, 1), Valid: blobs(2, 1), Epochs: 2}
	c.OnEpoch = func(e *Event) {
		if !math.IsNaN(e.Loss) {
			t.Errorf("a loss of %v", e.Loss)
		}
	}
	c.OnStep = c.OnEpoch
	if _, err := Run(t.Context(), c); err != nil {
		t.Error(err)
	}
	c.KeepBest = true
	_, err := Run(t.Context(), c)
	fails(t, "KeepBest without a loss", err, `Monitor is "loss", but the learner reports [m] on Valid`)
}

// An error of the learner names the step in which it occurred.
func TestErrorOfALearner(t *testing.T) {
	l := newScripted(1, 2)
	c := Config{Learner: l, Train: blobs(6, 1), Valid: blobs(4, 1), Epochs: 2, BatchSize: 2}
	broken := errors.New("out of ideas")
	c.OnStep = func(e *Event) {
		if e.Step == 4 {
			l.fail = broken
		}
	}
	_, err := Run(t.Context(), c)
	fails(t, "a step", err, "step 5 (epoch 2, batch 2)", broken.Error())
	if !errors.Is(err, broken) {
		t.Errorf("%v does not wrap the learner's error", err)
	}
	_, err = Evaluate(c, c.Valid)
	fails(t, "measuring", err, "measuring batch 1", broken.Error())
}

func TestPatience(t *testing.T) {
	l := newNet().learner()
	c := configOf(l)
	c.Epochs, c.Patience = 50, 2
	l.Optimizer = &optim.SGD{LR: 1e-9}
	l.Schedule = func(epoch float64) float64 { // nothing improves after the first epoch
		if epoch < 1 {
			return 0.1
		}
		return -0.01
	}
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Epochs) != 3 || h.Best != 0 {
		t.Errorf("stopped after %d epochs with the best at %d, want 3 and 0", len(h.Epochs), h.Best)
	}
	c.Monitor = "accuracy"
	_, err = Run(t.Context(), c)
	fails(t, "an unknown metric", err, `[error loss]`)
}

// A schedule that returns NaN gives an error of its own, not a DivergedError.
func TestScheduleWithoutNumber(t *testing.T) {
	for _, rate := range []float64{math.NaN(), math.Inf(1)} {
		n := newNet()
		l := n.learner()
		l.Schedule = func(epoch float64) float64 {
			if epoch < 1 {
				return 0.01
			}
			return rate
		}
		before := len(n.weights())
		_, err := Run(t.Context(), configOf(l))
		fails(t, "schedule", err, "the schedule gives the learning rate", "at epoch 1")
		if w := n.weights(); len(w) != before || slices.ContainsFunc(w, func(w float32) bool { return w != w }) {
			t.Errorf("the weights have gone: %v", w)
		}
	}
}
