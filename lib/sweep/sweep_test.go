// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A point is a setting of the tests' sweep, a worth its result.
type point struct {
	Units int     `json:"units"`
	Price float64 `json:"price"`
}

type worth struct {
	Value float64 `json:"value"`
}

// grid returns n settings of different costs.
func grid(n int) []point {
	g := make([]point, n)
	for i := range g {
		g[i] = point{1 + i*7%5, float64(i) / 10}
	}
	return g
}

func sweep(file string, n int) Sweep[point, worth] {
	return Sweep[point, worth]{
		Settings: grid(n), File: file,
		Do:   func(_ context.Context, p point) (worth, error) { return p.worth(), nil },
		Cost: func(p point) float64 { return float64(p.Units) },
	}
}

// worth is a number with many digits.
func (p point) worth() worth { return worth{math.Sqrt(float64(p.Units)) + p.Price/3} }

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sorted returns the bytes of a file after sorting, by way of Merge.
func sorted(t *testing.T, files ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "sorted.jsonl")
	if _, err := Merge(out, files...); err != nil {
		t.Fatal(err)
	}
	return read(t, out)
}

func TestSweep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "folder", "sweep.jsonl")
	s := sweep(file, 23)
	s.Workers = 1
	var calls atomic.Int32
	inner := s.Do
	s.Do = func(ctx context.Context, p point) (worth, error) { calls.Add(1); return inner(ctx, p) }
	rows, err := s.Run(t.Context())
	if err != nil || len(rows) != 23 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, r := range rows {
		if r.Setting != s.Settings[i] || r.Result != r.Setting.worth() {
			t.Errorf("row %d is %+v, want the result of %+v", i, r, s.Settings[i])
		}
	}
	first := strings.SplitAfter(read(t, file), "\n")[0]
	if want := sealed(`{"setting":{"units":5,"price":0.2},"result":{"value":2.3027346441664567}}`); first != want {
		t.Errorf("the file starts with %s, want %s", first, want)
	}

	// A larger grid computes what is new, another run nothing.
	s.Settings = grid(30)
	if rows, err = s.Run(t.Context()); err != nil || len(rows) != 30 || calls.Load() != 30 {
		t.Errorf("%d rows after %d calls, %v", len(rows), calls.Load(), err)
	}
	again, err := s.Run(t.Context())
	if err != nil || calls.Load() != 30 || !slices.Equal(again, rows) {
		t.Errorf("a complete sweep called Do %d times: %v", calls.Load()-30, err)
	}
	// A smaller grid gets its own rows only.
	s.Settings = grid(4)
	if rows, err = s.Run(t.Context()); err != nil || len(rows) != 4 || rows[3].Setting != s.Settings[3] {
		t.Errorf("rows of a part of the grid: %v, %v", rows, err)
	}
	if got, err := ReadRows[point, worth](file); err != nil || len(got) != 30 {
		t.Errorf("%d rows on file, %v", len(got), err)
	}
}

func TestSweepStartsTheDearestFirst(t *testing.T) {
	s := sweep("", 20)
	s.Workers = 1
	var order []int
	s.Do = func(_ context.Context, p point) (worth, error) { order = append(order, p.Units); return p.worth(), nil }
	rows, err := s.Run(t.Context())
	if err != nil || len(order) != 20 || !slices.IsSortedFunc(order, func(a, b int) int { return b - a }) {
		t.Errorf("%v, in the order %v", err, order)
	}
	if len(rows) != 20 || rows[7].Setting != s.Settings[7] {
		t.Errorf("the rows are not in the order of the grid: %v", rows)
	}

	// With rounds: the even prices first.
	order = nil
	s.Round = func(p point) int { return int(10*p.Price+0.5) % 2 }
	s.Do = func(_ context.Context, p point) (worth, error) {
		order = append(order, 100*s.Round(p)-p.Units)
		return p.worth(), nil
	}
	if _, err := s.Run(t.Context()); err != nil || len(order) != 20 || !slices.IsSorted(order) {
		t.Errorf("%v, in rounds in the order %v", err, order)
	}
}

func TestSweepIsTheSameForAnyWorkersAndShards(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.jsonl")
	s := sweep(whole, 40)
	s.Workers = 1
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := sorted(t, whole)
	lines := strings.SplitAfter(read(t, whole), "\n")
	lines = lines[:len(lines)-1]
	start := len(sealed("")) - len("}\n") // of the row in a line
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[start:], b[start:]) })
	if strings.Join(lines, "") != want || len(lines) != 40 {
		t.Error("Merge of one file is not the file with its lines sorted")
	}
	for n := 1; n <= 7; n++ {
		var files []string
		total, most := 0, 0.0
		for i := range n {
			file := filepath.Join(dir, fmt.Sprintf("%d-of-%d.jsonl", i, n))
			s := sweep(file, 40)
			s.Shard, s.Workers = Shard{i, n}, 1+i
			rows, err := s.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cost := 0.0
			for _, r := range rows {
				cost += s.Cost(r.Setting)
			}
			total, most = total+len(rows), max(most, cost)
			files = append(files, file)
		}
		slices.Reverse(files)
		if got := sorted(t, files...); got != want || total != 40 {
			t.Errorf("%d shards with %d rows merge to other bytes than one run", n, total)
		}
		// 40 settings cost 120 together.
		if most > 120/float64(n)+5 {
			t.Errorf("of %d shards the dearest costs %v of 120", n, most)
		}
	}
}

func TestSweepCollectsFailures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	s := sweep(file, 20)
	good := s.Do
	cause := errors.New("no such luck")
	s.Do = func(ctx context.Context, p point) (worth, error) {
		switch {
		case p.Units == 3:
			return worth{}, cause
		case p.Price == 0.2:
			return worth{math.NaN()}, nil
		}
		return good(ctx, p)
	}
	rows, err := s.Run(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || !errors.Is(err, cause) || len(failed.Failures) != 5 || failed.Total != 20 ||
		len(rows) != 15 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, want := range []string{
		"5 of 20 settings failed", `{"units":5,"price":0.2}: the result cannot be written as JSON`,
		`{"units":3,"price":0.6}: no such luck`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	s.Do = good
	if rows, err = s.Run(t.Context()); err != nil || len(rows) != 20 {
		t.Errorf("after the cause was removed: %d rows, %v", len(rows), err)
	}

	s = sweep("", 12)
	s.Do = func(context.Context, point) (worth, error) { return worth{}, cause }
	if _, err = s.Run(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "\nand 7 more") {
		t.Errorf("twelve failures: %v", err)
	}
}

func TestSweepIsCancelled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	s := sweep(file, 20)
	s.Workers = 2
	stop := errors.New("stop button")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.Do = func(ctx context.Context, p point) (worth, error) {
		if p.Units == 1 { // the cheapest are the last
			cancel(stop)
			<-ctx.Done()
			return worth{}, ctx.Err()
		}
		return p.worth(), nil
	}
	rows, err := s.Run(ctx)
	want := fmt.Sprintf("interrupted with %d of 20 results", len(rows))
	if !errors.Is(err, stop) || !strings.Contains(err.Error(), want) || len(rows) < 14 || len(rows) > 16 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if n := strings.Count(read(t, file), "\n"); n != len(rows) {
		t.Errorf("%d lines on file, %d rows returned", n, len(rows))
	}
	if rows, err = sweep(file, 20).Run(t.Context()); err != nil || len(rows) != 20 {
		t.Errorf("continued: %d rows, %v", len(rows), err)
	}
}

func TestSweepTellsHowFarItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	if _, err := sweep(file, 8).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := sweep(file, 20)
	s.Do = func(_ context.Context, p point) (worth, error) {
		time.Sleep(time.Millisecond)
		if p.Price == 1.9 {
			return worth{}, errors.New("bad")
		}
		return p.worth(), nil
	}
	var events []Event[point]
	s.OnResult = func(e *Event[point]) { events = append(events, *e) }
	s.Run(t.Context())
	if len(events) != 13 {
		t.Fatalf("%d events, want one at the start and 12", len(events))
	}
	first, last := events[0], events[12]
	if first.Done != 8 || first.Reused != 8 || first.Total != 20 || first.Setting != nil || first.Left != 0 {
		t.Errorf("at the start: %+v", first)
	}
	if last.Done != 19 || last.Failed != 1 || last.Setting == nil || last.Left != 0 || last.Took < time.Millisecond {
		t.Errorf("at the end: %+v", last)
	}
	if middle := events[6]; middle.Left <= 0 || middle.Left > 100*middle.Elapsed {
		t.Errorf("in the middle: %+v", middle)
	}
	i := slices.IndexFunc(events, func(e Event[point]) bool { return e.Err != nil })
	if i < 0 || events[i].Setting.Price != 1.9 {
		t.Error("no event has the error")
	}
}

// Who wants no more than the results on file needs no place for others, and need not wait for who adds some.
func TestCompleteSweepWritesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sweep.jsonl")
	if _, err := sweep(file, 3).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	larger := sweep(file, 4)
	inner := larger.Do
	larger.Do = func(ctx context.Context, p point) (worth, error) {
		if rows, err := sweep(file, 3).Run(ctx); len(rows) != 3 || err != nil {
			t.Errorf("the results on file, while another is computed: %v, %v", rows, err)
		}
		return inner(ctx, p)
	}
	if _, err := larger.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSweepMistakesPanic(t *testing.T) {
	for want, change := range map[string]func(*Sweep[point, worth]){
		"Do is required":                  func(s *Sweep[point, worth]) { s.Do = nil },
		"shard 3/3: want 0 <= I < N":      func(s *Sweep[point, worth]) { s.Shard = Shard{3, 3} },
		"shard -1/3":                      func(s *Sweep[point, worth]) { s.Shard = Shard{-1, 3} },
		`settings 1 and 3 are alike: {"u`: func(s *Sweep[point, worth]) { s.Settings[3] = s.Settings[1] },
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			s := sweep("", 5)
			change(&s)
			s.Run(t.Context())
		}()
	}
	s := sweep("", 5)
	s.Settings[2].Price = math.Inf(1)
	if _, err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "setting 2 cannot be written") {
		t.Errorf("a setting that is no JSON: %v", err)
	}
}
