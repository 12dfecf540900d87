// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"context"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A competition is a training run of units that compete for digits [KH19].
type competition struct {
	hebbian.Competition
	train.Config
	units int
	rate  optim.Schedule
}

func newCompetition() competition {
	return competition{
		Competition: hebbian.Competition{Rule: hebbian.Rule{P: 3}, Delta: 0.3, Scale: hebbian.MaxNormalised},
		Config:      train.Config{Train: glyphs().train, Epochs: 3, BatchSize: 50, Seed: 3},
		units:       40,
	}
}

// hebbians records units that learn without labels, and networks on top of them.
func hebbians() []subject {
	units := func(name string, change func(c *competition)) subject {
		return subject{name: "hebbian: " + name, record: func(t *testing.T, r *record) {
			c := newCompetition()
			change(&c)
			recordUnits(t, r, c)
		}}
	}
	large := units("2000 units, p = 4", func(c *competition) {
		c.P, c.Delta, c.units, c.BatchSize, c.Epochs = 4, 0.4, 2000, 100, 1
	})
	large.large = true
	return []subject{
		large,
		units("p = 3, largest", func(*competition) {}),
		units("p = 2, average", func(c *competition) {
			c.P, c.Scale, c.rate = 2, hebbian.Average, optim.Constant(0.02)
		}),
		units("p = 4.5, third rank, R = 2", func(c *competition) { c.P, c.R, c.K, c.Delta = 4.5, 2, 3, 0.4 }),
		units("images of unit length, no anti-Hebbian unit", func(c *competition) {
			c.P, c.Delta, c.Train = 2, 0, hebbian.UnitLength(glyphs().train)
		}),
		{name: "hebbian: p = 3, resumed", like: "hebbian: p = 3, largest", record: func(t *testing.T, r *record) {
			c := newCompetition()
			c.Dir = t.TempDir()
			recordUnits(t, r, c)
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

// learn runs a competition. If it has a folder for checkpoints, it is stopped in the second epoch and resumed.
func (c competition) learn(t *testing.T) (l *hebbian.Learner, h *train.History) {
	t.Helper()
	if c.rate == nil {
		c.rate = optim.Linear(0.04, 0, float64(c.Epochs))
	}
	run := func(ctx context.Context) (err error) {
		l = hebbian.NewLearner(c.Competition, hebbian.NewWeights(c.units, 784, c.Seed))
		l.Rate, c.Learner = c.rate, l
		h, err = train.Run(ctx, c.Config)
		return err
	}
	if c.Dir != "" {
		interrupted(t, 28, run)
	} else if err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l, h
}

func recordUnits(t *testing.T, r *record, c competition) {
	l, h := c.learn(t)
	bits(r, "weights", l.Weights().Data())
	r.integers("wins", l.Wins()...)
	for i, e := range h.Epochs {
		name := []string{"first", "second", "third"}[i] + " epoch: "
		m := e.Train
		r.numbers(name+"rate, norms", m["rate"], m["norm min"], m["norm 10%"], m["norm median"], m["norm 90%"], m["norm max"])
		r.integers(name+"dead units", int(m["dead"]))
	}
	r.numbers("norms", c.PNorms(l.Weights())...)
	ranks := hebbian.NewLearner(c.Competition, l.Weights()).Compete(glyphs().test.X)
	bits(r, "ranks for test images", ranks)
}

// recordReadOut trains the output layer on features.
func recordReadOut(t *testing.T, r *record, relative bool, bytes int) {
	d := glyphs()
	l, _ := newCompetition().learn(t)
	net := hebbian.NewNet(l.Weights(), 10, 4.5, 0.001, tensor.Stream(3, "output"))
	if net.Relative = relative; !relative {
		net.FitGain(d.train.X)
		r.numbers("gain", net.Gain)
	}
	h, err := train.Run(t.Context(), train.Config{
		Learner: &train.GradientDescent{
			Model: net.OutputLayer(), Optimizer: &optim.Adam{LR: 0.003},
			Loss: func(b *train.Batch) *autograd.Var {
				c := net.ReadOut(b.X)
				b.Error(c)
				return loss.Power(c, b.Y, 6)
			},
		},
		Train: net.Encode(d.train, bytes), Valid: net.Encode(d.valid, bytes), Epochs: 4, Seed: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	recordNet(r, net, h)
}

// recordEndToEnd trains all weights together.
func recordEndToEnd(t *testing.T, r *record) {
	d := glyphs()
	first := tensor.New(40, 784)
	tensor.Stream(3, "first").Normal(first.Data(), 0, 0.05)
	net := hebbian.NewNet(first, 10, 1, 0.05, tensor.Stream(3, "output"))
	h, err := train.Run(t.Context(), train.Config{
		Learner: &train.GradientDescent{
			Model: net,
			Loss: func(b *train.Batch) *autograd.Var {
				c := net.Forward(b.X)
				b.Error(c)
				return loss.Power(c, b.Y, 2)
			},
		},
		Train: d.train, Valid: d.valid, Epochs: 2, Seed: 3,
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

// biological records the algorithm in its original form in [KH19], with one example at a time, and its solver.
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
			h, err := b.Update(w, x.Row(i))
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
		h, err := hebbian.Inhibition{Strength: 0.4, Settled: 1e-6}.SteadyState(currents, func(float64, []float64) { steps++ })
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
