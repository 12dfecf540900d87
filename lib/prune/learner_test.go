// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	. "github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// spots are images of 2 x 8 x 8 in five classes: a bright spot at one of five places, and noise.
func spots(n int, seed uint64) *dataset.Set {
	rng := tensor.Stream(seed, "spots")
	s := &dataset.Set{X: tensor.New(n, 2, 8, 8), Y: make([]int, n), Classes: []string{"a", "b", "c", "d", "e"}}
	rng.Normal(s.X.Data(), 0, 0.5)
	for i := range n {
		s.Y[i] = rng.IntN(5)
		for dy := range 3 {
			for dx := range 3 {
				s.X.Set(1.5, i, s.Y[i]%2, 1+dy+(s.Y[i]/2)*2, 2+dx)
			}
		}
	}
	return s
}

// pruner returns the training of a small network that is pruned while it learns.
func pruner(net nn.Sequential, o optim.Optimizer) (*Learner, train.Config) {
	layers, observe := Network(net)
	l := &Learner{
		Learner: &train.GradientDescent{
			Model: net, Optimizer: o, Workers: 1,
			Loss: func(b *train.Batch) *autograd.Var {
				logits := net.Forward(b.X)
				b.Error(logits)
				return loss.CrossEntropy(logits, b.Y)
			},
		},
		Layers: layers, Observe: observe, Every: 3, Workers: 1, Score: Use,
		Schedule: append(Gradual(1, 3, 0.4, 0.3, 0.2, 0.5), Event{Epoch: 4, Layer: 2, Cut: Cut{Remove: 0.25}}),
	}
	return l, train.Config{Learner: l, Train: spots(400, 1), Valid: spots(200, 2), Epochs: 6, BatchSize: 20, Seed: 3}
}

// Whatever the score and the optimiser, removed weights are zero after every step, as many remain as the schedule says,
// and the network still learns, if what it needs is kept.
func TestLearner(t *testing.T) {
	optimizers := map[string]func() optim.Optimizer{
		"sgd":  func() optim.Optimizer { return &optim.SGD{LR: 0.02, Momentum: 0.9, WeightDecay: 1e-3} },
		"adam": func() optim.Optimizer { return &optim.Adam{LR: 0.003} },
	}
	for _, score := range Scores() {
		for name, optimizer := range optimizers {
			net := small(4)
			l, c := pruner(net, optimizer())
			l.Score = score
			c.OnStep = func(e *train.Event) {
				for i, layer := range l.Layers {
					want := int(math.Round(l.Schedule.Remaining(e.Epoch-1, i) * float64(layer.Keep.Len())))
					if n := layer.Remaining(); n != want && e.Epoch < 5 || left(layer) == nil {
						t.Fatalf("%s, %s, step %d: %s has %d weights, want %d, or removed ones are not zero",
							score, name, e.Step, layer.Name, n, want)
					}
				}
			}
			h, err := train.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			last := h.Epochs[5]
			if last.Valid["error"] > 0.2 && (score == Use || score == Magnitude) {
				t.Errorf("%s, %s: error %g", score, name, last.Valid["error"])
			}
			if got := last.Train["kept"]; math.Abs(got-ShareOf(l.Layers)) > 1e-9 || l.Layers[2].Remaining() != 96 {
				t.Errorf("%s, %s: kept %g; %d in fc1, want 96", score, name, got, l.Layers[2].Remaining())
			}
		}
	}
}

// A run that is interrupted in the middle of an epoch, between two prunings, ends with the same weights, masks and use.
func TestResume(t *testing.T) {
	state := func(net nn.Sequential, l *Learner) (all []float32) {
		for _, p := range nn.Params(net) {
			all = append(all, p.Data()...)
		}
		for _, layer := range l.Layers {
			all = append(append(all, layer.Keep.Data()...), layer.Use.Data()...)
		}
		return all
	}
	for _, score := range []Score{Use, Random} {
		whole := small(4)
		l, c := pruner(whole, &optim.SGD{LR: 0.02, Momentum: 0.9})
		l.Score, l.Regrow = score, 0.1
		if _, err := train.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		want, dir := state(whole, l), t.TempDir()
		for stop := 27; ; stop += 27 {
			net := small(4)
			l, c := pruner(net, &optim.SGD{LR: 0.02, Momentum: 0.9})
			l.Score, l.Regrow, c.Dir = score, 0.1, dir
			ctx, cancel := context.WithCancelCause(t.Context())
			c.OnStep = func(e *train.Event) {
				if e.Step == stop {
					cancel(errors.New("stopped"))
				}
			}
			if _, err := train.Run(ctx, c); err != nil {
				continue
			}
			if !slices.Equal(state(net, l), want) {
				t.Errorf("%s: another result after resuming", score)
			}
			break
		}
		other := small(4)
		l, c = pruner(other, &optim.SGD{LR: 0.02, Momentum: 0.9})
		l.Score, l.Regrow, c.Dir = score, 0.2, dir
		var mismatch *train.MismatchError
		if _, err := train.Run(t.Context(), c); !errors.As(err, &mismatch) || mismatch.What != "Learner" {
			t.Errorf("another share of regrowth: %v", err)
		}
	}
}

// Regrowth keeps the number of weights, and changes which they are.
func TestRegrowth(t *testing.T) {
	var first []float32
	net := small(4)
	l, c := pruner(net, &optim.SGD{LR: 0.02, Momentum: 0.9})
	l.Score, l.Regrow = Magnitude, 0.3
	l.Schedule = append(Once(1, 0.3), Once(3, 0.3)...)
	c.OnEpoch = func(e *train.Event) {
		if e.Epoch == 2 {
			first = slices.Clone(l.Layers[2].Keep.Data())
		}
	}
	if _, err := train.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	grown := 0
	for i, k := range l.Layers[2].Keep.Data() {
		if k == 1 && first[i] == 0 {
			grown++
		}
	}
	if n := l.Layers[2].Remaining(); n != 192 || grown != 57 {
		t.Errorf("%d weights remain, want 192; %d are new, want 57", n, grown)
	}
}

// Units stay off, and a layer that dies stops the run with its name and the last checkpoint in place.
func TestUnits(t *testing.T) {
	rng := tensor.Stream(5, "weights")
	net := nn.Sequential{flat, nn.NewDense(128, 30, nil, rng), relu, nn.NewGate(30), nn.NewDense(30, 5, nil, rng)}
	layers, observe := GatedNetwork(net)
	l, c := pruner(net, &optim.SGD{LR: 0.05})
	l.Layers, l.Observe, l.Schedule = layers, observe, Once(1, 0.3)
	h, err := train.Run(t.Context(), c)
	if err != nil || layers[0].Remaining() != 9 || h.Epochs[5].Valid["error"] > 0.2 {
		t.Fatalf("%d units, error %v, %v", layers[0].Remaining(), h.Epochs[5].Valid, err)
	}
	for i, k := range layers[0].Keep.Data() {
		if v := observe(autograd.NewTape(1).Input(spots(1, 9).X))[0].Out.Data()[i]; k == 0 && v != 0 {
			t.Errorf("unit %d is removed and gives %g", i, v)
		}
	}
	net = small(6)
	_, c = pruner(net, &optim.SGD{LR: 0.02})
	for _, m := range net[:4:4] {
		if conv, ok := m.(*nn.Conv2D); ok {
			conv.Bias.Value().Fill(-100) // no unit is ever on
		}
	}
	_, err = train.Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "prune: conv1 is dead") ||
		!strings.Contains(err.Error(), "step 21 (epoch 2, batch 1)") {
		t.Errorf("a dead layer: %v", err)
	}
}

// Invalid settings are refused before the first step.
func TestLearnerRefuses(t *testing.T) {
	for want, change := range map[string]func(l *Learner){
		"Observe returns 4 activities for 3 layers": func(l *Learner) { l.Layers, l.Schedule = l.Layers[:3], Once(0, 0.5) },
		"Layers are required":                       func(l *Learner) { l.Layers = nil },
		"Keep is 1.3":                               func(l *Learner) { l.Schedule = Once(0, 1.3) },
		`Score is "": want one of ["use"`:           func(l *Learner) { l.Score = "" },
		`the score "use" needs`:                     func(l *Learner) { l.Observe = nil },
		"Momentum is 1":                             func(l *Learner) { l.Momentum = 1 },
		"Regrow is NaN":                             func(l *Learner) { l.Regrow = math.NaN() },
		"Every is -1":                               func(l *Learner) { l.Every = -1 },
		"there are 4 layers":                        func(l *Learner) { l.Schedule = Once(0, 0.1, 0.1, 0.1, 0.1, 0.1) },
		"conv1: Regrow needs": func(l *Learner) {
			l.Regrow, l.Learner.(*train.GradientDescent).Optimizer = 0.1, &optim.RMSProp{}
		},
		"such as SGD with momentum": func(l *Learner) {
			l.Regrow, l.Learner.(*train.GradientDescent).Optimizer = 0.1, &optim.Clip{Optimizer: &optim.SGD{}, Limit: 1}
		},
		"units have neither magnitude": func(l *Learner) { l.Layers[1], l.Score = Units("g", nn.NewGate(3)), Magnitude },
	} {
		net := small(4)
		l, c := pruner(net, &optim.SGD{Momentum: 0.9})
		change(l)
		before := slices.Clone(nn.Params(net)[0].Data())
		if _, err := train.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if !slices.Equal(nn.Params(net)[0].Data(), before) {
			t.Errorf("%s: the weights changed", want)
		}
	}
}

// The number of goroutines changes nothing, and steps between prunings allocate nothing.
func TestWorkersAndMemory(t *testing.T) {
	var results [2][]float32
	for i, workers := range []int{1, 3} {
		net := small(4)
		l, c := pruner(net, &optim.SGD{LR: 0.02, Momentum: 0.9})
		l.Workers, l.Learner.(*train.GradientDescent).Workers = workers, workers
		if _, err := train.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, p := range nn.Params(net) {
			results[i] = append(results[i], p.Data()...)
		}
	}
	if !slices.Equal(results[0], results[1]) {
		t.Error("results depend on the number of goroutines")
	}
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	l, c := pruner(small(4), &optim.SGD{LR: 0.02, Momentum: 0.9})
	l.Every, c.Epochs = 1, 3
	c.Valid = nil
	var measured float64
	c.OnEpoch = func(e *train.Event) {
		if e.Epoch == 3 {
			var b dataset.Batch
			spots(20, 1).Gather(&b, slices.Collect(func(yield func(int) bool) {
				for i := range 20 {
					if !yield(i) {
						return
					}
				}
			}))
			r := &train.Recorder{Epoch: 2.5}
			measured = testing.AllocsPerRun(20, func() { _ = l.Step(&b, r) })
		}
	}
	if _, err := train.Run(t.Context(), c); err != nil || measured != 0 {
		t.Errorf("%g allocations per step, %v", measured, err)
	}
}
