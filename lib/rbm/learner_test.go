// SPDX-License-Identifier: Apache-2.0

package rbm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/optim"
	. "github.com/lateral-ml/lateral/lib/rbm"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// bars returns images of 3x3 pixels with bars or stripes, each image of the 14 several times.
func bars(repeat int) *dataset.Set {
	x := tensor.New(14*repeat, 9)
	for n := range x.Rows() {
		pattern, across := n%14%7+1, n%14 >= 7 // neither empty nor, as both kinds have it, full twice
		if pattern == 7 && across {
			pattern = 0
		}
		for i := range 9 {
			line := i % 3
			if across {
				line = i / 3
			}
			x.Set(float32(pattern>>line&1), n, i)
		}
	}
	return &dataset.Set{X: x}
}

// record is what a step writes to.
func record(t *testing.T, l train.Learner, x *tensor.Tensor, steps int) {
	t.Helper()
	_, err := train.Run(t.Context(), train.Config{
		Learner: l, Train: &dataset.Set{X: x}, Epochs: steps, BatchSize: x.Rows(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The expected change of a step is the gradient of the log-likelihood. Both terms are sums over all states of a tiny
// machine here, and the estimate has so many chains, so long, that little noise is left.
func TestGradient(t *testing.T) {
	const visible, hidden, chains = 4, 3, 40_000
	data := tensor.From([]float32{1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0}, 3, visible)
	many := tensor.New(chains-chains%3, visible) // the same samples many times, for as many chains
	for i := range many.Rows() {
		copy(many.Row(i), data.Row(i%3))
	}
	for name, l := range map[string]*Learner{
		"persistent": {Persistent: true, Chains: chains, Steps: 30}, "CD-30": {Steps: 30},
	} {
		m := random(visible, hidden, 6)
		d, vs, hs := enumerate(m), states(visible), states(hidden)
		want := Machine{tensor.New(hidden, visible), tensor.New(visible), tensor.New(hidden)}
		add := func(scale float64, v, h []float32) {
			for i, v := range v {
				want.VisibleBias.Data()[i] += float32(scale * float64(v))
				for j, h := range h {
					want.Weights.Row(j)[i] += float32(scale * float64(v) * float64(h))
				}
			}
			for j, h := range h {
				want.HiddenBias.Data()[j] += float32(scale * float64(h))
			}
		}
		features := m.Features(data)
		for i := range data.Rows() {
			add(1.0/3, data.Row(i), features.Row(i))
		}
		for s, row := range d.joint {
			for u, p := range row {
				add(-p, vs.Row(s), hs.Row(u))
			}
		}
		x := many
		if l.Persistent {
			x = data
		}
		before := Machine{m.Weights.Clone(), m.VisibleBias.Clone(), m.HiddenBias.Clone()}
		l.Machine, l.Rate = m, optim.Constant(1)
		record(t, l, x, 1)
		for what, pair := range map[string][3]*tensor.Tensor{
			"weight":       {m.Weights, before.Weights, want.Weights},
			"visible bias": {m.VisibleBias, before.VisibleBias, want.VisibleBias},
			"hidden bias":  {m.HiddenBias, before.HiddenBias, want.HiddenBias},
		} {
			for i, after := range pair[0].Data() {
				got := float64(after - pair[1].Data()[i])
				near(t, fmt.Sprintf("%s: the change of %s %d", name, what, i), got, float64(pair[2].Data()[i]),
					5*0.5/math.Sqrt(chains))
			}
		}
	}
}

// Momentum and weight decay change what a step does as the equations say. With a single hidden unit that is always on,
// and chains that are always the same, the gradient is known.
func TestMomentumAndDecay(t *testing.T) {
	m := New(2, 1, 1)
	copy(m.Weights.Data(), []float32{0.5, -0.25})
	copy(m.VisibleBias.Data(), []float32{100, -100}) // fantasies are 1, 0
	m.HiddenBias.Data()[0] = 100
	l := &Learner{Machine: m, Rate: optim.Constant(0.1), Momentum: 0.5, WeightDecay: 0.2}
	x := tensor.From([]float32{0.25, 0.75}, 1, 2)
	w, v := []float64{0.5, -0.25}, []float64{0, 0}
	bias, speed := 100.0, 0.0
	for range 3 {
		record(t, l, x, 1)
		for i, gradient := range []float64{0.25 - 1, 0.75 - 0} {
			v[i] = 0.5*v[i] + gradient - 0.2*w[i]
			w[i] += 0.1 * v[i]
		}
		speed = 0.5*speed + 0.25 - 1
		bias += 0.1 * speed
		for i, want := range w {
			near(t, "a weight", float64(m.Weights.Data()[i]), want, 1e-6)
		}
		near(t, "a visible bias", float64(m.VisibleBias.Data()[0]), bias, 1e-4)
		near(t, "the hidden bias", float64(m.HiddenBias.Data()[0]), 100, 1e-4)
	}
}

// The exact log-likelihood rises in training, with every kind of chain.
func TestLikelihoodRises(t *testing.T) {
	data := bars(20)
	for name, l := range map[string]*Learner{
		"CD-1": {}, "CD-5": {Steps: 5, Momentum: 0.5}, "persistent": {Persistent: true, WeightDecay: 1e-4},
	} {
		m := New(9, 12, 1)
		m.CentreOn(data.X)
		l.Machine, l.Rate = m, optim.Linear(0.1, 0.001, 600)
		likelihood := func() float64 {
			logZ, err := m.LogPartition()
			if err != nil {
				t.Fatal(err)
			}
			return m.LogLikelihood(data.X, logZ)
		}
		trace := []float64{likelihood()}
		_, err := train.Run(t.Context(), train.Config{
			Learner: l, Train: data, Valid: data, Epochs: 600, BatchSize: 20, Monitor: "negative pseudo-likelihood",
			OnEpoch: func(e *train.Event) {
				if e.Epoch%200 == 0 {
					trace = append(trace, likelihood())
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: log-likelihood %.3f", name, trace)
		const noise = 0.05 // of the estimate of the gradient, and with it of the likelihood
		falls := false
		for i := range trace[1:] {
			falls = falls || trace[i+1] < trace[i]-noise
		}
		if falls || trace[3] < trace[0]+2 || trace[3] > -math.Log(14) {
			t.Errorf("%s: the log-likelihood is %.3f; 14 patterns allow %.3f", name, trace, -math.Log(14))
		}
	}
}

// settings are those of learners whose state differs.
func settings() map[string]Learner {
	return map[string]Learner{
		"CD-2":       {Steps: 2, Momentum: 0.9},
		"persistent": {Persistent: true, Chains: 7, WeightDecay: 0.01},
		"lifetime":   {Share: 0.3, Momentum: 0.5},
	}
}

// A training that is interrupted, within an epoch, and resumed in a new learner ends with the same bits.
func TestInterruptAndResume(t *testing.T) {
	for name, setting := range settings() {
		run := func(dir string, ctx context.Context, onStep func(*train.Event)) (*Machine, error) {
			l := setting
			l.Machine, l.Rate, l.Seed = New(9, 8, 1), optim.Linear(0.1, 0.01, 4), 5
			_, err := train.Run(ctx, train.Config{
				Learner: &l, Train: bars(10), Epochs: 4, BatchSize: 30, Dir: dir, Every: time.Nanosecond, OnStep: onStep,
			})
			return l.Machine, err
		}
		want, err := run("", t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		dir, interruptions := t.TempDir()+"/run", 0
		for at := 3; ; at += 4 {
			ctx, cancel := context.WithCancel(t.Context())
			got, err := run(dir, ctx, func(e *train.Event) {
				if e.Step >= at {
					cancel()
				}
			})
			cancel()
			if err == nil {
				for i, part := range []*tensor.Tensor{got.Weights, got.VisibleBias, got.HiddenBias} {
					same := []*tensor.Tensor{want.Weights, want.VisibleBias, want.HiddenBias}[i]
					if !slices.Equal(part.Data(), same.Data()) {
						t.Errorf("%s: part %d differs after %d interruptions", name, i, interruptions)
					}
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			interruptions++
		}
		if interruptions < 3 {
			t.Errorf("%s: %d interruptions", name, interruptions)
		}
		if entries, _ := os.ReadDir(dir); len(entries) == 0 {
			t.Errorf("%s: no checkpoint", name)
		}
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	for name, setting := range settings() {
		var first *Machine
		for _, workers := range []int{1, 2, 5} {
			l := setting
			l.Machine, l.Rate, l.Workers = New(300, 211, 1), optim.Constant(0.1), workers
			x := tensor.New(120, 300)
			tensor.Stream(1, "pixels").Uniform(x.Data(), 0, 1)
			record(t, &l, x, 3)
			if first == nil {
				first = l.Machine
			} else if !slices.Equal(first.Weights.Data(), l.Machine.Weights.Data()) {
				t.Errorf("%s: %d workers find other weights", name, workers)
			}
		}
	}
}

// Neither a step nor a measurement changes its batch.
func TestInputsStayAsTheyAre(t *testing.T) {
	for name, l := range settings() {
		l.Machine, l.Rate = New(9, 8, 1), optim.Constant(0.1)
		data := bars(5)
		before := data.X.Clone()
		_, err := train.Run(t.Context(), train.Config{
			Learner: &l, Train: data, Valid: data, Epochs: 1, BatchSize: 70,
		})
		if err != nil {
			t.Fatal(err)
		}
		var b dataset.Batch
		b.X.View(data.X, data.X.Shape()...)
		for _, do := range []func(*dataset.Batch, *train.Recorder) error{l.Step, l.Measure} {
			if err := do(&b, &train.Recorder{}); err != nil {
				t.Fatal(err)
			}
		}
		m := l.Machine
		m.Sample(data.X, 2, tensor.Stream(1, "sample"))
		m.PseudoLikelihood(data.X, tensor.Stream(1, "units"))
		m.CentreOn(data.X)
		if !slices.Equal(data.X.Data(), before.Data()) {
			t.Errorf("%s: the inputs changed", name)
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for name, l := range settings() {
		l.Machine, l.Rate = New(300, 200, 1), optim.Constant(0.1)
		b := &dataset.Batch{X: *tensor.New(100, 300)}
		tensor.Stream(1, "pixels").Uniform(b.X.Data(), 0, 1)
		measured := -1.0
		step := recorded{Learner: &l, do: func(r *train.Recorder) {
			for range 3 {
				_ = l.Step(b, r)
			}
			measured = testing.AllocsPerRun(20, func() { _ = l.Step(b, r) })
		}}
		record(t, &step, &b.X, 1)
		if measured != 0 {
			t.Errorf("%s: a step allocates %v times", name, measured)
		}
	}
}

// recorded is a learner that gives away the recorder of its step.
type recorded struct {
	*Learner
	do func(r *train.Recorder)
}

func (l *recorded) Step(_ *dataset.Batch, r *train.Recorder) error {
	l.do(r)
	return nil
}

func TestBadInput(t *testing.T) {
	data := func(v float32) *dataset.Set {
		s := bars(2)
		s.X.Set(v, 3, 4)
		return s
	}
	nan := float32(math.NaN())
	for want, c := range map[string]train.Config{
		"input 4 of sample 3 of the batch is NaN": {Train: data(nan), Learner: &Learner{}},
		"of the batch is -0.1":                    {Train: data(-0.1), Learner: &Learner{Persistent: true}},
		"of the batch is 255":                     {Train: data(255), Learner: &Learner{}},
		"want at least 20 samples":                {Train: data(0), Learner: &Learner{Share: 0.05}, BatchSize: 10},
		"the rate NaN":                            {Train: data(0), Learner: &Learner{Rate: optim.Constant(math.NaN())}},
	} {
		l := c.Learner.(*Learner)
		if l.Machine = New(9, 4, 1); l.Rate == nil {
			l.Rate = optim.Constant(0.1)
		}
		weights := l.Machine.Weights.Clone()
		c.Epochs, c.BatchSize = 1, max(c.BatchSize, 10)
		if strings.Contains(want, "sample 3") {
			c.BatchSize = 28
		}
		_, err := train.Run(t.Context(), c)
		switch {
		case err == nil:
			t.Errorf("no error, want %q", want)
		case strings.Contains(want, "sample 3"): // the order of the samples is random
			want = "input 4 of sample"
			fallthrough
		default:
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got the error %v, want %q", err, want)
			}
		}
		if c.BatchSize == 28 && !slices.Equal(weights.Data(), l.Machine.Weights.Data()) {
			t.Error("weights changed before the error")
		}
	}
	for want, l := range map[string]*Learner{
		"required":        {Rate: optim.Constant(1)},
		"Momentum < 1":    {Machine: New(2, 2, 1), Rate: optim.Constant(1), Momentum: 1},
		"0 <= Share <= 1": {Machine: New(2, 2, 1), Rate: optim.Constant(1), Share: 1.5},
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), want) {
					t.Errorf("panic %v, want %q", p, want)
				}
			}()
			l.State()
		}()
	}
}
