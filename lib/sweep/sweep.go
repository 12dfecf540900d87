// SPDX-License-Identifier: Apache-2.0

// Package sweep computes a result for every setting of a grid, several at a time, and keeps each in a file of which
// nothing is lost: a sweep goes on where it stopped, on one machine or in shards on several.
package sweep

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Sweep computes a result for every setting of a grid, several at a time, and keeps each in a file as soon as it is
// there. Started again, with the same or a larger grid, it computes what the file lacks:
//
//	results, err := sweep.Sweep[Setting, Measures]{
//		Settings: grid,
//		Do:       func(ctx context.Context, s Setting) (Measures, error) { return s.train(ctx, data) },
//		File:     "relu.jsonl",
//	}.Run(ctx)
//
// S and R are structs that encoding/json writes and reads back without loss. The JSON of a setting is the key of its
// result, so it has to hold everything that the result depends on: lambda, seed, the sum of the data. A field that is
// added to S or R later needs the option omitempty, or what is on file is refused.
//
// If Do depends on its setting alone and trains with one worker, the results are the same, bit for bit, for any number
// of Workers, any sharding and any history of interruptions, on machines that use the same kernels ([autograd.Kernels]).
// Only their order in the file differs; [Merge] sorts them.
type Sweep[S, R any] struct {
	Settings []S                                       // the grid, no setting twice
	Do       func(ctx context.Context, s S) (R, error) // computes one result; runs in several goroutines at once
	File     string                                    // where results are kept, a line of JSON each; "" keeps none
	Shard    Shard                                     // the part of the grid to compute; the zero value is all of it
	Workers  int                                       // settings at a time; 0 is one for each core
	Round    func(s S) int                             // settings of lower rounds start first, so that a part of the results is of use; nil if all are of one
	Cost     func(s S) float64                         // of a setting in any unit, so that the dearest of a round start first; nil if all cost the same
	OnResult func(e *Event[S])                         // called once at the start and after each setting, one call at a time; may be nil
}

// A Row is a setting and its result, as a line of the file holds them:
//
//	{"setting":{"lambda":0.008,"seed":3},"result":{"accuracy":0.97}}
type Row[S, R any] struct {
	Setting S `json:"setting"`
	Result  R `json:"result"`
}

// A Shard is part I of N equal parts of a grid, 0 <= I < N: what one of N machines computes. Settings are dealt out in
// turn, in the order they start in, so that the parts cost about the same. The zero value is the whole grid.
type Shard struct{ I, N int }

// String returns the shard as I/N.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }

// A Event says how far a sweep is. It is reused: copy what must last.
type Event[S any] struct {
	Done, Total int           // settings of the shard that have a result, of how many
	Reused      int           // of those done, the ones that were on file at the start
	Failed      int           // settings whose Do returned an error
	Elapsed     time.Duration // since the start
	Left        time.Duration // expected from the costs; 0 while nothing is known

	Setting *S            // that has ended just now; nil at the start
	Took    time.Duration // its time
	Err     error         // its error, if it failed
}

// A Error says which settings failed.
type Error struct {
	Total    int     // settings in the shard
	Failures []error // each starts with the setting; in the order of the grid
}

func (e *Error) Error() string {
	const shown = 5
	var b strings.Builder
	fmt.Fprintf(&b, "sweep: %d of %d settings of the sweep failed; the other results are kept, and the next run tries these again:", len(e.Failures), e.Total)
	for _, err := range e.Failures[:min(shown, len(e.Failures))] {
		fmt.Fprintf(&b, "\n%v", err)
	}
	if more := len(e.Failures) - shown; more > 0 {
		fmt.Fprintf(&b, "\nand %d more", more)
	}
	return b.String()
}

// Unwrap returns the failures.
func (e *Error) Unwrap() []error { return e.Failures }

// Run computes the results that are missing and returns all that the shard has, in the order of the grid.
//
// The rows are good even when there is an error:
//   - ctx was cancelled: the results that were finished are on file; the error wraps context.Cause(ctx);
//   - a [*Error]: Do failed for some settings, or their results cannot be written as JSON;
//   - the file cannot be read or written, belongs to something else, or is in use by another process.
//
// Run panics if Do is nil, the shard is none or two settings are alike.
func (s Sweep[S, R]) Run(ctx context.Context) ([]Row[S, R], error) {
	if s.Do == nil {
		panic("sweep: Sweep.Run: Do is required")
	}
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	file, err := openFile(s.File)
	if err != nil {
		return nil, err
	}
	defer file.close()
	known, err := decodeRows[S, R](file.lines)
	if err != nil {
		return nil, err
	}
	r := &sweepRun[S, R]{Sweep: s, file: file, began: time.Now(), event: Event[S]{Total: len(jobs)}}
	for _, j := range jobs {
		if j.row = known[j.key]; j.row == nil {
			r.todo = append(r.todo, j)
			r.costLeft += j.cost
		}
	}
	r.event.Reused = len(jobs) - len(r.todo)
	r.event.Done = r.event.Reused
	r.report()
	r.workers(ctx)
	return r.end(ctx, jobs)
}

// A job is a setting on its way to a row.
type job[S, R any] struct {
	index   int // in the grid
	setting S
	key     string
	round   int
	cost    float64
	row     *Row[S, R] // nil without a result
	err     error
}

// jobs returns the settings of the shard, round by round, in each the dearest first.
func (s Sweep[S, R]) jobs() ([]*job[S, R], error) {
	if s.Shard != (Shard{}) && (s.Shard.I < 0 || s.Shard.I >= s.Shard.N) {
		panic(fmt.Sprintf("sweep: Sweep: shard %v: want 0 <= I < N", s.Shard))
	}
	all := make([]*job[S, R], len(s.Settings))
	seen := map[string]int{}
	for i, setting := range s.Settings {
		key, err := json.Marshal(setting)
		if err != nil {
			return nil, fmt.Errorf("sweep: setting %d of the sweep cannot be written as JSON: %w", i, err)
		}
		if first, twice := seen[string(key)]; twice {
			panic(fmt.Sprintf("sweep: Sweep: settings %d and %d are alike: %s", first, i, key))
		}
		seen[string(key)] = i
		all[i] = &job[S, R]{index: i, setting: setting, key: string(key), cost: 1}
		if s.Round != nil {
			all[i].round = s.Round(setting)
		}
		if s.Cost != nil {
			all[i].cost = s.Cost(setting)
		}
	}
	slices.SortStableFunc(all, func(a, b *job[S, R]) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(b.cost, a.cost))
	})
	if s.Shard == (Shard{}) {
		return all, nil
	}
	var part []*job[S, R]
	for i := s.Shard.I; i < len(all); i += s.Shard.N {
		part = append(part, all[i])
	}
	return part, nil
}

// A sweepRun is the state of a running sweep.
type sweepRun[S, R any] struct {
	Sweep[S, R]
	file  *resultsFile
	todo  []*job[S, R]
	began time.Time

	mu                 sync.Mutex // guards what follows, and the file
	next               int        // of todo
	costDone, costLeft float64
	event              Event[S]
	broken             error // why the file could not be written
	stop               func()
}

// workers computes what there is to do and returns when all goroutines have ended.
func (r *sweepRun[S, R]) workers(ctx context.Context) {
	n := r.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	ctx, r.stop = context.WithCancel(ctx)
	defer r.stop()
	var group sync.WaitGroup
	for range min(n, len(r.todo)) {
		group.Go(func() {
			for j := r.take(ctx); j != nil; j = r.take(ctx) {
				start := time.Now()
				result, err := r.Do(ctx, j.setting)
				if err != nil && ctx.Err() != nil {
					return // it was cancelled, not at fault
				}
				r.finish(j, result, err, time.Since(start))
			}
		})
	}
	group.Wait()
}

// take returns the next job, nil if there is none or the sweep was cancelled.
func (r *sweepRun[S, R]) take(ctx context.Context) *job[S, R] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || r.next == len(r.todo) {
		return nil
	}
	r.next++
	return r.todo[r.next-1]
}

// finish keeps a result or the error that came in its place.
func (r *sweepRun[S, R]) finish(j *job[S, R], result R, err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		j.row, err = r.keep(j, result)
	}
	if j.row != nil {
		r.event.Done++
	} else {
		j.err = fmt.Errorf("%s: %w", j.key, err)
		r.event.Failed++
	}
	r.costDone += j.cost
	r.costLeft -= j.cost
	r.event.Setting, r.event.Took, r.event.Err = &j.setting, took, err
	r.report()
}

// keep writes a row and returns it as it will be read back.
func (r *sweepRun[S, R]) keep(j *job[S, R], result R) (*Row[S, R], error) {
	line, err := json.Marshal(Row[S, R]{j.setting, result})
	if err != nil {
		return nil, fmt.Errorf("the result cannot be written as JSON: %w", err)
	}
	row, err := decodeRow[S, R](line)
	if err != nil {
		return nil, fmt.Errorf("the result does not survive being written as JSON: %w", err)
	}
	if err := r.file.append(line); err != nil {
		r.broken = err
		r.stop() // nothing more is worth computing
		return nil, err
	}
	return row, nil
}

// report calls OnResult with how far the sweep is. The settings still running count as not begun.
func (r *sweepRun[S, R]) report() {
	e := &r.event
	e.Elapsed = time.Since(r.began)
	e.Left = 0
	if r.costDone > 0 {
		e.Left = time.Duration(float64(e.Elapsed) * r.costLeft / r.costDone)
	}
	if r.OnResult != nil {
		r.OnResult(e)
	}
}

// end returns the rows in the order of the grid, and the reason if some are missing.
func (r *sweepRun[S, R]) end(ctx context.Context, jobs []*job[S, R]) ([]Row[S, R], error) {
	slices.SortFunc(jobs, func(a, b *job[S, R]) int { return cmp.Compare(a.index, b.index) })
	var rows []Row[S, R]
	failed := &Error{Total: len(jobs)}
	for _, j := range jobs {
		if j.row != nil {
			rows = append(rows, *j.row)
		}
		if j.err != nil {
			failed.Failures = append(failed.Failures, j.err)
		}
	}
	switch {
	case r.broken != nil:
		return rows, r.broken
	case len(rows)+len(failed.Failures) < len(jobs):
		return rows, fmt.Errorf("sweep: the sweep was interrupted with %d of %d results; run again to go on from there: %w",
			len(rows), len(jobs), context.Cause(ctx))
	case len(failed.Failures) > 0:
		return rows, failed
	}
	return rows, nil
}

// decodeRow reads a line of a file. It must be the very line that these types would write: otherwise another program
// or another version wrote it, and part of it would be lost or taken for zero.
func decodeRow[S, R any](line []byte) (*Row[S, R], error) {
	row := new(Row[S, R])
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(row); err != nil {
		return nil, err
	}
	again, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, line) {
		return nil, fmt.Errorf("read and written again, it becomes %s", again)
	}
	return row, nil
}

// decodeRows returns rows by the key of their settings.
func decodeRows[S, R any](lines []line) (map[string]*Row[S, R], error) {
	rows := make(map[string]*Row[S, R], len(lines))
	for _, l := range lines {
		row, err := decodeRow[S, R](l.text)
		if err != nil {
			return nil, fmt.Errorf("sweep: %v is no result of this sweep, or one of another version: %w; choose another file, or remove the line to have it computed again", l, err)
		}
		rows[l.key] = row
	}
	return rows, nil
}
