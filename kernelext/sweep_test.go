// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lateral-ml/lateral/lib/sweep"
)

func TestSweepKeepsResultsWhereLateralSweepDoes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sweeps")
	t.Setenv("LATERAL_SWEEPS", dir)
	type setting struct{ Seed int }
	var calls atomic.Int32
	events := 0
	s := sweep.Sweep[setting, float64]{
		Settings: []setting{{1}, {2}, {3}},
		Do: func(_ context.Context, s setting) (float64, error) {
			calls.Add(1)
			if s.Seed == 4 {
				return 0, errors.New("four is too many")
			}
			return float64(s.Seed) / 10, nil
		},
		OnResult: func(*sweep.Event[setting]) { events++ },
	}
	rows := Sweep("small", s)
	if len(rows) != 3 || rows[2].Result != 0.3 || events != 4 {
		t.Errorf("%v after %d events", rows, events)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "small.jsonl")); err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("on file: %q, %v", text, err)
	}
	s.Settings = append(s.Settings, setting{4}, setting{5})
	rows, err := TrySweep("small", s)
	if len(rows) != 4 || err == nil || !strings.Contains(err.Error(), `{"Seed":4}: four is too many`) ||
		calls.Load() != 5 {
		t.Errorf("%v, %v after %d calls", rows, err, calls.Load())
	}
	// A file of one's own.
	s.Settings, s.File = s.Settings[:2], filepath.Join(t.TempDir(), "own")
	if rows, err = TrySweep("small", s); err != nil || len(rows) != 2 || calls.Load() != 7 {
		t.Errorf("%v, %v after %d calls", rows, err, calls.Load())
	}
}

// TestSweepsBeginWithKnownResults checks that results of the module are read, and never written over others.
func TestSweepsBeginWithKnownResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sweeps")
	t.Setenv("LATERAL_SWEEPS", dir)
	about, err := os.ReadFile(filepath.Join("..", "data", "results", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("..", "data", "results", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		rows, err := sweep.ReadRows[json.RawMessage, json.RawMessage](SweepFile(name))
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
		if !strings.Contains(string(about), "| `"+name+".jsonl` | `lateral sweep run ") {
			t.Errorf("results/README.md does not say how %s.jsonl was made", name)
		}
	}
	if _, err := os.Stat(SweepFile("unknown")); err == nil {
		t.Error("a file for a sweep without results")
	}
	own := filepath.Join(dir, "wta.jsonl")
	if err := os.WriteFile(own, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(SweepFile("wta")); err != nil || len(text) != 0 {
		t.Errorf("a file that was there became %q, %v", text, err)
	}
}

func TestSweepFile(t *testing.T) {
	t.Setenv("LATERAL_SWEEPS", "")
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("XDG_CACHE_HOME", "/home/somebody/.cache")
	if got := SweepFile("fc1"); !strings.HasPrefix(got, "/home/somebody/") ||
		!strings.HasSuffix(got, filepath.Join("lateral", "sweeps", "fc1.jsonl")) {
		t.Errorf("without LATERAL_SWEEPS: %s", got)
	}
}
