// SPDX-License-Identifier: Apache-2.0

package kh19

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/train"
)

// Metrics are the results of a setting. Errors are fractions of images.
type Metrics struct {
	TrainError  float64   `json:"trainError"`  // measured during the last epoch of training
	TestError   float64   `json:"testError"`   // on the evaluation images, after the last epoch
	TrainErrors []float64 `json:"trainErrors"` // training error of each pass
	TestErrors  []float64 `json:"testErrors"`

	// Of the hidden layer, after training without labels; zero for a network trained end to end.
	Dead     int     `json:"dead"`     // units that won no image in the last pass
	Norm     float64 `json:"norm"`     // median p-norm of the units' weights; learning drives it to 1
	Largest  float64 `json:"largest"`  // largest weight
	Smallest float64 `json:"smallest"` // most negative weight
}

// A Result is a trained network and the history of its training.
type Result struct {
	Net      *hebbian.Net
	Features *train.History // of the hidden layer (metrics: see hebbian.Learner); nil end to end
	Wins     []int          // images that each hidden unit won in the last pass
	History  *train.History // of training with labels, validated on the evaluation images
	Metrics  Metrics
}

// Train trains the network of a setting. It first trains the hidden layer without labels, then computes its features
// once and trains the classifier on them; with EndToEnd it trains all weights together. If ctx is cancelled, the error
// wraps the cause.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	r := &Result{}
	images := &experiment.Data{}
	images.Train, images.Test = s.Labelled(d)
	if s.EndToEnd {
		r.Net = s.Network(nil, d.Train)
		err := r.learn(ctx, s, r.Net, r.Net.Forward, s.Inputs(images.Train), s.Inputs(images.Test), o)
		return r, err
	}
	hidden, err := r.learnFeatures(ctx, s, d.Train, o)
	if err != nil {
		return r, err
	}
	r.Net = s.Network(hidden.Weights(), d.Train)
	const bytes = 2 << 30 // memory limit for keeping the features of all images
	code := func(set *dataset.Set) train.Data { return r.Net.Encode(s.Inputs(set), bytes) }
	err = r.learn(ctx, s, r.Net.OutputLayer(), r.Net.ReadOut, code(images.Train), code(images.Test), o)
	return r, err
}

// learnFeatures trains the hidden layer on all training images.
func (r *Result) learnFeatures(ctx context.Context, s Setting, set *dataset.Set, o experiment.Options) (
	*hebbian.Learner, error) {
	l := s.Learner(set.X.Width())
	l.Workers = o.Workers
	c := train.Config{
		Learner: l, Train: s.Inputs(set), Epochs: s.Passes(s.Features.Epochs), Seed: s.Seed,
		Dir: below(o.Dir, "features"), Every: o.Every, Key: s, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
	var err error
	if r.Features, err = train.Run(ctx, c); err != nil {
		return nil, err
	}
	last := r.Features.Epochs[len(r.Features.Epochs)-1].Train
	w := l.Weights().Data()
	r.Wins = l.Wins()
	r.Metrics = Metrics{
		Dead: int(last["dead"]), Norm: last["norm median"],
		Largest: float64(slices.Max(w)), Smallest: float64(slices.Min(w)),
	}
	return l, nil
}

// learn trains a model with labels.
func (r *Result) learn(ctx context.Context, s Setting, model any, outputs func(*autograd.Var) *autograd.Var,
	learn, judge train.Data, o experiment.Options) error {
	c := train.Config{
		Learner: &train.GradientDescent{
			Model: model, Schedule: s.Schedule(), Workers: o.Workers,
			Loss: func(b *train.Batch) *autograd.Var {
				c := outputs(b.X)
				b.Error(c)
				return loss.Power(c, b.Y, s.LossPower)
			},
		},
		Train: learn, Valid: judge, Epochs: s.Passes(s.Epochs), BatchSize: s.Batch, Seed: s.Seed,
		Dir: below(o.Dir, "labels"), Every: o.Every, Key: s, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
	var err error
	if r.History, err = train.Run(ctx, c); err != nil {
		return err
	}
	m := &r.Metrics
	m.TrainErrors, m.TestErrors = r.History.TrainSeries("error"), r.History.ValidSeries("error")
	m.TrainError, m.TestError = m.TrainErrors[len(m.TrainErrors)-1], m.TestErrors[len(m.TestErrors)-1]
	return nil
}

// below returns the path of a subfolder of dir, or "" if dir is "".
func below(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}
