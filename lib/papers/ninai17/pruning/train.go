// SPDX-License-Identifier: Apache-2.0

package pruning

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Metrics are the results of a setting. Errors and shares are fractions. No epoch is chosen by an error: each is that
// after the last epoch of a training.
type Metrics struct {
	Base   StageMetrics   `json:"base"`   // before pruning
	Stages []StageMetrics `json:"stages"` // after each stage
}

// StageMetrics are the measurements after a training.
type StageMetrics struct {
	Error  float64 `json:"error"`           // on the test images
	Valid  float64 `json:"valid,omitempty"` // on the validation images, if there are any
	Weight int     `json:"weights"`         // weights that are not zero
	// Kept is the share that remains in each pruned layer.
	Kept []float64 `json:"kept"`
	// Active is the share of active units of each layer after pooling, and TopDown the share of active elements of each
	// rendered template before it is convolved, over 2000 test images; TopDown is for the DRMM only.
	Active  []float64 `json:"active"`
	TopDown []float64 `json:"topDown,omitempty"`
}

// A Result is a pruned network and those on the way to it.
type Result struct {
	LeNet   []nn.Sequential // before pruning and after each stage; nil for a DRMM
	DRMM    []*drmm.Net     // the same for a DRMM
	History []*train.History
	Metrics Metrics
}

// measured is the number of test images for the shares of active units.
const measured = 2000

// Train trains the base of a setting, then prunes and retrains it stage by stage. With o.Dir, each training keeps
// checkpoints: a killed call resumes, and settings with the same base share it, in a folder beside o.Dir.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	if s.Net == FiveLevel {
		return trainDRMM(ctx, s, d, o)
	}
	return trainLeNet(ctx, s, d, o)
}

// below returns the options of one training of several: its folder is a subfolder.
func below(o experiment.Options, name string) experiment.Options {
	if o.Dir != "" {
		o.Dir = filepath.Join(o.Dir, name)
	}
	return o
}

// shared calls do with the folder of a base, which all settings with an equal key share. One process trains it while
// others wait.
func shared(ctx context.Context, o experiment.Options, key any, do func(o experiment.Options) error) error {
	if o.Dir == "" {
		return do(o)
	}
	text, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("pruning: the base cannot be written as JSON: %w", err)
	}
	sum := sha256.Sum256(text)
	o.Dir = filepath.Join(filepath.Dir(o.Dir), fmt.Sprintf("base-%x", sum[:8]))
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o777); err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	lock, err := durable.AcquireWait(ctx, o.Dir+"-turn", nil)
	if err != nil {
		return fmt.Errorf("pruning: waiting for the base network: %w", err)
	}
	defer lock.Release()
	return do(o)
}

// config returns the training of a LeNet-5 with labels.
func config(s Setting, net nn.Sequential, d *experiment.Data, o experiment.Options) (
	train.Config, *train.GradientDescent,
) {
	g := &train.GradientDescent{
		Model: net, Optimizer: &optim.SGD{Momentum: 0.9, WeightDecay: 5e-4}, Workers: o.Workers,
		Loss: func(b *train.Batch) *autograd.Var {
			logits := net.Forward(b.X)
			b.Error(logits)
			return loss.CrossEntropy(logits, b.Y)
		},
	}
	return train.Config{
		Learner: g, Train: d.Train, Valid: d.Test, BatchSize: 64, Seed: s.Seed, Dir: o.Dir, Every: o.Every,
		OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}, g
}

func trainLeNet(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	net := NewLeNet5(len(d.Train.Classes), tensor.Stream(s.Seed, "weights"))
	r := &Result{}
	base := Setting{Source: s.Source, Net: s.Net, Base: s.Base, Seed: s.Seed}
	err := shared(ctx, o, base, func(o experiment.Options) error {
		c, g := config(s, net, d, o)
		c.Epochs, g.Schedule, c.Key = s.Base.Epochs, optim.Cosine(s.Base.Rate, float64(s.Base.Epochs)), base
		h, err := train.Run(ctx, c)
		r.History = append(r.History, h)
		return err
	})
	if err != nil {
		return r, err
	}
	layers, observe := prune.Network(net)
	if s.Units {
		net = Gated(net)
		layers, observe = prune.GatedNetwork(net)
	}
	r.Metrics.Base = r.leNet(net, layers, d)
	if s.Score == prune.Use || s.Score == prune.RelativeUse {
		observeAll(layers, observe, d.Train)
	}
	for i, stage := range s.Stages {
		c, g := config(s, net, d, below(o, fmt.Sprintf("stage%d", i+1)))
		g.Schedule = optim.Cosine(s.Rate, float64(stage.Epochs))
		c.Learner, c.Epochs, c.Key = s.learner(i, g, layers, observe, o), stage.Epochs, s
		h, err := train.Run(ctx, c)
		if r.History = append(r.History, h); err != nil {
			return r, err
		}
		r.Metrics.Stages = append(r.Metrics.Stages, r.leNet(net, layers, d))
	}
	return r, nil
}

// learner returns the learner of a stage.
func (s Setting) learner(
	stage int, l train.Learner, layers []*prune.Layer, observe func(*autograd.Var) []prune.Activity, o experiment.Options,
) *prune.Learner {
	now := s.Stages[stage]
	schedule := prune.Once(0, now.Keep...)
	if now.Spread > 1 {
		schedule = prune.Gradual(0, now.Spread-1, now.Keep...)
	}
	return &prune.Learner{
		Learner: l, Layers: layers, Schedule: schedule, Score: s.Score, Observe: observe, Regrow: s.Regrow,
		Seed: s.Seed + uint64(stage)<<32, Workers: o.Workers,
	}
}

// observeAll counts the use of all layers on the first training images, before the first pruning.
func observeAll(layers []*prune.Layer, observe func(*autograd.Var) []prune.Activity, set *dataset.Set) {
	tape := autograd.NewTape(0)
	const batch = 100
	for i := 0; i+batch <= min(set.Len(), 5000); i += batch {
		tape.Reset()
		for j, a := range observe(tape.Input(set.X.Slice(i, i+batch))) {
			layers[j].Observe(a, 0.99)
		}
	}
}

// leNet measures a LeNet-5 and keeps a copy of it.
func (r *Result) leNet(net nn.Sequential, layers []*prune.Layer, d *experiment.Data) StageMetrics {
	m := StageMetrics{Error: errorOf(net, d.Test), Active: PooledActivity(net, some(d.Test))}
	if d.Valid != nil {
		m.Valid = errorOf(net, d.Valid)
	}
	for _, l := range layers {
		m.Kept = append(m.Kept, l.Share())
	}
	m.Weight = weights(net)
	r.LeNet = append(r.LeNet, clone(net))
	return m
}

// some returns the first test images.
func some(set *dataset.Set) *tensor.Tensor { return set.X.Slice(0, min(measured, set.Len())) }

// errorOf returns the share of images that a network gets wrong.
func errorOf(net nn.Module, set *dataset.Set) float64 {
	m, err := train.Evaluate(train.Config{Learner: &train.GradientDescent{
		Model: net, Loss: func(b *train.Batch) *autograd.Var {
			logits := net.Forward(b.X)
			b.Error(logits)
			return loss.CrossEntropy(logits, b.Y)
		}}}, set)
	if err != nil { // the logits are not finite
		return 1
	}
	return m["error"]
}

// weights returns the number of weights, without biases, that are not zero.
func weights(model any) (n int) {
	for _, p := range nn.Params(model) {
		if len(p.Shape()) < 2 {
			continue
		}
		for _, w := range p.Data() {
			if w != 0 {
				n++
			}
		}
	}
	return n
}

// clone returns a copy of a LeNet-5.
func clone(net nn.Sequential) nn.Sequential {
	copied := make(nn.Sequential, len(net))
	param := func(v *autograd.Var) *autograd.Var { return autograd.NewParam(v.Value().Clone()) }
	for i, m := range net {
		switch m := m.(type) {
		case *nn.Conv2D:
			copied[i] = &nn.Conv2D{Weight: param(m.Weight), Bias: param(m.Bias), Shape: m.Shape}
		case *nn.Dense:
			copied[i] = &nn.Dense{Weight: param(m.Weight), Bias: param(m.Bias)}
		case *nn.Gate:
			copied[i] = &nn.Gate{Mask: m.Mask.Clone()}
		default:
			copied[i] = m
		}
	}
	return copied
}
