// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"errors"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// competition returns the settings of units that compete for digits [KH19].
func competition() hebbian.Config {
	return hebbian.Config{
		Competition: hebbian.Competition{Rule: hebbian.Rule{P: 3}, Delta: 0.3, Scale: hebbian.Largest},
		Data:        glyphs().train, Units: 40, Epochs: 3, BatchSize: 50, Seed: 3,
	}
}

// hebbians records units that learn without labels, and networks on top of them.
func hebbians() []subject {
	units := func(name string, change func(c *hebbian.Config)) subject {
		return subject{name: "hebbian: " + name, record: func(t *testing.T, r *record) {
			c := competition()
			change(&c)
			recordUnits(r, mustLearn(t, c), c)
		}}
	}
	large := units("2000 units, p = 4", func(c *hebbian.Config) {
		c.P, c.Delta, c.Units, c.BatchSize, c.Epochs = 4, 0.4, 2000, 100, 1
	})
	large.large = true
	return []subject{
		large,
		units("p = 3, largest", func(*hebbian.Config) {}),
		units("p = 2, average", func(c *hebbian.Config) {
			c.P, c.Scale, c.Rate = 2, hebbian.Average, optim.Constant(0.02)
		}),
		units("p = 4.5, third rank, R = 2", func(c *hebbian.Config) { c.P, c.R, c.K, c.Delta = 4.5, 2, 3, 0.4 }),
		units("images of unit length, no anti-Hebbian unit", func(c *hebbian.Config) {
			c.P, c.Delta, c.Data = 2, 0, hebbian.UnitLength(glyphs().train)
		}),
		{name: "hebbian: p = 3, resumed", like: "hebbian: p = 3, largest", record: func(t *testing.T, r *record) {
			c := competition()
			recordUnits(r, mustLearnInterrupted(t, c, 1.4), c)
		}},
		{name: "hebbian: read-out of relative features", record: func(t *testing.T, r *record) {
			recordReadOut(t, r, true, 1<<30)
		}},
		{name: "hebbian: read-out with gain, encoded batch by batch", record: func(t *testing.T, r *record) {
			recordReadOut(t, r, false, 0)
		}},
		{name: "hebbian: end to end", record: recordEndToEnd},
	}
}

func mustLearn(t *testing.T, c hebbian.Config) *hebbian.Trained {
	t.Helper()
	trained, err := hebbian.Train(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return trained
}

// mustLearnInterrupted stops once after some epochs: the schedule sees every step.
func mustLearnInterrupted(t *testing.T, c hebbian.Config, epochs float64) *hebbian.Trained {
	t.Helper()
	c.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rate, stopped := optim.Linear(0.04, 0, float64(c.Epochs)), false
	c.Rate = func(epoch float64) float64 {
		if epoch >= epochs && !stopped {
			stopped = true
			cancel()
		}
		return rate(epoch)
	}
	if _, err := hebbian.Train(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatalf("the run that was to be interrupted ended with the error %v", err)
	}
	return mustLearn(t, c)
}

func recordUnits(r *record, trained *hebbian.Trained, c hebbian.Config) {
	bits(r, "weights", trained.Weights.Data())
	r.integers("wins", trained.Wins...)
	for i, e := range trained.Epochs {
		name := []string{"first", "second", "third"}[i] + " epoch: "
		r.numbers(name+"rate, norms", append([]float64{e.Rate}, e.Norms[:]...)...)
		r.integers(name+"dead units", e.Dead)
	}
	r.numbers("norms", c.Rule.PNorms(trained.Weights)...)
	ranks := hebbian.NewLearner(c.Competition, trained.Weights).Compete(glyphs().test.X)
	bits(r, "ranks for test images", ranks)
}

// recordReadOut trains the output layer on features.
func recordReadOut(t *testing.T, r *record, relative bool, bytes int) {
	d := glyphs()
	net := hebbian.NewNet(mustLearn(t, competition()).Weights, 10, 4.5, 0.001, tensor.Stream(3, "output"))
	if net.Relative = relative; !relative {
		net.FitGain(d.train.X)
		r.numbers("gain", net.Gain)
	}
	h, err := train.Run(t.Context(), train.Config{
		Model: net.OutputLayer(), Train: net.Encode(d.train, bytes), Valid: net.Encode(d.valid, bytes), Epochs: 4,
		Optimizer: &optim.Adam{LR: 0.003}, Seed: 3,
		Loss: func(b *train.Batch) *autograd.Var {
			c := net.ReadOut(b.X)
			b.Error(c)
			return loss.Power(c, b.Y, 6)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	recordNet(r, net, h)
}

// recordEndToEnd trains all weights at once.
func recordEndToEnd(t *testing.T, r *record) {
	d := glyphs()
	first := tensor.New(40, 784)
	tensor.Stream(3, "first").Normal(first.Data(), 0, 0.05)
	net := hebbian.NewNet(first, 10, 1, 0.05, tensor.Stream(3, "output"))
	h, err := train.Run(t.Context(), train.Config{
		Model: net, Train: d.train, Valid: d.valid, Epochs: 2, Seed: 3,
		Loss: func(b *train.Batch) *autograd.Var {
			c := net.Forward(b.X)
			b.Error(c)
			return loss.Power(c, b.Y, 2)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	recordNet(r, net, h)
}

func recordNet(r *record, net *hebbian.Net, h *train.History) {
	r.weights("weights", net)
	r.history("run", h, []string{"loss", "error"}, []string{"loss", "error"})
	tape := autograd.NewTape(1)
	bits(r, "outputs for test images", net.Forward(tape.Input(glyphs().test.X)).Data())
}

// biological records the algorithm as [KH19] conceives it, one example at a time, and its solver.
func biological() []subject {
	return []subject{{name: "hebbian: one example at a time", record: func(t *testing.T, r *record) {
		x := hebbian.UnitLength(glyphs().train).X
		w := tensor.New(12, 784)
		tensor.Stream(3, "units").Uniform(w.Data(), 0, 0.08)
		b := hebbian.Biological{
			Rule: hebbian.Rule{P: 2.5}, Inhibition: hebbian.Inhibition{Strength: 0.9},
			G: hebbian.Threshold(0.1, 0.2), TauL: 20,
		}
		for i := range 25 {
			h, err := b.Present(w, x.Row(i))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 || i == 24 {
				r.numbers([]string{"first", "last"}[i/24]+" activities", h...)
			}
		}
		bits(r, "weights", w.Data())
		r.numbers("norms", b.PNorms(w)...)
		currents := b.Currents(w, x.Row(30))
		r.numbers("currents", currents...)
		steps := 0
		h, err := hebbian.Inhibition{Strength: 0.4, Settled: 1e-6}.Settle(currents, func(float64, []float64) { steps++ })
		if err != nil {
			t.Fatal(err)
		}
		r.numbers("settled", h...)
		r.integers("steps of the solver", steps)

		rule, v, one := hebbian.Rule{P: 3, R: 1.5}, []float64{0.8, 0.35, -0.2}, []float64{0.3, 1.2, 0.2}
		reached, err := hebbian.Solver{RelTol: 1e-8}.Integrate(one, 30, func(dw, w []float64) {
			rule.Velocity(dw, w, v, 1)
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.numbers("one unit: time, weights", append([]float64{reached}, one...)...)
		lyapunov := rule.Lyapunov([][]float64{one, v}, v, func(q float64) float64 { return q * q / 2 })
		r.numbers("one unit: current, norm, Q, Lyapunov",
			rule.Current(one, v), rule.Norm(one), rule.Q(one, v), lyapunov)
	}}}
}
