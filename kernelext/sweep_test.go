// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
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

func TestSweepFile(t *testing.T) {
	t.Setenv("LATERAL_SWEEPS", "")
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("XDG_CACHE_HOME", "/home/somebody/.cache")
	if got := SweepFile("fc1"); !strings.HasPrefix(got, "/home/somebody/") ||
		!strings.HasSuffix(got, filepath.Join("lateral", "sweeps", "fc1.jsonl")) {
		t.Errorf("without LATERAL_SWEEPS: %s", got)
	}
}
