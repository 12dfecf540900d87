// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
	return &net{nn.NewDense(20, 32, nil, rng), nn.NewDropout(0.3, tensor.Stream(1, "dropout")), nn.NewDense(32, 3, nil, rng)}
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

// learner returns gradient descent with what a checkpoint must keep: dropout, Adam, a schedule.
func (n *net) learner() *GradientDescent {
	return &GradientDescent{Model: n, Loss: n.loss, Schedule: optim.Linear(0.01, 0.001, 6), Workers: 1}
}

// config returns a run with the rest: early stopping, the best weights, a last batch that is not full.
func config(n *net) Config { return configOf(n.learner()) }

func configOf(l Learner) Config {
	return Config{
		Learner: l, Train: blobs(330, 1), Valid: blobs(150, 2),
		Epochs: 6, BatchSize: 50, Seed: 3, KeepBest: true, Patience: 100,
	}
}

// withoutTimes returns the metrics of a history, which two equal runs share.
func withoutTimes(h *History) string {
	s := fmt.Sprint(h.Best)
	for _, e := range h.Epochs {
		s += fmt.Sprint(e.Train, e.Valid)
	}
	return s
}

// What is kept of the best epoch is the network as it was measured: with its running statistics.
func TestBestEpochWithBatchNormalisation(t *testing.T) {
	type normalised struct {
		Hidden *nn.Dense
		Norm   *nn.BatchNorm
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
			Schedule: optim.Steps(optim.Step{Epoch: 0, Rate: 0.01}, optim.Step{Epoch: 2, Rate: 1}), // far too fast in the end
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

// A run that is interrupted every few steps and continued by a new process state ends with the same weights.
func TestInterruptAndResume(t *testing.T) {
	want, history := reference(t)
	for _, every := range []int{1, 3, 7, 10} {
		dir := t.TempDir()
		for resumed := 0; ; resumed++ {
			n := newNet()
			c := config(n)
			c.Dir = dir
			ctx, cancel := context.WithCancelCause(t.Context())
			steps, stop := 0, errors.New("stop button")
			c.OnStep = func(*Event) {
				if steps++; steps == every {
					cancel(stop)
				}
			}
			h, err := Run(ctx, c)
			if err == nil {
				if !slices.Equal(n.weights(), want) || withoutTimes(h) != history {
					t.Errorf("interrupted every %d steps: other results than without interruption", every)
				}
				if resumed < 42/every-1 {
					t.Errorf("interrupted every %d steps: only %d resumptions", every, resumed)
				}
				break
			}
			if !errors.Is(err, stop) || !strings.Contains(err.Error(), "run again to go on") {
				t.Fatal(err)
			}
		}
		// A run that is complete returns at once.
		n := newNet()
		c := config(n)
		c.Dir = dir
		c.OnStep = func(*Event) { t.Error("a complete run made a step") }
		if h, err := Run(t.Context(), c); err != nil || !slices.Equal(n.weights(), want) || withoutTimes(h) != history {
			t.Errorf("a complete run does not return its results: %v", err)
		}
	}
}

// The test runs itself in a process that is killed in the middle of saving and training, again and again.
func TestKillAndResume(t *testing.T) {
	if dir := os.Getenv("TRAIN_TEST_DIR"); dir != "" {
		n := newNet()
		c := config(n)
		c.Dir, c.Every = dir, time.Nanosecond
		c.OnStep = func(*Event) { time.Sleep(2 * time.Millisecond) }
		if _, err := Run(context.Background(), c); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	want, _ := reference(t)
	dir := filepath.Join(t.TempDir(), "run")
	kills := 0
	for attempt := 0; ; attempt++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillAndResume$")
		cmd.Env = append(os.Environ(), "TRAIN_TEST_DIR="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if attempt < 8 {
			// Wait until there is something to resume from, then kill at another point each time.
			for range 500 {
				if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Duration(attempt*7) * time.Millisecond)
			cmd.Process.Kill()
			if err := cmd.Wait(); err != nil {
				kills++
			}
			continue
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("after %d kills: %v", kills, err)
		}
		break
	}
	n := newNet()
	c := config(n)
	c.Dir = dir
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if kills == 0 {
		t.Fatal("no process was killed in time")
	}
	if !slices.Equal(n.weights(), want) {
		t.Errorf("after %d kills the weights differ from those of an uninterrupted run", kills)
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
	if diverged.Step != 11 || diverged.Epoch != 2 || diverged.Batch != 4 || !strings.Contains(diverged.Where, "out.weight") {
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

func TestPatience(t *testing.T) {
	l := newNet().learner()
	c := configOf(l)
	c.Epochs, c.Patience = 50, 2
	l.Optimizer = &optim.SGD{LR: 1e-9}
	l.Schedule = func(epoch float64) float64 { // nothing improves after the first epoch
		if epoch < 1 {
			return 0.1
		}
		return -0.01
	}
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Epochs) != 3 || h.Best != 0 {
		t.Errorf("stopped after %d epochs with the best at %d, want 3 and 0", len(h.Epochs), h.Best)
	}
	c.Monitor = "accuracy"
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), `[error loss]`) {
		t.Errorf("an unknown metric: %v", err)
	}
}

func TestForeignAndDamagedCheckpoints(t *testing.T) {
	dir := t.TempDir()
	c := config(newNet())
	c.Dir, c.Epochs = dir, 1
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "weights-*"))
	if len(files) != 1 {
		t.Fatalf("weights files %q, want one", files)
	}
	run := func(change func(*Config)) error {
		c := config(newNet())
		c.Dir = dir
		change(&c)
		_, err := Run(t.Context(), c)
		return err
	}
	for want, change := range map[string]func(*Config){
		"Seed was 3 and is now 4":       func(c *Config) { c.Seed = 4 },
		"BatchSize was 50 and is now 7": func(c *Config) { c.BatchSize = 7 },
		"LR=0.5": func(c *Config) {
			l := newNet().learner()
			l.Optimizer, l.Schedule, c.Learner = &optim.Adam{LR: 0.5}, nil, l
		},
		"Samples was 330 and is now 90": func(c *Config) { c.Train = blobs(90, 1) },
		`Key was null and is now`:       func(c *Config) { c.Key = map[string]float64{"lambda": 0.1} },
		"Key cannot be written":         func(c *Config) { c.Key = math.NaN() },
		"Params was": func(c *Config) {
			c.Learner.(*GradientDescent).Model = nn.NewDense(20, 3, nil, tensor.Stream(1, "w"))
		},
	} {
		if err := run(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	same := func(*Config) {}
	weights, _ := os.ReadFile(files[0])
	os.WriteFile(files[0], weights[:len(weights)/2], 0o644)
	if err := run(same); err == nil || !strings.Contains(err.Error(), "is not the file") {
		t.Errorf("truncated weights: %v", err)
	}
	os.Remove(files[0])
	if err := run(same); err == nil || !strings.Contains(err.Error(), filepath.Base(files[0])) {
		t.Errorf("lost weights: %v", err)
	}
	os.WriteFile(filepath.Join(dir, checkpointFile), []byte(`{"Format": 1, `), 0o644)
	if err := run(same); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged checkpoint: %v", err)
	}
	os.WriteFile(filepath.Join(dir, checkpointFile), []byte(`{"Format": 9}`), 0o644)
	if err := run(same); err == nil || !strings.Contains(err.Error(), "format 9") {
		t.Errorf("checkpoint of the future: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := config(newNet())
	c.Dir = filepath.Join(file, "run")
	h, err := Run(t.Context(), c)
	if err == nil || (h != nil && len(h.Epochs) > 1) {
		t.Errorf("a folder below a file: %v", err)
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
		if n := testing.AllocsPerRun(20, step); n != 0 {
			t.Errorf("%d workers: a training step allocates %v times", workers, n)
		}
	}
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

// BenchmarkMLP is a step of the net that the course trains most: 784-128-10, batch 100, ReLU, Adam.
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
