// SPDX-License-Identifier: Apache-2.0

package hebbian_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	. "github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func examples(n int) *dataset.Set {
	set := &dataset.Set{X: uniform("examples", n, 1, 5, 6), Y: make([]int, n), Classes: []string{"a", "b"}, Sum: "s"}
	for i := range set.Y {
		set.Y[i] = i % 2
	}
	return set
}

func config(dir string) Config {
	return Config{
		Competition: Competition{Rule: Rule{P: 3}, Delta: 0.2, Scale: Largest}, Data: examples(95), Units: 12,
		Epochs: 6, BatchSize: 10, Seed: 3, Workers: 1, Dir: dir,
	}
}

func mustTrain(t *testing.T, c Config) *Trained {
	t.Helper()
	r, err := Train(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dying is data that cancels a run after some batches.
type dying struct {
	*dataset.Set
	left   int
	cancel context.CancelCauseFunc
}

var errPulled = errors.New("pulled the plug")

func (d *dying) Gather(x *tensor.Tensor, y, idx []int) {
	if d.left--; d.left == 0 {
		d.cancel(errPulled)
	}
	d.Set.Gather(x, y, idx)
}

func TestResumedRunsAreTheSame(t *testing.T) {
	want := mustTrain(t, config(""))
	for _, stop := range []int{2, 10, 11, 33} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancelCause(context.Background())
		c := config(dir)
		c.Data = &dying{examples(95), stop, cancel}
		part, err := Train(ctx, c)
		if !errors.Is(err, errPulled) || part.Weights == nil {
			t.Fatalf("stopped with error %v", err)
		}
		got := mustTrain(t, config(dir))
		if !slices.Equal(got.Weights.Data(), want.Weights.Data()) || !slices.Equal(got.Wins, want.Wins) {
			t.Errorf("resumed after %d batches: other weights or wins", stop)
		}
		for i := range want.Epochs {
			if got.Epochs[i].Norms != want.Epochs[i].Norms || got.Epochs[i].Dead != want.Epochs[i].Dead {
				t.Errorf("resumed after %d batches: epoch %d is %+v, want %+v", stop, i, got.Epochs[i], want.Epochs[i])
			}
		}
		again := mustTrain(t, config(dir)) // it is complete
		if !slices.Equal(again.Weights.Data(), want.Weights.Data()) || len(again.Epochs) != 6 {
			t.Error("a complete run went on")
		}
	}
}

func TestHistory(t *testing.T) {
	c, calls := config(""), 0
	c.Every = time.Nanosecond
	c.OnEpoch = func(r *Trained) {
		if calls++; len(r.Epochs) != calls {
			t.Errorf("call %d has %d epochs", calls, len(r.Epochs))
		}
	}
	r := mustTrain(t, c)
	if calls != 6 || len(r.Epochs) != 6 || !slices.Equal(r.Weights.Shape(), []int{12, 30}) {
		t.Fatalf("%d calls, %d epochs, weights %v", calls, len(r.Epochs), r.Weights.Shape())
	}
	total, dead := 0, 0
	for _, wins := range r.Wins {
		total += wins
		if wins == 0 {
			dead++
		}
	}
	last := r.Epochs[5]
	norms := c.PNorms(r.Weights)
	slices.Sort(norms)
	if total != 95 || dead != last.Dead || last.Norms[0] != norms[0] || last.Norms[4] != norms[11] {
		t.Errorf("%d wins, %d dead units, norms %v; history says %+v", total, dead, norms, last)
	}
	near(t, "rate of the first epoch's last batch", r.Epochs[0].Rate, 0.04*(1-0.9/6), 1e-12)
}

func TestWrongCheckpoints(t *testing.T) {
	dir := t.TempDir()
	mustTrain(t, config(dir))
	other := config(dir)
	other.Delta = 0.3
	if _, err := Train(context.Background(), other); err == nil || !strings.Contains(err.Error(), "belongs to another run") {
		t.Errorf("error %v", err)
	}
	file := filepath.Join(dir, "hebbian.safetensors")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, whole[:len(whole)-7], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), config(dir)); err == nil || !strings.Contains(err.Error(), "cannot read the checkpoint") {
		t.Errorf("error %v", err)
	}
	c := config("")
	c.Key = func() {}
	if _, err := Train(context.Background(), c); err == nil || !strings.Contains(err.Error(), "Key") {
		t.Errorf("error %v", err)
	}
}

func TestDivergenceIsAnError(t *testing.T) {
	c := config("")
	c.Scale, c.Rate = Average, optim.Constant(1e6)
	if _, err := Train(context.Background(), c); err == nil || !strings.Contains(err.Error(), "no longer finite after epoch 1") {
		t.Errorf("error %v", err)
	}
}
