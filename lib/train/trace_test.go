// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// traced is a configuration that traces the loss and the error, and reports its layer's activity.
func traced() Config {
	n := newNet()
	l := n.learner()
	l.Loss = func(b *Batch) *autograd.Var {
		if !b.Training() {
			sparsity.ReportActivity(b, "hidden", autograd.ReLU(n.Hidden.Forward(b.X)).Value())
		}
		return n.loss(b)
	}
	c := configOf(l)
	c.Trace = []string{"loss", "error"}
	return c
}

func TestTrace(t *testing.T) {
	var steps []float64
	c := traced()
	c.OnStep = func(e *Event) { steps = append(steps, e.Loss) }
	whole, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 42 || !slices.Equal(whole.Trace["loss"], steps) || len(whole.Trace["error"]) != 42 {
		t.Errorf("the trace of %d steps has %d losses, %d errors",
			len(steps), len(whole.Trace["loss"]), len(whole.Trace["error"]))
	}
	// The mean of an epoch's trace, weighted by the samples, is the epoch's mean: six batches of 50 and one of 30.
	sum := 0.0
	for i, l := range steps[:7] {
		sum += l * []float64{50, 50, 50, 50, 50, 50, 30}[i]
	}
	if mean := whole.Epochs[0].Train["loss"]; math.Abs(sum/330-mean) > 1e-12 {
		t.Errorf("the first epoch's loss is %v, by its trace %v", mean, sum/330)
	}

	// Interrupted and resumed, the trace is the same.
	dir := t.TempDir()
	for {
		c := traced()
		c.Dir = dir
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		c.OnStep = func(*Event) {
			if steps++; steps == 5 {
				cancel()
			}
		}
		h, err := Run(ctx, c)
		cancel()
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"loss", "error"} {
			if !slices.Equal(h.Trace[name], whole.Trace[name]) {
				t.Errorf("a resumed run traces another %s than one without interruption", name)
			}
		}
		break
	}
	c = config(newNet())
	c.Dir = dir
	_, err = Run(t.Context(), c)
	fails(t, "a checkpoint with traces, continued without", err, "Trace was [loss error] and is now []")
}

func TestTraceOfWhatIsNotReportedEachStep(t *testing.T) {
	for name, times := range map[string]string{"accuracy": "0 times in 7", "twice": "14 times in 7"} {
		c := traced()
		l := c.Learner.(*GradientDescent)
		inner := l.Loss
		c.Trace = []string{name}
		l.Loss = func(b *Batch) *autograd.Var {
			b.Report("twice", 1)
			b.Report("twice", 2)
			return inner(b)
		}
		_, err := Run(t.Context(), c)
		fails(t, "a trace of "+name, err, times, "[error loss twice]")
	}
}

func TestActivity(t *testing.T) {
	c := traced()
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := h.Epochs[0].Train["hidden l0"]; ok {
		t.Error("activity was reported while training")
	}
	// The last epoch is the best, so the network still has the weights with which it was measured.
	if h.Best != len(h.Epochs)-1 {
		t.Fatalf("the best epoch is %d of %d", h.Best, len(h.Epochs))
	}
	n, x := c.Learner.(*GradientDescent).Model.(*net), c.Valid.(*dataset.Set).X
	p := sparsity.Measure(autograd.ReLU(n.Hidden.Forward(autograd.NewTape(1).Input(x))).Value())
	last := h.Epochs[h.Best].Valid
	if math.Abs(last["hidden l0"]-p.L0.Mean) > 1e-9 || math.Abs(last["hidden l1"]-p.L1.Mean) > 1e-9 || p.L0.Mean == 0 {
		t.Errorf("reported l0 %v and l1 %v, measured %v", last["hidden l0"], last["hidden l1"], p)
	}
}

func ExampleConfig_trace() {
	rng := tensor.Stream(1, "weights")
	hidden, out := nn.NewDense(20, 32, nil, rng), nn.NewDense(32, 3, nil, rng)
	history, err := Run(context.Background(), Config{
		Learner: &GradientDescent{
			Model: []*nn.Dense{hidden, out},
			Loss: func(b *Batch) *autograd.Var {
				h := autograd.ReLU(hidden.Forward(b.X))
				if !b.Training() { // after each epoch
					sparsity.ReportActivity(b, "hidden", h.Value())
				}
				penalty := loss.L1(h, 0.1)
				b.Report("penalty", float64(penalty.Scalar())) // at each step, as it is traced
				return autograd.Add(loss.CrossEntropy(out.Forward(h), b.Y), penalty)
			},
		},
		Trace: []string{"penalty"},
		Train: blobs(600, 1), Valid: blobs(300, 2), Epochs: 5,
	})
	if err != nil {
		panic(err)
	}
	penalty, active := history.Trace["penalty"], history.ValidSeries("hidden l0")
	fmt.Println(len(penalty), "steps, the penalty falls:", penalty[29] < penalty[0])
	fmt.Println(len(active), "epochs, the active units become fewer:", active[4] < active[0])
	// Output:
	// 30 steps, the penalty falls: true
	// 5 epochs, the active units become fewer: true
}
