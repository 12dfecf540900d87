// SPDX-License-Identifier: Apache-2.0

// Package grade marks the exercises of notebooks. An exercise is a cell tagged
// "exercise"; the code cell after it, a %test cell, is its check. What counts is
// the reference notebook, the one that was handed out: its declarations and its
// checks, with the student's answer in between, each exercise on a kernel of its
// own. So a broken cell elsewhere costs nothing, and a changed check gains
// nothing.
//
// A student's code runs with the rights of whoever grades: grade strangers' work
// in a container.
package grade

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/runner"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
)

// Options says how to run checks.
type Options struct {
	Kernel    session.Spec
	TimeLimit time.Duration // for each check, compiling included; 0 is none
	Progress  func(exercise string)
}

// The states of an answer.
const (
	Right    = "right"
	Wrong    = "wrong"
	Unsolved = "unsolved" // the check says that nothing was written yet
	Broken   = "broken"   // does not compile, panics, takes too long or too much memory
	Missing  = "missing"  // the cell is gone
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
// is that of a reference without exercises or checks, or of a kernel that does
// not start; a bad submission is no error.
func Grade(ctx context.Context, reference, submitted *notebook.Notebook, o Options) (*Report, error) {
	report := &Report{Marks: []Mark{}}
	for i, cell := range reference.Cells {
		if cell.Type != notebook.Code || !cell.HasTag("exercise") {
			continue
		}
		check := checkOf(reference.Cells[i+1:])
		if check == nil {
			return nil, fmt.Errorf("grade: exercise %q has no check: the code cell after it must begin with %%test", cell.ID)
		}
		if o.Progress != nil {
			o.Progress(cell.ID)
		}
		start := time.Now()
		mark, err := markOne(ctx, reference.Cells[:i], find(submitted, cell.ID), check, o)
		if err != nil {
			return nil, err
		}
		mark.Exercise, mark.Of, mark.Seconds = cell.ID, points(cell), time.Since(start).Seconds()
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

// points returns what an exercise is worth: the number in the cell's metadata
// under lateral.points, else 1.
func points(cell *notebook.Cell) float64 {
	settings, _ := cell.Metadata["lateral"].(map[string]any)
	if n, err := strconv.ParseFloat(fmt.Sprint(settings["points"]), 64); err == nil && n > 0 {
		return n
	}
	return 1
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

// markOne runs one check.
func markOne(ctx context.Context, before []*notebook.Cell, answer, check *notebook.Cell, o Options) (Mark, error) {
	if answer == nil {
		return Mark{State: Missing, Feedback: "the cell of this exercise is not in the notebook: copy it back from the original and solve it there"}, nil
	}
	try := &notebook.Notebook{}
	add := func(id, source string) *notebook.Cell {
		c := &notebook.Cell{Type: notebook.Code, ID: id, Source: source}
		try.Cells = append(try.Cells, c)
		return c
	}
	for _, c := range before {
		if source := Declarations(c); source != "" {
			add(c.ID, source)
		}
	}
	given := len(try.Cells)
	if source := Declarations(answer); source != "" {
		add("answer", source)
	}
	checked := add("check", check.Source)
	err := runner.Run(ctx, try, runner.Options{Kernel: o.Kernel, CellTimeout: o.TimeLimit})
	if ctx.Err() != nil {
		return Mark{}, context.Cause(ctx)
	}
	var problem *runner.Problem
	if err != nil && (!errors.As(err, &problem) || problem.Cell <= given && problem.Err == nil && problem.ID != "answer") {
		return Mark{}, fmt.Errorf("grade: the reference notebook itself fails before the exercise: %w", err)
	}
	return judge(problem, printed(checked), o.TimeLimit), nil
}

// mainLine is the line after which a cell runs. Elsewhere %% is a percent sign of a format.
var mainLine = regexp.MustCompile(`(?m)^%%([ \t].*)?$`)

// Declarations returns what a code cell declares, without what it runs; "" for
// a cell of neither.
func Declarations(cell *notebook.Cell) string {
	if cell.Type != notebook.Code || strings.HasPrefix(cell.Source, "%test") {
		return ""
	}
	source := cell.Source
	if main := mainLine.FindStringIndex(source); main != nil {
		source = source[:main[0]]
	}
	if strings.TrimSpace(source) == "" {
		return ""
	}
	return source
}

// printed returns what a cell wrote.
func printed(cell *notebook.Cell) string {
	var b strings.Builder
	for _, o := range cell.Outputs {
		b.WriteString(o.Text)
	}
	return b.String()
}

var (
	testLine = regexp.MustCompile(`(?m)^\s*\S*_test\.go:\d+: (.*)$`)
	memory   = regexp.MustCompile(`out of memory|cannot allocate memory|signal: killed`)
)

// judge turns the outcome of a check into a mark and a line that helps.
func judge(problem *runner.Problem, said string, limit time.Duration) Mark {
	first := ""
	if m := testLine.FindStringSubmatch(said); m != nil {
		first = m[1]
	}
	if problem == nil {
		switch {
		case strings.Contains(said, "--- SKIP"):
			return Mark{State: Unsolved, Feedback: first}
		case strings.Contains(said, "--- PASS"):
			return Mark{State: Right, Feedback: "right"}
		}
		return Mark{State: Broken, Feedback: "the check did not run to its end: does the code end the program?"}
	}
	at := ""
	if problem.ID == "answer" && problem.Line > 0 {
		at = fmt.Sprintf(" in line %d of your cell (%s)", problem.Line, strings.TrimSpace(problem.Source))
	}
	var timeout *runner.TimeoutError
	switch {
	case errors.As(problem, &timeout):
		return Mark{State: Broken, Feedback: fmt.Sprintf("the check did not end within %v: is there a loop that never ends?", limit)}
	case memory.MatchString(problem.Message + problem.Detail):
		return Mark{State: Broken, Feedback: "the code needs more memory than it may have: does something grow without end?"}
	case strings.HasPrefix(problem.Message, "panic: "), strings.HasPrefix(problem.Message, "fatal error: "):
		return Mark{State: Broken, Feedback: "the code panics" + at + ": " + strings.TrimPrefix(problem.Message, "panic: ")}
	case strings.Contains(said, "--- FAIL"):
		return Mark{State: Wrong, Feedback: first}
	case problem.ID != "answer" && strings.HasPrefix(problem.Message, "undefined: "):
		return Mark{State: Broken, Feedback: strings.TrimPrefix(problem.Message, "undefined: ") + " is not declared any more: the check needs it with its original name"}
	}
	return Mark{State: Broken, Feedback: "the code does not work" + at + ": " + problem.Message}
}
