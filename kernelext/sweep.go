// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/train"
)

// Sweep computes the missing results of a sweep with a progress line, one below it for each network that is being
// trained (by train.Run, with the context that Do was given), and returns all results in the order of the grid. They
// are kept in [SweepFile] of the name unless s names a file, a line for each: later cells and sessions, larger grids
// and `lateral sweep` go on from there. If all results are on file it prints nothing. The stop button ends the cell,
// and what was finished stays.
//
//	settings := grid.Settings(data.Source())
//	rows := kernelext.Sweep("fc1", thesis21.Grids.Sweep(settings, data, kernelext.SweepFile("fc1")))
//
// An error, such as settings that failed, ends the cell with its message; [TrySweep] returns it instead.
func Sweep[S, R any](name string, s sweep.Sweep[S, R]) []sweep.Row[S, R] {
	rows, err := TrySweep(name, s)
	if err != nil {
		fail(err)
	}
	return rows
}

// TrySweep is [Sweep] with the error returned, beside the rows that are there.
func TrySweep[S, R any](name string, s sweep.Sweep[S, R]) ([]sweep.Row[S, R], error) {
	if s.File == "" {
		s.File = SweepFile(name)
	}
	watch := s.OnResult
	var progress *Progress
	s.OnResult = func(e *sweep.Event[S]) {
		if watch != nil {
			watch(e)
		}
		switch todo := e.Total - e.Reused; {
		case e.Setting != nil:
			progress.Step(e.Done+e.Failed-e.Reused, failures(e.Failed)...)
		case todo > 0:
			progress = NewProgress(name, todo)
		}
		if e.Setting == nil && e.Reused > 0 && e.Reused < e.Total {
			fmt.Printf("sweep %q: %d of %d results are on file\n", name, e.Reused, e.Total)
		}
	}
	do := s.Do
	s.Do = func(ctx context.Context, setting S) (R, error) {
		ctx, done := watched(ctx, progress, setting)
		defer done()
		return do(ctx, setting)
	}
	rows, err := s.Run(Interrupted())
	if progress != nil {
		progress.Done()
	}
	return rows, err
}

// watched returns a context in which the steps of a training move a line below progress, which done removes.
func watched(ctx context.Context, progress *Progress, setting any) (_ context.Context, done func()) {
	if progress.out.coarse() {
		return ctx, func() {} // no such line is shown
	}
	var line *Progress
	return train.Watched(ctx, func(e *train.Event) {
			if line == nil {
				line = progress.Nested(settingLabel(setting), e.Steps)
				line.from = e.Step - 1
			}
			line.Step(e.Step, strings.TrimSpace(lossOf(e)))
		}), func() {
			if line != nil {
				line.Done()
			}
		}
}

// settingLabel describes a setting in a few words.
func settingLabel(setting any) string {
	text := fmt.Sprintf("%+v", setting)
	if r := []rune(text); len(r) > 40 {
		text = string(r[:39]) + "…"
	}
	return text
}

func failures(n int) []string {
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d failed", n)}
}

// SweepFile returns the file that keeps the results of a named sweep: NAME.jsonl in the directory LATERAL_SWEEPS, or in
// one of the user's cache. A file that is not there begins with the results that the module has ([data.Results]), of
// trainings that take hours. They serve those who train the same settings on the same images.
func SweepFile(name string) string {
	path := filepath.Join(keptIn("LATERAL_SWEEPS", "sweeps"), name+".jsonl")
	begin(path, data.Results(name))
	return path
}

// begin writes a file of results, unless it is there. If it fails, so will the sweep, which says why.
func begin(path string, known []byte) {
	if _, err := os.Stat(path); err == nil || known == nil || os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	lock, err := durable.Acquire(path)
	if err != nil { // another process makes it
		return
	}
	defer lock.Release()
	if _, err := os.Stat(path); err != nil {
		durable.WriteFile(path, known)
	}
}
