// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Run computes the results that are missing and returns all that the shard has, in the order of the grid.
//
// The rows are good even when there is an error:
//   - ctx was cancelled: the results that were finished are on file; the error wraps context.Cause(ctx);
//   - a [*Error]: Do failed for some settings, or their results cannot be written as JSON;
//   - the file cannot be read or written, belongs to something else, or is in use by another process. If all results
//     are on file, it need not be writable or free.
//
// Run panics if Do is nil, the shard is not one of N parts, or two settings are alike.
func (s Sweep[S, R]) Run(ctx context.Context) ([]Row[S, R], error) {
	if s.Do == nil {
		panic("sweep: Sweep.Run: Do is required")
	}
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	file, closed := openFile(s.File)
	if closed != nil { // which does not matter if there is nothing to add
		lines, err := readRows([]string{s.File})
		if err != nil {
			return nil, closed
		}
		file = &resultsFile{lines: lines}
	}
	defer file.close()
	known, err := decodeLines[S, R](file.lines)
	if err != nil {
		return nil, err
	}
	r := &runner[S, R]{Sweep: s, file: file, began: time.Now(), event: Event[S]{Total: len(jobs)}}
	for _, j := range jobs {
		if j.row = known[j.key]; j.row == nil {
			r.todo = append(r.todo, j)
			r.costLeft += j.cost
		}
	}
	if closed != nil && len(r.todo) > 0 {
		return nil, closed
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
		panic(fmt.Sprintf("sweep: Sweep.Run: shard %v: want 0 <= I < N", s.Shard))
	}
	all := make([]*job[S, R], len(s.Settings))
	seen := map[string]int{}
	for i, setting := range s.Settings {
		key, err := json.Marshal(setting)
		if err != nil {
			return nil, fmt.Errorf("sweep: setting %d cannot be written as JSON: %w", i, err)
		}
		if first, twice := seen[string(key)]; twice {
			panic(fmt.Sprintf("sweep: Sweep.Run: settings %d and %d are alike: %s", first, i, key))
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

// A runner is the state of a sweep that runs.
type runner[S, R any] struct {
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
func (r *runner[S, R]) workers(ctx context.Context) {
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
func (r *runner[S, R]) take(ctx context.Context) *job[S, R] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil || r.next == len(r.todo) {
		return nil
	}
	r.next++
	return r.todo[r.next-1]
}

// finish keeps a result or the error that came in its place.
func (r *runner[S, R]) finish(j *job[S, R], result R, err error, took time.Duration) {
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
func (r *runner[S, R]) keep(j *job[S, R], result R) (*Row[S, R], error) {
	text, err := json.Marshal(Row[S, R]{j.setting, result})
	if err != nil {
		return nil, fmt.Errorf("the result cannot be written as JSON: %w", err)
	}
	row, err := decode[S, R](text)
	if err != nil {
		return nil, fmt.Errorf("the result does not survive being written as JSON: %w", err)
	}
	if err := r.file.append(text); err != nil {
		r.broken = err
		r.stop() // nothing more is worth computing
		return nil, err
	}
	return row, nil
}

// report calls OnResult with how far the sweep is. The settings still running count as not begun.
func (r *runner[S, R]) report() {
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
func (r *runner[S, R]) end(ctx context.Context, jobs []*job[S, R]) ([]Row[S, R], error) {
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
		return rows, fmt.Errorf("sweep: interrupted with %d of %d results; run again to go on from there: %w",
			len(rows), len(jobs), context.Cause(ctx))
	case len(failed.Failures) > 0:
		return rows, failed
	}
	return rows, nil
}
