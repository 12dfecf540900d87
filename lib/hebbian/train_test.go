// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/train"
)

func examples(n int) *dataset.Set {
	set := &dataset.Set{X: uniform("examples", n, 1, 5, 6), Y: make([]int, n), Classes: []string{"a", "b"}, Sum: "s"}
	for i := range set.Y {
		set.Y[i] = i % 2
	}
	return set
}

var competition = Competition{Rule: Rule{P: 3}, Delta: 0.2, Scale: MaxNormalised}

// config returns a run of twelve units, and its learner.
func config(dir string) (*Learner, train.Config) {
	l := NewLearner(competition, NewWeights(12, 30, 3))
	l.Rate, l.Workers = optim.Linear(0.04, 0, 6), 1
	return l, train.Config{Learner: l, Train: examples(95), Epochs: 6, BatchSize: 10, Seed: 3, Dir: dir}
}

func mustTrain(t *testing.T, c train.Config) *train.History {
	t.Helper()
	h, err := train.Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// metricsOf returns a history without its times.
func metricsOf(h *train.History) string {
	s := ""
	for _, e := range h.Epochs {
		s += fmt.Sprint(e.Train, e.Valid)
	}
	return s
}

func TestResumedRunsAreTheSame(t *testing.T) {
	want, c := config("")
	history := metricsOf(mustTrain(t, c))
	for _, stop := range []int{2, 10, 11, 33} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancelCause(context.Background())
		pulled := errors.New("pulled the plug")
		_, c := config(dir)
		c.OnStep = func(e *train.Event) {
			if e.Step == stop {
				cancel(pulled)
			}
		}
		if _, err := train.Run(ctx, c); !errors.Is(err, pulled) {
			t.Fatalf("stopped with error %v", err)
		}
		for _, what := range []string{"resumed", "complete"} {
			got, c := config(dir)
			steps := 0
			c.OnStep = func(*train.Event) { steps++ }
			h := mustTrain(t, c)
			same := slices.Equal(got.Weights().Data(), want.Weights().Data()) && slices.Equal(got.Wins(), want.Wins())
			if !same || metricsOf(h) != history {
				t.Errorf("%s after %d steps: other weights, wins or metrics", what, stop)
			}
			if left := map[string]int{"resumed": 60 - stop, "complete": 0}[what]; steps != left {
				t.Errorf("%s after %d steps: %d steps, want %d", what, stop, steps, left)
			}
			// The cached powers belong to the weights.
			if x := examples(9).X; !slices.Equal(got.Compete(x), NewLearner(competition, got.Weights()).Compete(x)) {
				t.Errorf("%s after %d steps: the learner ranks units by other weights than it has", what, stop)
			}
		}
	}
}

func TestHistory(t *testing.T) {
	l, c := config("")
	calls := 0
	c.Every = time.Nanosecond
	c.Valid = examples(40)
	c.OnEpoch = func(e *train.Event) {
		if calls++; len(e.History.Epochs) != calls || !math.IsNaN(e.Loss) {
			t.Errorf("call %d has %d epochs and loss %v", calls, len(e.History.Epochs), e.Loss)
		}
	}
	h := mustTrain(t, c)
	if calls != 6 || len(h.Epochs) != 6 {
		t.Fatalf("%d calls, %d epochs", calls, len(h.Epochs))
	}
	total, dead := 0, 0
	for _, wins := range l.Wins() {
		total += wins
		if wins == 0 {
			dead++
		}
	}
	last := h.Epochs[5].Train
	norms := competition.PNorms(l.Weights())
	slices.Sort(norms)
	if total != 95 || float64(dead) != last["dead"] {
		t.Errorf("%d wins, %d dead units; history says %v", total, dead, last)
	}
	for name, at := range map[string]int{"min": 0, "10%": 1, "median": 5, "90%": 10, "max": 11} {
		if got := last["norm "+name]; got != norms[at] {
			t.Errorf("norm %s is %v, want %v", name, got, norms[at])
		}
	}
	near(t, "rate of the first epoch's last batch", h.Epochs[0].Train["rate"], 0.04*(1-0.9/6), 1e-12)

	// The last validation metric is the mean current of the winners on the validation data.
	sum := 0.0
	for i := range 40 {
		v, current := widen(c.Valid.(*dataset.Set).X.Row(i)), math.Inf(-1)
		for u := range 12 {
			current = max(current, competition.Current(widen(l.Weights().Row(u)), v))
		}
		sum += current / 40
	}
	near(t, "validation current", h.Epochs[5].Valid["current"], sum, 1e-5)
}

func TestAnotherCompetitionIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, c := config(dir)
	mustTrain(t, c)
	other := competition
	other.Delta = 0.3
	l := NewLearner(other, NewWeights(12, 30, 3))
	l.Rate = optim.Linear(0.04, 0, 6)
	c.Learner = l
	if _, err := train.Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), `"Delta":0.2`) {
		t.Errorf("error %v", err)
	}
}

func TestDivergenceIsAnError(t *testing.T) {
	l, c := config("")
	average := competition
	average.Scale = Average
	l = NewLearner(average, l.Weights())
	l.Rate, c.Learner = optim.Constant(1e6), l
	var diverged *train.DivergedError
	_, err := train.Run(context.Background(), c)
	if !errors.As(err, &diverged) || diverged.Epoch != 1 || diverged.Step != 10 {
		t.Errorf("error %v", err)
	}
	l.Rate = func(float64) float64 { return math.NaN() }
	_, err = train.Run(context.Background(), c)
	if err == nil || !strings.Contains(err.Error(), "schedule gives the rate NaN at epoch 0") {
		t.Errorf("error %v", err)
	}
}
