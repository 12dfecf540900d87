// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/lateral-ml/lateral/lib/tensor"
)

// blobs returns n points of three classes, Gaussian clouds in 20 dimensions.
func blobs(n int, seed uint64) *dataset.Set {
	rng := tensor.Stream(seed, "blobs")
	s := &dataset.Set{X: tensor.New(n, 20), Y: make([]int, n)}
	rng.Normal(s.X.Data(), 0, 1)
	for i := range n {
		s.Y[i] = i % 3
		s.X.Row(i)[s.Y[i]] += 2
	}
	return s
}

type net struct {
	Hidden  *nn.Dense
	Dropout *nn.Dropout
	Out     *nn.Dense
}

func newNet() *net {
	rng := tensor.Stream(1, "weights")
	hidden, out := nn.NewDense(20, 32, nil, rng), nn.NewDense(32, 3, nil, rng)
	return &net{hidden, nn.NewDropout(0.3, tensor.Stream(1, "dropout")), out}
}

func (n *net) loss(b *Batch) *autograd.Var {
	h := autograd.ReLU(n.Hidden.Forward(b.X))
	logits := n.Out.Forward(n.Dropout.Forward(h))
	b.Error(logits)
	return autograd.Add(loss.CrossEntropy(logits, b.Y), loss.L1(h, 0.001))
}

func (n *net) weights() []float32 {
	var w []float32
	for _, p := range nn.Params(n) {
		w = append(w, p.Data()...)
	}
	return w
}

// learner returns gradient descent with state that a checkpoint must keep: dropout, Adam, a schedule.
func (n *net) learner() *GradientDescent {
	return &GradientDescent{Model: n, Loss: n.loss, Schedule: optim.Linear(0.01, 0.001, 6), Workers: 1}
}

// config returns a run with the other features: early stopping, the best weights, a last batch that is not full.
func config(n *net) Config { return configOf(n.learner()) }

func configOf(l Learner) Config {
	return Config{
		Learner: l, Train: blobs(330, 1), Valid: blobs(150, 2),
		Epochs: 6, BatchSize: 50, Seed: 3, KeepBest: true, Patience: 100,
	}
}

// withoutTimes returns the metrics of a history, which are the same in two equal runs.
func withoutTimes(h *History) string {
	s := fmt.Sprint(h.Best)
	for _, e := range h.Epochs {
		s += fmt.Sprint(e.Train, e.Valid)
	}
	return s
}

// The model kept from the best epoch is the network as it was measured, with its running statistics.
func TestBestEpochWithBatchNormalisation(t *testing.T) {
	type normalised struct {
		Hidden *nn.Dense
		Norm   *nn.Norm
		Out    *nn.Dense
	}
	rng := tensor.Stream(1, "weights")
	n := &normalised{nn.NewDense(20, 32, nil, rng), nn.NewBatchNorm(32), nn.NewDense(32, 3, nil, rng)}
	n.Norm.Momentum = 0.5
	c := Config{
		Learner: &GradientDescent{
			Model: n, Workers: 1,
			Loss: func(b *Batch) *autograd.Var {
				return loss.CrossEntropy(n.Out.Forward(autograd.ReLU(n.Norm.Forward(n.Hidden.Forward(b.X)))), b.Y)
			},
			// Far too fast in the end:
			Schedule: optim.Steps(optim.Step{Epoch: 0, Rate: 0.01}, optim.Step{Epoch: 2, Rate: 1}),
		},
		Train: blobs(330, 1), Valid: blobs(150, 2), Epochs: 4, BatchSize: 50, KeepBest: true,
	}
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	after, err := Evaluate(c, c.Valid)
	if err != nil {
		t.Fatal(err)
	}
	if best := h.Epochs[h.Best].Valid["loss"]; h.Best != 1 || after["loss"] != best {
		t.Errorf("the kept network has loss %v, the best epoch, number %d, had %v", after["loss"], h.Best, best)
	}
}

// fails demands an error that contains all of the given parts.
func fails(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: error %v, want %q in it", what, err, part)
		}
	}
}

// reference runs without interruption.
func reference(t *testing.T) ([]float32, string) {
	t.Helper()
	n := newNet()
	h, err := Run(t.Context(), config(n))
	if err != nil {
		t.Fatal(err)
	}
	return n.weights(), withoutTimes(h)
}

func TestRunLearns(t *testing.T) {
	n := newNet()
	c := config(n)
	before, err := Evaluate(c, c.Valid)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	// A linear classifier with the true means errs on about 12 % of such points; chance is 67 %.
	last := h.Epochs[len(h.Epochs)-1]
	if len(h.Epochs) != 6 || last.Valid["error"] > 0.2 || last.Valid["loss"] > before["loss"]/2 {
		t.Errorf("validation went from %v to %v in %d epochs", before, last.Valid, len(h.Epochs))
	}
	if got := h.TrainSeries("loss"); len(got) != 6 || got[5] >= got[0] {
		t.Errorf("training loss %v does not fall", got)
	}
	if got := h.ValidSeries("error"); got[5] != last.Valid["error"] {
		t.Errorf("ValidSeries %v, last epoch %v", got, last.Valid)
	}
	after, err := Evaluate(c, c.Valid)
	if err != nil {
		t.Fatal(err)
	}
	if best := h.Epochs[h.Best].Valid["loss"]; after["loss"] != best {
		t.Errorf("the kept weights have loss %v, the best epoch had %v", after["loss"], best)
	}
}

func TestDivergence(t *testing.T) {
	n := newNet()
	c := config(n)
	c.Dir = t.TempDir()
	steps := 0
	c.OnStep = func(*Event) {
		if steps++; steps == 10 {
			n.Out.Weight.Data()[5] = float32(math.Inf(1))
		}
	}
	h, err := Run(t.Context(), c)
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("error %v, want a DivergedError", err)
	}
	place := [3]int{diverged.Step, diverged.Epoch, diverged.Batch}
	if place != [3]int{11, 2, 4} || !strings.Contains(diverged.Where, "out.weight") {
		t.Errorf("diverged %+v, want step 11, epoch 2, batch 4, out.weight", *diverged)
	}
	if len(h.Epochs) != 1 {
		t.Errorf("%d epochs in the history, want 1", len(h.Epochs))
	}
	// The checkpoint of epoch 1 is still good.
	want, history := reference(t)
	m, dir := newNet(), c.Dir
	c = config(m)
	c.Dir = dir
	if h, err = Run(t.Context(), c); err != nil || !slices.Equal(m.weights(), want) || withoutTimes(h) != history {
		t.Errorf("resuming after divergence: %v", err)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, workers := range []int{1, 2} {
		l := newNet().learner()
		l.Workers = workers
		c := configOf(l)
		c.OnStep = func(*Event) {}
		c.Trace = []string{"loss", "error"}
		if n := allocations(t, c); n != 0 {
			t.Errorf("%d workers: a training step allocates %v times", workers, n)
		}
	}
}

// allocations returns how often a step of the run allocates, after the first one.
func allocations(t *testing.T, c Config) float64 {
	t.Helper()
	r, err := start(c)
	if err != nil {
		t.Fatal(err)
	}
	r.loader.order = dataset.Order(c.Train.Len(), c.Seed, 0)
	step := func() {
		if r.at.Batch == r.loader.batches() {
			r.at.Batch = 0
		}
		if err := r.step(); err != nil {
			t.Fatal(err)
		}
	}
	step()
	return testing.AllocsPerRun(20, step)
}

func TestMissingFieldsPanic(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"Learner and Train are required": func(c *Config) { c.Learner = nil },
		"Model and Loss are required":    func(c *Config) { c.Learner.(*GradientDescent).Loss = nil },
		"Epochs >= 1":                    func(c *Config) { c.Epochs = 0 },
		"a data set is empty":            func(c *Config) { c.Valid = blobs(0, 1) },
		"need Valid":                     func(c *Config) { c.Valid = nil },
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			c := config(newNet())
			change(&c)
			Run(t.Context(), c)
		}()
	}
}

// BenchmarkMLP is a step of the network that the course trains most: 784-128-10, batch 100, ReLU, Adam.
func BenchmarkMLP(b *testing.B) {
	for _, workers := range []int{1, 0} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			rng := tensor.Stream(1, "weights")
			hidden, out := nn.NewDense(784, 128, nil, rng), nn.NewDense(128, 10, nil, rng)
			data := &dataset.Set{X: tensor.New(1000, 784), Y: make([]int, 1000)}
			rng.Uniform(data.X.Data(), 0, 1)
			r, err := start(Config{Train: data, Epochs: 1, Learner: &GradientDescent{
				Model: []*nn.Dense{hidden, out}, Workers: workers,
				Loss: func(b *Batch) *autograd.Var {
					h := autograd.ReLU(hidden.Forward(b.X))
					return autograd.Add(loss.CrossEntropy(out.Forward(h), b.Y), loss.L1(h, 1e-4))
				},
			}})
			if err != nil {
				b.Fatal(err)
			}
			r.loader.order = dataset.Order(1000, 1, 0)
			b.ReportAllocs()
			for b.Loop() {
				r.at.Batch = r.at.Step % 10
				if err := r.step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleRun() {
	rng := tensor.Stream(1, "weights")
	layer := nn.NewDense(20, 3, nil, rng)
	history, err := Run(context.Background(), Config{
		Learner: &GradientDescent{
			Model: layer,
			Loss: func(b *Batch) *autograd.Var {
				logits := layer.Forward(b.X)
				b.Error(logits)
				return loss.CrossEntropy(logits, b.Y)
			},
			Optimizer: &optim.Adam{LR: 0.02},
		},
		Train: blobs(600, 1), Valid: blobs(300, 2), Epochs: 5,
	})
	fmt.Println(len(history.Epochs), "epochs, learnt:", history.ValidSeries("error")[4] < 0.3, err)
	// Output: 5 epochs, learnt: true <nil>
}
