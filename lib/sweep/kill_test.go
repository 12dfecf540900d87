// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
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

// fitSweep is a sweep over small networks.
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
			waitForLines(t, 2*attempt+1, file)
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

// waitForLines returns when one of the files has n lines.
func waitForLines(t *testing.T, n int, files ...string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(time.Millisecond) {
		for _, file := range files {
			text, _ := os.ReadFile(file)
			if strings.Count(string(text), "\n") >= n {
				return
			}
		}
	}
	t.Fatalf("%v did not get %d lines", files, n)
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

// Processes that sweep on a file, or merge into it, are killed at random moments, in half of the cases two at once:
// every result that one of them has reported is on file, whole, and the file can be continued.
//
// LATERAL_KILLS sets how often; the default is a few times.
func TestKillsLoseNoResult(t *testing.T) {
	if file := os.Getenv("SWEEP_TEST_VICTIM"); file != "" {
		victim(file, os.Getenv("SWEEP_TEST_MERGES") != "")
	}
	kills := 10
	if text := os.Getenv("LATERAL_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(14, 1))
	dir, file := "", ""
	reported := map[point]bool{}
	results, merged, writers := 0, 0, 0
	for kill := range kills {
		if kill%20 == 0 { // a small file is read sooner
			dir = t.TempDir()
			file = filepath.Join(dir, "sweep.jsonl")
			clear(reported)
		}
		var victims []*exec.Cmd
		var outputs []string
		for i := range 1 + kill%2 {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKillsLoseNoResult$")
			cmd.Env = append(os.Environ(), "SWEEP_TEST_VICTIM="+file)
			if i == 1 {
				cmd.Env = append(cmd.Env, "SWEEP_TEST_MERGES=yes")
			}
			out, err := os.CreateTemp(t.TempDir(), "output")
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout, cmd.Stderr = out, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() }) // if the test fails before
			victims, outputs = append(victims, cmd), append(outputs, out.Name())
		}
		waitForLines(t, 1, outputs...)
		time.Sleep(time.Duration(rng.Int64N(int64(60 * time.Millisecond))))
		for _, i := range rng.Perm(len(victims)) {
			victims[i].Process.Kill()
			if victims[i].Wait(); victims[i].ProcessState.Exited() {
				t.Fatalf("a process has ended before it was killed:\n%s", read(t, outputs[i]))
			}
			time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Millisecond)))) // for the other, if there is one
			writers++
		}
		for i, out := range outputs {
			for line := range strings.Lines(read(t, out)) {
				var p point
				if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &p) == nil {
					reported[p] = true
					results++
					merged += i
				}
			}
		}
		rows, err := ReadRows[point, worth](file)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		found := map[point]bool{}
		for _, r := range rows {
			found[r.Setting] = r.Result == r.Setting.worth()
		}
		for p := range reported {
			if !found[p] {
				t.Fatalf("kill %d: the result of %+v was reported and is lost", kill, p)
			}
		}
	}
	t.Logf("%d kill points, %d processes killed, %d results reported, %d of them merged, 0 lost",
		kills, writers, results, merged)
	if results < kills || kills >= 50 && merged < kills {
		t.Errorf("only %d results were reported in %d kills, %d of them merged", results, kills, merged)
	}
	if _, err := Merge(file); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp-*")); len(left) > 0 {
		t.Errorf("the next merge leaves %v behind", left)
	}
}

// victim adds results to a file until it is killed, and reports each when it is safe: by itself, or by way of a file of
// its own that it merges into the other.
func victim(file string, merges bool) {
	for n := os.Getpid() * 1000; ; n += 5 {
		s := sweep(file, 0)
		if merges {
			s.File = file + ".part"
		}
		for i := range 5 {
			s.Settings = append(s.Settings, point{n + i, 0.5})
		}
		s.OnResult = func(e *Event[point]) {
			if e.Setting != nil && !merges {
				report(*e.Setting)
			}
		}
		_, err := s.Run(context.Background())
		if err == nil && merges {
			if _, err = Merge(file, s.File); err == nil {
				report(s.Settings...)
			}
		}
		if held := (*durable.HeldError)(nil); err != nil && !errors.As(err, &held) {
			fmt.Println(err)
			os.Exit(1)
		}
		time.Sleep(2 * time.Millisecond) // so that the other has its turn
	}
}

func report(settings ...point) {
	for _, p := range settings {
		text, err := json.Marshal(p)
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(append(text, '\n'))
	}
}
