// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"context"
	"errors"
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Result is a trained network and the history of its training.
type Result struct {
	Net     *Net
	History *train.History // the training loss includes the penalty
	Metrics Metrics
}

// Train trains the network of a setting and evaluates it on the test images. If ctx is cancelled, the error wraps the
// cause.
//
// The history contains the loss and, for a classifier, the error on the training and validation images. It also
// contains the activity of each hidden layer on the validation images after each epoch, as "hidden 1 l0", "hidden 1 l1"
// and so on; convolutional layers are counted first.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	if err := s.fits(d.Train.X.Shape()[1:]); err != nil {
		return nil, err
	}
	t := newTrainer(s, d)
	history, err := train.Run(ctx, t.config(d, o))
	if err != nil {
		return nil, err
	}
	return &Result{t.net, history, t.measure(history, d)}, nil
}

// A trainer computes the objective of a setting.
type trainer struct {
	Setting
	net    *Net
	names  []string        // of the hidden layers
	layers []*autograd.Var // reused memory
}

func newTrainer(s Setting, d *experiment.Data) *trainer {
	outputs := len(d.Train.Classes)
	if s.Task == Autoencode {
		outputs = d.Train.X.Width()
	}
	t := &trainer{Setting: s, net: NewNet(s, d.Train.X.Shape()[1:], outputs)}
	for i := range s.Layers() {
		t.names = append(t.names, fmt.Sprintf("hidden %d", i+1))
	}
	return t
}

func (t *trainer) config(d *experiment.Data, o experiment.Options) train.Config {
	c := train.Config{
		Learner: &train.GradientDescent{
			Model: t.net, Loss: t.objective, Optimizer: &optim.Adam{LR: 0.001}, Constrain: t.net.constrain,
			Workers: o.Workers,
		},
		Train: d.Train, Valid: d.Valid, Epochs: t.Epochs, BatchSize: 100, Seed: t.Seed,
		Dir: o.Dir, Every: o.Every, Key: t.Setting, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
	if t.Trace {
		c.Trace = []string{"l1"}
	}
	return c
}

// objective returns the cost of a batch and reports the activity.
func (t *trainer) objective(b *train.Batch) *autograd.Var {
	t.layers = t.net.Layers(t.layers[:0], b.X)
	last := len(t.layers) - 1
	hidden, cost := t.layers[:last], t.cost(b, t.layers[last])
	l1 := 0.0
	for i, a := range hidden {
		if !b.Training() {
			sparsity.ReportActivity(b, t.names[i], a.Value())
		}
		if t.Trace {
			l1 += float64(loss.L1(a, 1).Scalar())
		}
		if penalty := t.penalty(i, a); penalty != nil {
			cost = autograd.Add(cost, penalty)
		}
	}
	if t.Trace {
		b.Report("l1", l1)
	}
	return cost
}

// cost returns the cost of the task without the penalty, and reports a classifier's error.
func (t *trainer) cost(b *train.Batch, out *autograd.Var) *autograd.Var {
	if t.Task == Autoencode {
		return loss.MSE(out, autograd.Reshape(b.X, out.Rows(), out.Width()))
	}
	b.Error(out)
	return loss.CrossEntropy(out, b.Y)
}
