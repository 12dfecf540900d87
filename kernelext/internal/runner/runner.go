// SPDX-License-Identifier: Apache-2.0

// Package runner executes notebooks without a front end, as nbclient does in
// Python: cell by cell on a kernel of its own, recording every output in the
// notebook.
package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
)

// Options says how to execute a notebook.
type Options struct {
	Kernel      session.Spec
	Metadata    map[string]any // the kernelspec entry of the notebook's metadata; nil leaves what is there
	CellTimeout time.Duration  // for each cell; 0 is no limit
	KeepGoing   bool           // run the cells after one that failed
	Clean       func(string) string
	Progress    func(Progress) // told before and after each cell; may be nil
	// told each state of a text that a cell redraws in place, such as a progress line; may be nil
	Live func(string)
}

// Progress is the state of a run.
type Progress struct {
	Cell, Cells int    // which code cell of how many
	Title       string // what the cell is about
	Done        bool   // it has ended
	Elapsed     time.Duration
	Problem     *Problem // why it failed; nil if it did not
}

// TimeoutError reports a cell or a notebook that took too long.
type TimeoutError struct {
	What  string // "cell" or "notebook"
	Limit time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the %s took longer than its limit of %v and was interrupted", e.What, e.Limit)
}

// Run executes the code cells of nb in order and stores their outputs in it.
// Cells tagged skip-execution are left as they are; one tagged raises-exception
// may fail. Whatever happens, nb is complete as far as it got: the returned
// error is the first cell's [*Problem] (all of them joined, if KeepGoing), or
// says why the kernel did not start.
func Run(ctx context.Context, nb *notebook.Notebook, o Options) error {
	if o.Clean == nil {
		o.Clean = func(text string) string { return text }
	}
	r := &run{nb: nb, o: o, recorder: newRecorder(), counts: map[int]int{}}
	r.recorder.live = o.Live
	for i, cell := range nb.Cells {
		if cell.Type == notebook.Code && !cell.HasTag("skip-execution") {
			cell.Clear()
			if strings.TrimSpace(cell.Source) != "" {
				r.cells = append(r.cells, i)
			}
		}
	}
	defer r.recorder.finish(o.Clean)

	s, err := session.Start(ctx, o.Kernel)
	if err != nil {
		return fmt.Errorf("the kernel did not start: %w", err)
	}
	defer s.Close()
	r.session = s
	r.describeKernel()
	defer s.Drain(r.recorder.handle)
	return r.all(ctx)
}

// run is the state of one notebook's execution.
type run struct {
	nb       *notebook.Notebook
	o        Options
	session  *session.Session
	recorder *recorder
	cells    []int       // of the notebook, those to execute
	counts   map[int]int // execution count to cell
}

// describeKernel writes the notebook's metadata as a front end does.
func (r *run) describeKernel() {
	if r.nb.Metadata == nil {
		r.nb.Metadata = map[string]any{}
	}
	if r.o.Metadata != nil {
		r.nb.Metadata["kernelspec"] = r.o.Metadata
	}
	info := r.session.Info.LanguageInfo
	language := map[string]any{"name": info.Name}
	for key, value := range map[string]string{
		"version": info.Version, "mimetype": info.MIMEType, "file_extension": info.FileExtension,
		"pygments_lexer": info.PygmentsLexer, "nbconvert_exporter": info.NBConvertExporter,
	} {
		if value != "" {
			language[key] = value
		}
	}
	if mode := info.CodeMirrorMode; mode != nil && mode != "" {
		language["codemirror_mode"] = mode
	}
	r.nb.Metadata["language_info"] = language
}

// all executes the cells.
func (r *run) all(ctx context.Context) error {
	var problems []error
	for n, index := range r.cells {
		progress := Progress{Cell: n + 1, Cells: len(r.cells), Title: title(r.nb.Cells, index)}
		r.report(progress)
		start := time.Now()
		problem := r.cell(ctx, index)
		progress.Done, progress.Elapsed, progress.Problem = true, time.Since(start), problem
		r.report(progress)
		if problem == nil {
			continue
		}
		problems = append(problems, problem)
		if !r.o.KeepGoing || !r.session.Alive() || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(problems...)
}

func (r *run) report(p Progress) {
	if r.o.Progress != nil {
		r.o.Progress(p)
	}
}

// cell executes one cell and returns what went wrong.
func (r *run) cell(ctx context.Context, index int) *Problem {
	cell := r.nb.Cells[index]
	if limit := r.o.CellTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &TimeoutError{What: "cell", Limit: limit})
		defer cancel()
	}
	request := r.session.NewExecute(cell.Source, !r.o.KeepGoing && !cell.HasTag("raises-exception"))
	rec := r.recorder.begin(request, cell)
	reply, err := r.session.Execute(ctx, request, r.recorder.handle)
	if reply.Status != "" {
		rec.stamp("shell.execute_reply")
	}
	if cell.ExecutionCount != nil {
		r.counts[*cell.ExecutionCount] = index
	}
	if err != nil {
		rec.fail(errorName(err), err.Error())
		return &Problem{Cell: index + 1, ID: cell.ID, Message: r.o.Clean(err.Error()), Err: err}
	}

	switch {
	case reply.Status == "error" && !rec.hasError():
		rec.add(&notebook.Output{Type: notebook.Error, ErrorName: reply.Name, ErrorValue: reply.Value,
			Traceback: reply.Traceback})
	case reply.Status == "aborted":
		rec.fail("Aborted", "the kernel did not execute the cell")
	}
	if !rec.hasError() || cell.HasTag("raises-exception") {
		return nil
	}
	for _, output := range cell.Outputs {
		if output.Type == notebook.Error {
			return r.problem(index, output, reply.Failure)
		}
	}
	return nil
}

// errorName names an error as the ename of an output.
func errorName(err error) string {
	var (
		timeout *TimeoutError
		dead    *session.DeadError
	)
	switch {
	case errors.As(err, &timeout):
		return "TimeoutError"
	case errors.As(err, &dead):
		return "DeadKernelError"
	case errors.Is(err, context.Canceled):
		return "Interrupted"
	}
	return "KernelError"
}

// title describes a code cell in a few words: the comment it starts with, else
// the nearest heading above it, else its first statement.
func title(cells []*notebook.Cell, index int) string {
	first := ""
	for line := range strings.Lines(cells[index].Source) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "import") {
			continue
		}
		if comment, ok := strings.CutPrefix(line, "// "); ok {
			return shorten(comment)
		}
		first = line
		break
	}
	for i := index - 1; i >= 0; i-- {
		if cells[i].Type != notebook.Markdown {
			continue
		}
		heading := ""
		for line := range strings.Lines(cells[i].Source) {
			if strings.HasPrefix(line, "#") {
				heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
			}
		}
		if heading != "" {
			return shorten(heading)
		}
	}
	return shorten(first)
}

func shorten(text string) string {
	const most = 50
	if runes := []rune(text); len(runes) > most {
		return strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return text
}
