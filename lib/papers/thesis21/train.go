// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Trained is a network and what became of it.
type Trained struct {
	Net      *Net
	History  *train.History // see train.History; the training loss includes the penalty
	Measures Measures
}

// Train trains the network of a setting, with one worker, and measures it on the test images. watch, which may be nil,
// is called after each epoch. If ctx is cancelled the error wraps its cause.
//
// The history has the loss and, of a classifier, the error of the training and validation images; and of the
// validation images the activity of each hidden layer after each epoch, as "hidden 1 l0", "hidden 1 l1" and so on, with
// convolutional layers counted first.
func Train(ctx context.Context, s Setting, d *Data, watch func(*train.Event)) (*Trained, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Data != d.Name() || s.Sum != d.Sum() {
		return nil, fmt.Errorf("thesis21: the setting is for the data %s %s, but these are %s %s: use Setting.On", s.Data, s.Sum, d.Name(), d.Sum())
	}
	if err := s.fits(d.Train.X.Shape()[1:]); err != nil {
		return nil, err
	}
	t := newTrainer(s, d)
	c := t.config(d)
	c.OnEpoch = watch
	history, err := train.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Trained{t.net, history, t.measure(history, d)}, nil
}

// A trainer computes the objective of a setting.
type trainer struct {
	Setting
	net    *Net
	names  []string        // of the hidden layers
	layers []*autograd.Var // memory
}

func newTrainer(s Setting, d *Data) *trainer {
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

func (t *trainer) config(d *Data) train.Config {
	c := train.Config{
		Model: t.net, Loss: t.objective, Train: d.Train, Valid: d.Valid, Constrain: t.net.constrain,
		Epochs: t.Epochs, BatchSize: 100, Optimizer: &optim.Adam{LR: 0.001}, Seed: t.Seed, Workers: 1,
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
		b.Activity(t.names[i], a)
		if t.Trace {
			l1 += float64(loss.L1(a, 1).Scalar())
		}
		if price := t.price(i); price != 0 {
			cost = autograd.Add(cost, penalties[t.Penalty](a, price))
		}
	}
	if t.Trace {
		b.Report("l1", l1)
	}
	return cost
}

// cost returns what the task alone costs, and reports a classifier's error.
func (t *trainer) cost(b *train.Batch, out *autograd.Var) *autograd.Var {
	if t.Task == Autoencode {
		return loss.MeanSquare(out, autograd.Reshape(b.X, out.Rows(), out.Width()))
	}
	b.Error(out)
	return loss.CrossEntropy(out, b.Y)
}
