// SPDX-License-Identifier: Apache-2.0

package language_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// cycle is a text of the words 0 to 4 in which the word after 2 depends on the one two words before: 0 1 2 3, 4 1 2 0.
func cycle(n int) *dataset.Text {
	rng := tensor.Stream(1, "cycle")
	t := &dataset.Text{}
	for len(t.Tokens) < n {
		if rng.IntN(2) == 0 {
			t.Tokens = append(t.Tokens, 0, 1, 2, 3)
		} else {
			t.Tokens = append(t.Tokens, 4, 1, 2, 0)
		}
	}
	return t
}

func config(cell Cell) Config {
	return Config{Words: 5, Units: 16, Layers: 2, Cell: cell, Streams: 4, Init: nn.UniformRange(0.3)}
}

func learner(m *Model) *train.GradientDescent {
	clipped := &optim.Clip{Optimizer: &optim.Adam{LR: 0.01}, Limit: 5}
	return &train.GradientDescent{Model: m, Loss: m.Loss, Optimizer: clipped}
}

// Only the first word of four is uncertain, with two choices: the best perplexity is 2^(1/4) = 1.19. Without memory,
// the last word would be uncertain, too.
func TestModelsLearnDependencies(t *testing.T) {
	for name, c := range map[string]Config{
		"LSTM": config(LSTM), "tanh": config(Tanh), "ReLU": config(ReLU),
		"LSTM, DN*": func() Config { c := config(LSTM); c.Norms = Divisive(8, 1, 1e-4); return c }(),
		"tanh, DN*": func() Config { c := config(Tanh); c.Norms = Divisive(8, 1, 1e-4); return c }(),
	} {
		m := New(c, tensor.Stream(1, "weights"))
		segments, err := cycle(4000).Segments(4, 10)
		if err != nil {
			t.Fatal(err)
		}
		h, err := train.Run(t.Context(), train.Config{Learner: learner(m), Train: segments, Epochs: 6, BatchSize: 4})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Perplexity(cycle(2000), 1)
		if want := math.Pow(2, 0.25); err != nil || !(p < want+0.03) || !(p > want-0.02) {
			t.Errorf("%s: perplexity %.3f, want about %.3f; %v; %d epochs", name, p, want, err, len(h.Epochs))
		}
		words := m.Sample([]int{0, 1, 2, 3}, 40, 1, tensor.Stream(1, "sample"))
		text := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(words)), ""), "[]")
		for i := 0; i < len(text); i += 4 {
			if part := text[i : i+4]; part != "0123" && part != "4120" {
				t.Errorf("%s writes %s", name, text)
				break
			}
		}
	}
}

// Reading with any number of streams or steps gives the same likelihood: the state continues, and resets with the text.
func TestStateContinues(t *testing.T) {
	m := New(config(LSTM), tensor.Stream(1, "weights"))
	text := &dataset.Text{Tokens: cycle(84).Tokens[:81]}
	whole, err := m.Perplexity(text, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := config(LSTM)
	c.Streams = 1
	one := New(c, tensor.Stream(1, "weights"))
	for _, steps := range []int{1, 8, 80} {
		segments, err := text.Segments(1, steps)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time begins anew
			metrics, err := train.Evaluate(train.Config{Learner: learner(one), BatchSize: 1}, segments)
			if got := math.Exp(metrics["nll"]); err != nil || !(math.Abs(got-whole) < 1e-4) {
				t.Errorf("%d steps: perplexity %v, want %v; %v", steps, got, whole, err)
			}
		}
	}
}

// An interrupted training resumes within the text to the same weights and the same state.
func TestResumesWithinText(t *testing.T) {
	run := func(dir string, stop int) *Model {
		m := New(config(LSTM), tensor.Stream(1, "weights"))
		segments, err := cycle(800).Segments(4, 10)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err = train.Run(ctx, train.Config{Learner: learner(m), Train: segments, Epochs: 2, BatchSize: 4, Dir: dir,
			OnStep: func(e *train.Event) {
				if e.Step == stop {
					cancel()
				}
			}})
		if (err != nil) != (stop > 0) {
			t.Fatal(err)
		}
		return m
	}
	want := nn.StateOf(run("", 0))
	dir := filepath.Join(t.TempDir(), "run")
	run(dir, 7)
	got := nn.StateOf(run(dir, 0))
	for i, p := range want.Params {
		if !slices.Equal(got.Params[i].Data(), p.Data()) {
			t.Errorf("%s differs", p.Name)
		}
	}
	if len(want.Buffers) != 4 {
		t.Errorf("%d buffers, want h and c of two layers", len(want.Buffers))
	}
	for i, b := range want.Buffers {
		if !slices.Equal(got.Buffers[i].Tensor.Data(), b.Tensor.Data()) {
			t.Errorf("%s differs", b.Name)
		}
	}
}

// The document's LSTM has 4,651,600 parameters.
func TestParameters(t *testing.T) {
	m := New(Config{Words: 10000, Units: 200, Layers: 2, Cell: LSTM, Streams: 20}, tensor.Stream(1, "weights"))
	n := 0
	for _, p := range nn.Params(m) {
		n += p.Value().Len()
	}
	if n != 4651600 {
		t.Errorf("%d parameters, want 4651600", n)
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	layer := nn.Schemes(3)[1]
	layer.Sigma = 0.01
	for _, norms := range []func(int, int) nn.Norms{nil, Divisive(8, 1, 1e-3), Original(layer)} {
		c := config(LSTM)
		c.Norms = norms
		m := New(c, tensor.Stream(1, "weights"))
		segments, err := cycle(4000).Segments(4, 10)
		if err != nil {
			t.Fatal(err)
		}
		var at, first runtime.MemStats
		_, err = train.Run(t.Context(), train.Config{
			Learner: learner(m), Train: segments, Epochs: 1, BatchSize: 4,
			OnStep: func(e *train.Event) {
				switch e.Step {
				case 10:
					runtime.ReadMemStats(&first)
				case 90:
					runtime.ReadMemStats(&at)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := float64(at.Mallocs-first.Mallocs) / 80; !(n < 0.5) { // other goroutines may allocate now and then
			t.Errorf("%.2f allocations a step", n)
		}
	}
}

func TestPanics(t *testing.T) {
	m := New(config(LSTM), tensor.Stream(1, "weights"))
	for want, f := range map[string]func(){
		"language: New: 0 words": func() { New(Config{Units: 1, Layers: 1, Streams: 1, Cell: LSTM}, nil) },
		"2 layers of \"gru\"":    func() { New(config("gru"), nil) },
		"at least one word":      func() { m.Sample(nil, 1, 1, nil) },
		"is not in a table":      func() { m.Sample([]int{7}, 1, 1, nil) },
		"a batch of 2 samples for 4 streams": func() {
			segments, err := cycle(100).Segments(4, 5)
			if err != nil {
				t.Fatal(err)
			}
			train.Evaluate(train.Config{Learner: learner(m), BatchSize: 2}, segments)
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
	if _, err := m.Perplexity(&dataset.Text{Tokens: []int{1}}, 1); err == nil {
		t.Error("the perplexity of one word")
	}
}

func ExampleModel() {
	text := dataset.Sentences(1)
	m := New(Config{
		Words: text.Vocabulary.Len(), Units: 20, Layers: 1, Cell: LSTM, Streams: 20, Norms: Divisive(10, 1, 0),
	}, tensor.Stream(1, "weights"))
	part := &dataset.Text{Tokens: text.Train.Tokens[:20000]}
	segments, err := part.Segments(20, 20)
	if err != nil {
		fmt.Println(err)
		return
	}
	g := &train.GradientDescent{Model: m, Loss: m.Loss, Optimizer: &optim.Clip{Optimizer: &optim.Adam{LR: 0.01}, Limit: 5}}
	_, err = train.Run(context.Background(), train.Config{Learner: g, Train: segments, Epochs: 3, BatchSize: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := m.Perplexity(&dataset.Text{Tokens: text.Test.Tokens[:5000]}, 0)
	fmt.Println(p < 30, err) // of 190 words
	begin, _ := text.Vocabulary.Token("the")
	fmt.Println(len(m.Sample([]int{begin}, 10, 0.7, tensor.Stream(1, "sample"))), autograd.Backend() != "")
	// Output:
	// true <nil>
	// 10 true
}
