// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/sweep"
)

// runSweep runs `lateral sweep` with arguments, away from the user's files.
func runSweep(t *testing.T, ctx context.Context, args ...string) (stdout string, err error) {
	t.Helper()
	t.Setenv("LATERAL_DATA", "")
	var out bytes.Buffer
	cmd := sweepCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(ctx)
	return out.String(), err
}

// sweepHere runs it to its end in a directory of its own and returns that.
func sweepHere(t *testing.T, args ...string) (dir, stdout string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("LATERAL_SWEEPS", dir)
	out, err := runSweep(t, t.Context(), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, out
}

func TestSweepRunStatusMerge(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks for some seconds")
	}
	dir, out := sweepHere(t, "run", "fc1", "--profile", "quick", "--data", "glyphs")
	whole := filepath.Join(dir, "fc1.jsonl")
	for _, want := range []string{"Glyphs, made from seed 1", "results: " + whole,
		"0 of 15 results are there, 15 networks to train, ", "15/15  8 relu, l1 x 0", "15 networks in ",
		"images trained per second"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	// Again: nothing to do.
	before, _ := os.ReadFile(whole)
	out, err := runSweep(t, t.Context(), "run", "fc1", "--profile", "quick", "--data", "glyphs")
	after, _ := os.ReadFile(whole)
	if err != nil || !strings.Contains(out, "15 of 15 results are there, 0 networks to train") ||
		!bytes.Equal(before, after) {
		t.Errorf("%v\n%s", err, out)
	}

	// Another seed: what is there is the first half.
	more := filepath.Join(dir, "more.jsonl")
	if err := os.WriteFile(more, before, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = runSweep(t, t.Context(), "run", "fc1", "--profile", "quick", "--seeds", "2", "--data", "glyphs",
		"--out", more)
	after, _ = os.ReadFile(more)
	if err != nil || !strings.Contains(out, "15 of 30 results are there, 15 networks to train") ||
		!bytes.HasPrefix(after, before) || bytes.Count(after, []byte("\n")) != 30 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runSweep(t, t.Context(), "status", more)
	if err != nil || !strings.Contains(out, "fc1 on Glyphs, quick: 15 of 15, complete for 2 seeds\n") {
		t.Errorf("%v\n%s", err, out)
	}

	// Two parts, with other numbers of workers.
	var parts []string
	for i := range 2 {
		out, err := runSweep(t, t.Context(), "run", "fc1", "--profile", "quick", "--data", "glyphs", "--shard",
			fmt.Sprintf("%d/2", i), "--workers", fmt.Sprint(1+2*i))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		parts = append(parts, filepath.Join(dir, fmt.Sprintf("fc1.%d-of-2.jsonl", i)))
	}
	out, err = runSweep(t, t.Context(), "status", "--missing", parts[0])
	if err != nil || !strings.Contains(out, "8 results in 1 file\nfc1 on Glyphs, quick: 8 of 15, 7 missing\n") ||
		!strings.Contains(out, "relu, l1 x 0.12, seeds 0") && !strings.Contains(out, "relu, l1 x 0.032, seeds 0") {
		t.Errorf("%v\n%s", err, out)
	}
	joined, sorted := filepath.Join(dir, "joined.jsonl"), filepath.Join(dir, "sorted.jsonl")
	if out, err = runSweep(t, t.Context(), append([]string{"merge", "-o", joined}, parts...)...); err != nil ||
		out != "15 results in "+joined+"\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err = runSweep(t, t.Context(), "merge", "-o", sorted, whole); err != nil {
		t.Error(err)
	}
	a, _ := os.ReadFile(joined)
	b, _ := os.ReadFile(sorted)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("two parts merge to other bytes than one run")
	}
	out, err = runSweep(t, t.Context(), "status", joined)
	if err != nil || !strings.Contains(out, "15 of 15, complete for 1 seed") || strings.Contains(out, "paper") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Ctrl-C ends the command with the status that shells know, and the message says how to go on.
func TestSweepIsInterrupted(t *testing.T) {
	t.Setenv("LATERAL_SWEEPS", t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{})
	out, err := runSweep(t, ctx, "run", "fc1", "--profile", "quick", "--data", "glyphs")
	if !errors.Is(err, interrupted{}) || !strings.Contains(err.Error(), "interrupted with 0 of 15 results") ||
		!strings.Contains(err.Error(), "the same command goes on from there") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSweepSignal(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "lateral")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "sweep", "run", "fc1", "--profile", "paper", "--data", "glyphs", "--out",
		"fc1.jsonl", "--workers", "1")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LATERAL_DATA=")
	var out, problems lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	for start := time.Now(); !strings.Contains(out.String(), "networks to train"); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("it does not begin:\n%s%s", &out, &problems)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() != 130 ||
		!strings.Contains(problems.String(), "the same command goes on from there") {
		t.Errorf("%v\n%s%s", err, &out, &problems)
	}
}

// A file that is something else stays as it is, and nobody is told to go on.
func TestSweepRefusesAForeignFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "diary.txt")
	os.WriteFile(file, []byte("dear diary\n"), 0o644)
	out, err := runSweep(t, t.Context(), "run", "ae", "--profile", "quick", "--data", "glyphs", "--out", file)
	text, _ := os.ReadFile(file)
	if err == nil || !strings.Contains(err.Error(), "line 1 of "+file) ||
		strings.Contains(err.Error(), "goes on from there") || string(text) != "dear diary\n" {
		t.Errorf("%v, %q\n%s", err, text, out)
	}
}

// A lockedBuffer is written to by a process and read meanwhile.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestSweepMistakes(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign.jsonl")
	if err := os.WriteFile(foreign, []byte("{\"accuracy\": 1}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string]string{
		`no grid "fc9": use one of fc1`:                       "run fc9",
		"drmm-best, drmm-terms":                               "run nosuch",
		`no profile "huge"`:                                   "run fc1 --profile huge",
		`no data set "cifar"`:                                 "run fc1 --data cifar",
		`--shard: sweep: shard "2/2": want I/N with I from 0`: "run fc1 --shard 2/2",
		`shard "-1/2": want`:                                  "run fc1 --shard -1/2",
		`shard "1/2/3": want`:                                 "run fc1 --shard 1/2/3",
		`shard "01/2": want`:                                  "run fc1 --shard 01/2",
		`shard "x": want`:                                     "run fc1 --shard x",
		"--workers -1":                                        "run fc1 --workers -1",
		"--seeds -1: want":                                    "run fc1 --seeds -1",
		"lateral sweep merge -o OUT a b":                      "merge a b",
		"no such file":                                        "status nowhere.jsonl",
		"line 1 of " + foreign:                                "status " + foreign,
		"line 1 of " + foreign + " is no result":              "merge -o " + foreign + ".out " + foreign,
		`no job file for "cron"`:                              "jobs cron",
		"--shards 0":                                          "jobs slurm --shards 0",
		"--data cifar: use one of mnist, cifar10":             "jobs slurm --data cifar",
		`no grid "fc8"`:                                       "jobs slurm --grid fc8",
		`--image "a b" is no name`:                            "jobs kubernetes --image a\u00a0b",
		`there is no grid "fc7"`:                              "jobs parallel --grid fc7",
		"name the grid to train, such as lateral":             "run",
		"train one at a time":                                 "run fc1 fc2",
		"name the files of results, such as lateral sweep st": "status",
		"name the files of results, such as lateral sweep me": "merge",
		"name one system, such as lateral sweep jobs slurm":   "jobs",
	} {
		var parts []string
		for _, part := range strings.Fields(strings.ReplaceAll(args, "\u00a0", "~")) {
			parts = append(parts, strings.ReplaceAll(part, "~", " "))
		}
		if out, err := runSweep(t, t.Context(), parts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q\n%s", args, err, want, out)
		}
	}
}

func TestSweepListsTheGrids(t *testing.T) {
	for _, args := range [][]string{{"list"}, {"run", "--help"}} {
		out, err := runSweep(t, t.Context(), args...)
		if err != nil || !strings.Contains(out, "fc1                    15        80   1600  mnist      one hidden layer") ||
			!strings.Contains(out, "\n  mnist, else glyphs\n  olshausen, else leaves\n") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		for _, e := range papers.Grids() {
			if !strings.Contains(out, "\n  "+e.Name+" ") || !strings.Contains(out, "  "+e.Data[0]+" ") {
				t.Errorf("%q: the list lacks %s, of %s", args, e.Name, e.Data)
			}
		}
	}
}

// Files of networks and files of mixture models may be asked about together.
func TestSweepStatusOfMixtures(t *testing.T) {
	grid, err := ninai17.Grids.Lookup("drmm", experiment.Quick)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "drmm.jsonl")
	write := func(settings []ninai17.Setting) {
		var text bytes.Buffer
		for _, s := range settings {
			line, err := json.Marshal(sweep.Row[ninai17.Setting, ninai17.Metrics]{Setting: s})
			if err != nil {
				t.Fatal(err)
			}
			text.Write(append(line, '\n'))
		}
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Glyphs", "MNIST"} {
		grid.Seeds = 2
		settings := grid.Settings(experiment.Source{Data: name, Checksum: "a sum", Images: 10000})
		write(settings)
		out, err := runSweep(t, t.Context(), "status", file)
		if want := "30 results in 1 file\ndrmm on " + name +
			", quick: 15 of 15, complete for 2 seeds\n"; err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%v\n%s\nwant %s", err, out, want)
		}
		write(settings[4:])
		out, err = runSweep(t, t.Context(), "status", "--missing", file)
		if want := "quick: 13 of 15, 2 missing\n  sup, 50 labels, 0 unlabelled, seeds 0\n" +
			"  mpc, 50 labels, 3000 unlabelled, seeds 0\n"; err != nil || !strings.Contains(out, want) {
			t.Errorf("%v\n%s\nwant %s", err, out, want)
		}
	}
}
