// SPDX-License-Identifier: Apache-2.0

// Package grade marks the exercises of notebooks. An exercise is a cell tagged
// "exercise"; the code cell after it, a %test cell, is its check. What counts is
// the reference notebook, the one that was handed out: what its cells declare and
// its checks, with the student's answer in between, each exercise in a program of
// its own. So a broken cell elsewhere costs nothing, and a changed check gains
// nothing.
//
// An answer computes. What else it does costs its points before it is run: it
// imports packages that compute and no others, calls nothing of the library that
// the exercise does not allow, and declares no name that the check relies on. A
// check counts as passed if it ran to its end and says so with a secret of the
// run, so that a program which ends early, or prints what a test prints, has not
// passed. What an answer starts ends with its check, within limits of time and
// memory.
//
// These rules keep marks honest. They are no wall against an attack on the
// machine: grade strangers' work in a container.
package grade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// Options says how to run checks.
type Options struct {
	Module     string        // root of the checkout whose library the checks use
	Goimports  string        // the program goimports, which adds what cells do not import
	Supervisor string        // a program that calls [Supervise]
	Env        []string      // of the checks and the Go command; nil is this process's
	Dir        string        // where checks run; "" is this directory
	TimeLimit  time.Duration // for each check, without compiling; 0 is none
	Memory     int64         // bytes that each program may have; 0 is no limit
	Progress   func(exercise string)

	lawless bool // answers are not held to the rules, in tests of what holds without them
}

// The states of an answer.
const (
	Right    = "right"
	Wrong    = "wrong"
	Unsolved = "unsolved" // the check says that nothing was written yet
	Broken   = "broken"   // does not compile, panics, takes too long or too much memory
	Missing  = "missing"  // the cell is gone
	Refused  = "refused"  // does what an answer may not do
)

// A Mark is the result of one exercise.
type Mark struct {
	Exercise string  `json:"exercise"` // identifier of the cell
	State    string  `json:"state"`
	Points   float64 `json:"points"`
	Of       float64 `json:"of"`
	Feedback string  `json:"feedback"` // one line for the student
	Seconds  float64 `json:"seconds"`
}

// A Report is the result of one notebook.
type Report struct {
	Notebook string  `json:"notebook"`
	Points   float64 `json:"points"`
	Of       float64 `json:"of"`
	Marks    []Mark  `json:"exercises"`
}

// Grade marks the exercises of submitted against those of reference. The error
// is that of a reference without exercises or checks, of one whose own exercise
// does not compile, or of a machine on which nothing can be built; a bad
// submission is no error.
func Grade(ctx context.Context, reference, submitted *notebook.Notebook, o Options) (*Report, error) {
	report := &Report{Marks: []Mark{}}
	for i, cell := range reference.Cells {
		if cell.Type != notebook.Code || !cell.HasTag("exercise") {
			continue
		}
		check := checkOf(reference.Cells[i+1:])
		if check == nil {
			return nil, fmt.Errorf("grade: exercise %q has no check: the code cell after it must begin with %%test",
				cell.ID)
		}
		if o.Progress != nil {
			o.Progress(cell.ID)
		}
		start := time.Now()
		mark, err := markOne(ctx, reference.Cells[:i], cell, answerTo(cell, reference, submitted), check, o)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		mark.Exercise, mark.Of, mark.Seconds = cell.ID, cell.Points(), time.Since(start).Seconds()
		if mark.State == Right {
			mark.Points = mark.Of
		}
		report.Marks = append(report.Marks, mark)
		report.Points += mark.Points
		report.Of += mark.Of
	}
	if len(report.Marks) == 0 {
		return nil, errors.New("grade: the reference notebook has no cell tagged exercise")
	}
	return report, nil
}

// checkOf returns the check among the cells after an exercise.
func checkOf(cells []*notebook.Cell) *notebook.Cell {
	for _, c := range cells {
		if c.Type == notebook.Code {
			if strings.HasPrefix(c.Source, "%test") {
				return c
			}
			return nil
		}
	}
	return nil
}

// answerTo returns the cell of a submission with the answer to an exercise of reference: the one with its identifier;
// or, since the copy of a cell has another, the only new one that declares what the exercise declares first. It is nil
// if there is none.
func answerTo(exercise *notebook.Cell, reference, submitted *notebook.Notebook) (answer *notebook.Cell) {
	if c := find(submitted, exercise.ID); c != nil {
		return c
	}
	wanted := cell.Read(exercise.Source).Declared()
	for _, c := range submitted.Cells {
		if len(wanted) == 0 || c.Type != notebook.Code || find(reference, c.ID) != nil {
			continue
		}
		if slices.ContainsFunc(cell.Read(c.Source).Declared(), func(n cell.Name) bool { return n.Name == wanted[0].Name }) {
			if answer != nil {
				return nil
			}
			answer = c
		}
	}
	return answer
}

// find returns the cell with an identifier, nil if there is none.
func find(nb *notebook.Notebook, id string) *notebook.Cell {
	for _, c := range nb.Cells {
		if c.Type == notebook.Code && c.ID == id {
			return c
		}
	}
	return nil
}

// markOne marks an answer to an exercise.
func markOne(ctx context.Context, before []*notebook.Cell, exercise, answer, check *notebook.Cell, o Options) (
	Mark, error) {
	if answer == nil {
		return Mark{State: Missing, Feedback: "the cell of this exercise is not in the notebook: copy it back from the " +
			"original, once, and solve it there"}, nil
	}
	w, err := newWorkshop(o)
	if err != nil {
		return Mark{}, err
	}
	defer w.close()
	program, fault, err := w.prepare(ctx, before, exercise, answer, check)
	if err != nil {
		return Mark{}, err
	}
	if fault != nil {
		if answer != exercise && fault.state == Broken && fault.line == 0 {
			// Outside the answer: is it the notebook that was handed out?
			if _, own, err := w.prepare(ctx, before, exercise, exercise, check); err != nil {
				return Mark{}, err
			} else if own != nil {
				return Mark{}, fmt.Errorf("grade: the reference notebook itself fails at exercise %q: %s",
					exercise.ID, own.message)
			}
		}
		return fault.mark(answer.Source), nil
	}
	out, err := runCheck(ctx, program, o)
	if err != nil {
		return Mark{}, err
	}
	return judge(out, answer.Source, o.TimeLimit), nil
}

// prepare builds the program that checks an answer, or says what is wrong with it.
func (w *workshop) prepare(ctx context.Context, before []*notebook.Cell, exercise, answer, check *notebook.Cell) (
	string, *fault, error) {
	p, fault, err := compose(before, exercise, answer, check, w.o.lawless)
	if err != nil {
		return "", nil, fmt.Errorf("grade: the reference notebook itself fails before exercise %q: %w",
			exercise.ID, err)
	}
	if fault != nil {
		return "", fault, nil
	}
	if err := w.lay(ctx, p); err != nil {
		return "", nil, err
	}
	fault, err = w.check(ctx, p, rulesOf(exercise))
	if err != nil || fault != nil && !(w.o.lawless && fault.state == Refused) {
		return "", fault, err
	}
	program, err := w.build(ctx)
	return program, nil, err
}

// Declarations returns what a code cell declares, without what it runs; "" for
// a cell of neither. Commands are blank lines.
func Declarations(code *notebook.Cell) string {
	if code.Type != notebook.Code || strings.HasPrefix(code.Source, "%test") {
		return ""
	}
	lines, _ := cell.Read(code.Source).Split()
	source := strings.Join(lines, "\n")
	if strings.TrimSpace(source) == "" {
		return ""
	}
	return source
}
