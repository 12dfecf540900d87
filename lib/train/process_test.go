// SPDX-License-Identifier: Apache-2.0

package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// TestMain trains in a folder if a test has started this process for it.
func TestMain(m *testing.M) {
	dir := os.Getenv("TRAIN_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	c := config(newNet())
	c.Dir, c.Every = dir, time.Nanosecond
	c.OnStep = func(*Event) { time.Sleep(2 * time.Millisecond) }
	if _, err := Run(context.Background(), c); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// process returns a process that trains in a folder, and its output.
func process(dir string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd, out := exec.Command(os.Args[0]), new(bytes.Buffer)
	cmd.Env = append(append(os.Environ(), "TRAIN_TEST_DIR="+dir), env...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// A training survives repeated kills in the middle of saving and training, alone or beside another one that wants the
// same folder. TRAIN_KILLS asks for more kills than a quick test has time for.
func TestKillAndResume(t *testing.T) {
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("TRAIN_KILLS")); err == nil {
		rounds = n
	}
	want, history := reference(t)
	dir, kills, refused, runs := filepath.Join(t.TempDir(), "run"), 0, 0, 0
	finished := func() {
		n := newNet()
		c := config(n)
		c.Dir = dir
		h, err := Run(t.Context(), c)
		if err != nil {
			t.Fatalf("after %d kills: %v", kills, err)
		}
		if !slices.Equal(n.weights(), want) || withoutTimes(h) != history {
			t.Fatalf("after %d kills the results differ from those of an uninterrupted run", kills)
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.Contains(e.Name(), ".tmp-") {
				t.Errorf("%s was left behind", e.Name())
			}
		}
		runs++
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	for round := range rounds {
		writers := 1 + round%2
		var cmds []*exec.Cmd
		var outs []*bytes.Buffer
		for range writers {
			cmd, out := process(dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds, outs = append(cmds, cmd), append(outs, out)
		}
		// Once there is something to resume from, kill at another point each time.
		for range 500 {
			if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Duration(round*1700%29000) * time.Microsecond)
		done := false
		for _, cmd := range cmds {
			cmd.Process.Kill()
		}
		for i, cmd := range cmds {
			switch err := cmd.Wait(); {
			case err == nil:
				done = true
			case strings.Contains(outs[i].String(), "is in use by "):
				refused++
			case outs[i].Len() > 0:
				t.Fatalf("after %d kills: %s", kills, outs[i])
			default:
				kills++
			}
		}
		if done {
			finished()
		}
	}
	finished()
	if kills < rounds/2 || rounds >= 100 && refused == 0 {
		t.Fatalf("in %d rounds %d processes were killed in time and %d were refused the folder", rounds, kills, refused)
	}
	t.Logf("%d kills and %d refusals in %d runs, nothing lost", kills, refused, runs)
}

// A checkpoint of kernels that round differently is refused; AVX2 and AVX-512 round alike.
func TestKernelsOfACheckpoint(t *testing.T) {
	if name := simd.Name(); name != "avx2" && name != "avx512" {
		t.Skip("the kernels are " + name)
	}
	dir := started(t, 17)
	cmd, out := process(dir, "LATERAL_SIMD=off")
	if err := cmd.Run(); err == nil || !strings.Contains(out.String(), "Kernels was AVX2 or AVX-512 and is now go") {
		t.Errorf("%v: %s", err, out)
	}
	cmd, out = process(dir, "LATERAL_SIMD=avx2")
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	n := newNet()
	c := config(n)
	c.Dir = dir
	want, _ := reference(t)
	if _, err := Run(t.Context(), c); err != nil || !slices.Equal(n.weights(), want) {
		t.Errorf("AVX2 has continued to other weights: %v", err)
	}
}

// A run begun in one precision of matrix products is not resumed in another.
func TestPrecisionOfACheckpoint(t *testing.T) {
	dir := started(t, 17)
	for _, precision := range []string{"bf16x3", "bf16"} {
		cmd, out := process(dir, "LATERAL_MATMUL="+precision)
		if err := cmd.Run(); err == nil || !strings.Contains(out.String(), " with products in "+precision+"; ") {
			t.Errorf("%v: %s", err, out)
		}
	}
	dir = filepath.Join(t.TempDir(), "run")
	cmd, out := process(dir, "LATERAL_MATMUL=bf16x3")
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	cmd, out = process(dir, "LATERAL_MATMUL=")
	if err := cmd.Run(); err == nil || !strings.Contains(out.String(), " with products in bf16x3 and is now ") {
		t.Errorf("%v: %s", err, out)
	}
}

// A counter counts the steps of an epoch in its memory.
type counter struct {
	*scripted
	steps *tensor.Tensor
}

func (c *counter) Step(b *dataset.Batch, r *Recorder) error {
	c.steps.Data()[0]++
	return c.scripted.Step(b, r)
}

func (c *counter) State() State {
	s := c.scripted.State()
	s.Memory = []tensor.Named{{Name: "steps", Tensor: c.steps}}
	return s
}

func (c *counter) BeginEpoch() { c.steps.Fill(0) }

func (c *counter) EndEpoch(*Recorder) error { return nil }

// A run that is interrupted between two epochs leaves the files of its checkpoint alone, so that no kill can damage it.
func TestInterruptBetweenEpochs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	for range 2 { // the second run begins interrupted
		c := Config{
			Learner: &counter{newScripted(1, 1), tensor.New(1)}, Train: blobs(3, 1), Epochs: 2, BatchSize: 1, Dir: dir,
			OnEpoch: func(*Event) { cancel() },
		}
		if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		saved, _, err := tensor.LoadSafetensors(filepath.Join(dir, "weights-1-3.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range saved {
			if steps := s.Tensor.Data()[0]; steps != 3 {
				t.Errorf("the file was written again: %s is %v, want 3", s.Name, steps)
			}
		}
	}
}

// A starter adds to the memory of a counter when an epoch begins.
type starter struct{ *counter }

func (s starter) BeginEpoch() { s.steps.Data()[0] += 100 }

// A run that is interrupted before its first step begins its first epoch once, whenever it goes on.
func TestInterruptBeforeTheFirstStep(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	dir := t.TempDir()
	for _, ctx := range []context.Context{stopped, stopped, t.Context()} {
		s := starter{&counter{newScripted(1), tensor.New(1)}}
		c := Config{Learner: s, Train: blobs(3, 1), Epochs: 1, BatchSize: 1, Dir: dir}
		_, err := Run(ctx, c)
		if ctx == stopped && !errors.Is(err, context.Canceled) || ctx != stopped && err != nil {
			t.Fatal(err)
		}
		if got := s.steps.Data()[0]; err == nil && got != 103 {
			t.Errorf("the memory holds %v, want 100 for the epoch and 3 for its steps", got)
		}
	}
}
