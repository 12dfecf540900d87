// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// layers records networks that are composed of layers and trained directly by package train, with every optimiser,
// schedule and option.
func layers() []subject {
	lwta := func(rng *tensor.RNG) nn.Sequential {
		return nn.Sequential{
			nn.NewDense(784, 32, nn.He, rng),
			nn.Func(func(z *autograd.Var) *autograd.Var { return competitive.LWTA(z, 2) }),
			nn.NewDense(32, 10, nn.Xavier, rng),
		}
	}
	kwta := func(rng *tensor.RNG) nn.Sequential {
		return nn.Sequential{
			nn.NewDropout(0.2, tensor.Stream(7, "dropout")), nn.NewDense(784, 32, nn.Normal(0.05), rng),
			nn.Func(func(z *autograd.Var) *autograd.Var { return competitive.KWTA(z, 8) }),
			nn.NewDense(32, 10, nn.UniformRange(0.1), rng),
		}
	}
	convolutional := func(rng *tensor.RNG) nn.Sequential {
		pool := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
		relu := nn.Func(autograd.ReLU)
		return nn.Sequential{
			nn.NewConv2D(1, 4, 3, 3, autograd.ConvShape{}, nn.He, rng), nn.NewBatchNorm(4), relu, pool, // [N, 4, 13, 13]
			nn.NewConvTranspose2D(4, 3, 2, 2, autograd.ConvShape{}, nn.He, rng), nn.NewBatchNorm(3), relu, pool, // [N, 3, 7, 7]
			nn.NewDense(3*7*7, 10, nn.Uniform, rng),
		}
	}
	plain := func(o optim.Optimizer, s optim.Schedule) train.Config {
		return train.Config{Learner: &train.GradientDescent{Optimizer: o, Schedule: s}, Epochs: 2}
	}
	full := func() train.Config {
		return train.Config{
			Learner: &train.GradientDescent{Optimizer: &optim.Adam{LR: 0.01}},
			Epochs:  6, BatchSize: 70, Monitor: "error", Patience: 2, KeepBest: true, Trace: []string{"loss"},
		}
	}
	network := func(build func(rng *tensor.RNG) nn.Sequential, config func() train.Config) func(*testing.T, *record) {
		return func(t *testing.T, r *record) { trainLayers(t, r, build(tensor.Stream(7, "weights")), config(), 0) }
	}
	return []subject{
		{name: "layers: lwta, sgd", record: network(lwta, func() train.Config {
			return plain(&optim.SGD{Momentum: 0.9, WeightDecay: 0.001}, optim.Linear(0.05, 0.01, 2))
		})},
		{name: "layers: lwta, nesterov", record: network(lwta, func() train.Config {
			return plain(&optim.SGD{Momentum: 0.9, Nesterov: true}, optim.Cosine(0.05, 2))
		})},
		{name: "layers: kwta, rmsprop", record: network(kwta, func() train.Config {
			return plain(&optim.RMSProp{}, optim.Exponential(0.002, 0.7, 0.001))
		})},
		{name: "layers: convolutional, adam", record: network(convolutional, func() train.Config {
			return plain(&optim.Adam{WeightDecay: 0.0001},
				optim.Steps(optim.Step{Epoch: 0, Rate: 0.01}, optim.Step{Epoch: 1, Rate: 0.001}))
		})},
		{name: "layers: all of a run", record: network(convolutional, full)},
		{name: "layers: all of a run, resumed", like: "layers: all of a run", record: func(t *testing.T, r *record) {
			trainLayers(t, r, convolutional(tensor.Stream(7, "weights")), full(), 20)
		}},
	}
}

// trainLayers trains a network, in two parts if stop is the number of steps after which to interrupt it.
func trainLayers(t *testing.T, r *record, net nn.Sequential, c train.Config, stop int) {
	d := glyphs()
	last := len(net) - 1
	c.Train, c.Valid, c.Seed = d.train, d.valid, 7
	l := c.Learner.(*train.GradientDescent)
	l.Model, l.Constrain = net, func() { nn.MaxNorm(net[last].(*nn.Dense).Weight, 1) }
	l.Loss = func(b *train.Batch) *autograd.Var {
		h := net[:last].Forward(b.X)
		if !b.Training() {
			sparsity.ReportActivity(b, "features", h.Value())
		}
		logits := net[last].Forward(h)
		b.Error(logits)
		return autograd.Add(loss.CrossEntropy(logits, b.Y), loss.L1(h, 0.001))
	}
	var h *train.History
	run := func(ctx context.Context) (err error) {
		h, err = train.Run(ctx, c)
		return err
	}
	if stop == 0 {
		if err := run(t.Context()); err != nil {
			t.Fatal(err)
		}
	} else {
		c.Dir = t.TempDir()
		interrupted(t, stop, run)
	}
	r.weights("weights", net)
	r.history("run", h, []string{"loss", "error"}, []string{"loss", "error", "features l0", "features l1"})
	if trace := h.Trace["loss"]; len(c.Trace) > 0 {
		bits(r, "loss of every step", trace)
	}
	m, err := train.Evaluate(c, d.test)
	if err != nil {
		t.Fatal(err)
	}
	r.numbers("test loss, error", m["loss"], m["error"])
}
