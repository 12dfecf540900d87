// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// traced is a configuration that traces the loss and the error, and reports its layer's activity.
func traced() Config {
	n := newNet()
	c := config(n)
	c.Trace = []string{"loss", "error"}
	c.Loss = func(b *Batch) *autograd.Var {
		b.Activity("hidden", autograd.ReLU(n.Hidden.Forward(b.X)))
		return n.loss(b)
	}
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
		t.Errorf("the trace of %d steps has %d losses, %d errors", len(steps), len(whole.Trace["loss"]), len(whole.Trace["error"]))
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
		if !slices.Equal(h.Trace["loss"], whole.Trace["loss"]) || !slices.Equal(h.Trace["error"], whole.Trace["error"]) {
			t.Error("a resumed run traces other values than one without interruption")
		}
		break
	}
	c = config(newNet())
	c.Dir = dir
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "Trace was [loss error] and is now []") {
		t.Errorf("a checkpoint with traces, continued without: %v", err)
	}
}

func TestTraceOfWhatIsNotReportedEachStep(t *testing.T) {
	for name, times := range map[string]string{"accuracy": "0 times in 7", "twice": "14 times in 7"} {
		c := traced()
		inner := c.Loss
		c.Trace = []string{name}
		c.Loss = func(b *Batch) *autograd.Var {
			b.Report("twice", 1)
			b.Report("twice", 2)
			return inner(b)
		}
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), times) || !strings.Contains(err.Error(), "[error loss twice]") {
			t.Errorf("a trace of %q: %v", name, err)
		}
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
	// The last epoch is the best, so the network still has the weights that it was measured with.
	if h.Best != len(h.Epochs)-1 {
		t.Fatalf("the best epoch is %d of %d", h.Best, len(h.Epochs))
	}
	n := c.Model.(*net)
	x := new(tensor.Tensor)
	idx := make([]int, c.Valid.Len())
	for i := range idx {
		idx[i] = i
	}
	c.Valid.Gather(x, make([]int, len(idx)), idx)
	p := sparsity.Measure(autograd.ReLU(n.Hidden.Forward(autograd.NewTape(1).Input(x))).Value())
	last := h.Epochs[h.Best].Valid
	if math.Abs(last["hidden l0"]-p.L0.Mean) > 1e-9 || math.Abs(last["hidden l1"]-p.L1.Mean) > 1e-9 || p.L0.Mean == 0 {
		t.Errorf("reported l0 %v and l1 %v, measured %v", last["hidden l0"], last["hidden l1"], p)
	}
}

// A checkpoint that an earlier version wrote, in the middle of the second epoch of config, is continued.
func TestCheckpointOfAnEarlierVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "checkpoint-1"))); err != nil {
		t.Fatal(err)
	}
	n := newNet()
	c := config(n)
	c.Dir = dir
	first := 0
	c.OnStep = func(e *Event) {
		if first == 0 {
			first = e.Step
		}
	}
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if first != 11 || len(h.Epochs) != 6 || h.Epochs[0].Valid["error"] != 0.26 {
		t.Errorf("continued with step %d, %d epochs, the first with error %v", first, len(h.Epochs), h.Epochs[0].Valid["error"])
	}
	// Other kernels may have made the checkpoint, so the last digits may differ.
	want, _ := reference(t)
	for i, w := range n.weights() {
		if !(math.Abs(float64(w-want[i])) <= 1e-3) {
			t.Fatalf("weight %d is %v after the continued run, %v without interruption", i, w, want[i])
		}
	}
}

func ExampleConfig_trace() {
	rng := tensor.Stream(1, "weights")
	hidden, out := nn.NewDense(20, 32, nil, rng), nn.NewDense(32, 3, nil, rng)
	history, err := Run(context.Background(), Config{
		Model: []*nn.Dense{hidden, out},
		Loss: func(b *Batch) *autograd.Var {
			h := autograd.ReLU(hidden.Forward(b.X))
			b.Activity("hidden", h) // after each epoch
			price := loss.L1(h, 0.1)
			b.Report("price", float64(price.Scalar())) // at each step, as it is traced
			return autograd.Add(loss.CrossEntropy(out.Forward(h), b.Y), price)
		},
		Trace: []string{"price"},
		Train: blobs(600, 1), Valid: blobs(300, 2), Epochs: 5,
	})
	if err != nil {
		panic(err)
	}
	price, active := history.Trace["price"], history.ValidSeries("hidden l0")
	fmt.Println(len(price), "steps, the price falls:", price[29] < price[0])
	fmt.Println(len(active), "epochs, the active units become fewer:", active[4] < active[0])
	// Output:
	// 30 steps, the price falls: true
	// 5 epochs, the active units become fewer: true
}
