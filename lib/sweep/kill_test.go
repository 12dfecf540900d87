// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A fit is the setting of a small network that the tests train for real.
type fit struct {
	Units  int     `json:"units"`
	Lambda float64 `json:"lambda"`
	Seed   uint64  `json:"seed"`
}

// A fitted is what the network came to, to the last bit.
type fitted struct {
	Error  float64   `json:"error"`
	Losses []float64 `json:"losses"`
	Weight float32   `json:"weight"`
}

var cloud = blobs(400)

// blobs returns n points of three classes, Gaussian clouds in 20 dimensions.
func blobs(n int) *dataset.Set {
	s := &dataset.Set{X: tensor.New(n, 20), Y: make([]int, n)}
	tensor.Stream(5, "blobs").Normal(s.X.Data(), 0, 1)
	for i := range n {
		s.Y[i] = i % 3
		s.X.Row(i)[s.Y[i]] += 2
	}
	return s
}

func (f fit) train(ctx context.Context) (fitted, error) {
	rng := tensor.Stream(f.Seed, "weights")
	hidden, out := nn.NewDense(20, f.Units, nil, rng), nn.NewDense(f.Units, 3, nil, rng)
	h, err := train.Run(ctx, train.Config{
		Learner: &train.GradientDescent{
			Model: []*nn.Dense{hidden, out},
			Loss: func(b *train.Batch) *autograd.Var {
				a := autograd.ReLU(hidden.Forward(b.X))
				logits := out.Forward(a)
				b.Error(logits)
				return autograd.Add(loss.CrossEntropy(logits, b.Y), loss.L1(a, float32(f.Lambda)))
			},
			Workers: 1,
		},
		Train: cloud, Valid: cloud, Epochs: 3, BatchSize: 20, Seed: f.Seed, Trace: []string{"loss"},
	})
	if err != nil {
		return fitted{}, err
	}
	return fitted{h.Epochs[2].Valid["error"], h.Trace["loss"], hidden.Weight.Data()[7]}, nil
}

func fits() (grid []fit) {
	for _, units := range []int{4, 16, 48} {
		for _, lambda := range []float64{0, 0.01} {
			for seed := range uint64(5) {
				grid = append(grid, fit{units, lambda, seed})
			}
		}
	}
	return grid
}

func fitSweep(file string) Sweep[fit, fitted] {
	return Sweep[fit, fitted]{
		Settings: fits(), File: file, Cost: func(f fit) float64 { return float64(f.Units) },
		Do: func(ctx context.Context, f fit) (fitted, error) { return f.train(ctx) },
	}
}

// Three shards, each killed in the middle by SIGKILL again and again and started anew with another number of workers,
// merge to the very bytes of a run with one worker that nobody disturbed.
func TestSweepKilledShardedAndMerged(t *testing.T) {
	if file := os.Getenv("SWEEP_TEST_FILE"); file != "" {
		s := fitSweep(file)
		fmt.Sscanf(os.Getenv("SWEEP_TEST_SHARD"), "%d/%d/%d", &s.Shard.I, &s.Shard.N, &s.Workers)
		inner := s.Do
		s.Do = func(ctx context.Context, f fit) (fitted, error) {
			time.Sleep(3 * time.Millisecond) // so that there is a middle to be killed in
			return inner(ctx, f)
		}
		if _, err := s.Run(context.Background()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir := t.TempDir()
	quiet := filepath.Join(dir, "quiet.jsonl")
	s := fitSweep(quiet)
	s.Workers = 1
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var files []string
	kills := 0
	for shard := range 3 {
		file := filepath.Join(dir, fmt.Sprintf("%d.jsonl", shard))
		files = append(files, file)
		for attempt := 0; ; attempt++ {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSweepKilledShardedAndMerged$")
			cmd.Env = append(os.Environ(), "SWEEP_TEST_FILE="+file, fmt.Sprintf("SWEEP_TEST_SHARD=%d/3/%d", shard, 1+attempt%3))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if attempt == 3 {
				if err := cmd.Wait(); err != nil {
					t.Fatal(err)
				}
				break
			}
			waitForLines(t, file, 2*attempt+1)
			cmd.Process.Kill()
			if cmd.Wait() != nil {
				kills++
			}
			tear(t, file, attempt)
		}
	}
	if kills < 5 {
		t.Fatalf("only %d processes were killed in time", kills)
	}
	if got, want := sorted(t, files...), sorted(t, quiet); got != want {
		t.Errorf("after %d kills, three shards give\n%s\nwant\n%s", kills, got, want)
	}
}

// waitForLines returns when a file has n lines or soon will not get more.
func waitForLines(t *testing.T, file string, n int) {
	t.Helper()
	for range 2000 {
		text, _ := os.ReadFile(file)
		if strings.Count(string(text), "\n") >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s did not get %d lines", file, n)
}

// tear cuts some bytes off a file's last line, as a kill in the middle of a write may.
func tear(t *testing.T, file string, attempt int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text[:len(text)-1-40*attempt], 0o644); err != nil {
		t.Fatal(err)
	}
}

// A sweep over prices of activity. Started again with a larger grid, it trains the new networks only.
func ExampleSweep() {
	dir, err := os.MkdirTemp("", "sweep")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	trained := 0
	sweep := Sweep[fit, fitted]{
		Do: func(ctx context.Context, f fit) (fitted, error) {
			trained++
			return f.train(ctx)
		},
		File:    filepath.Join(dir, "prices.jsonl"),
		Workers: 1, // trained is not made for several goroutines
	}
	for _, lambda := range []float64{0, 0.01, 0.1} {
		for seed := range uint64(2) {
			sweep.Settings = append(sweep.Settings, fit{Units: 8, Lambda: lambda, Seed: seed})
		}
		rows, err := sweep.Run(context.Background())
		fmt.Printf("%d results, %d networks trained so far, %v\n", len(rows), trained, err)
	}
	// Output:
	// 2 results, 2 networks trained so far, <nil>
	// 4 results, 4 networks trained so far, <nil>
	// 6 results, 6 networks trained so far, <nil>
}
