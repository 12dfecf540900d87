// SPDX-License-Identifier: Apache-2.0

package grade

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// NbgraderConfig is the configuration of a course folder for nbgrader.
//
//go:embed nbgrader/nbgrader_config.py
var NbgraderConfig []byte

// Assignment returns the source version of an assignment for nbgrader: the
// exercises of a notebook with the text around them, the declarations that
// their checks need, and the checks, locked, with the points of the exercise.
// What the notebook runs is left out, so that grading takes seconds. The body
// of the first function of an exercise is its solution region.
//
// A check that skips an exercise which nobody solved would give nbgrader's
// points for it; here it fails.
func Assignment(reference *notebook.Notebook) (*notebook.Notebook, error) {
	out := &notebook.Notebook{Metadata: map[string]any{}}
	maps.Copy(out.Metadata, reference.Metadata)
	out.Metadata["kernelspec"] = map[string]any{"name": "lateral", "display_name": "Go (Lateral)", "language": "go"}
	add := func(c *notebook.Cell, source string, about map[string]any) *notebook.Cell {
		cell := &notebook.Cell{Type: c.Type, ID: c.ID, Source: source, Metadata: map[string]any{},
			Attachments: c.Attachments}
		if about != nil {
			about["grade_id"], about["schema_version"], about["task"] = c.ID, 3, false
			cell.Metadata["nbgrader"] = about
		}
		out.Cells = append(out.Cells, cell)
		return cell
	}
	exercises := 0
	for i := 0; i < len(reference.Cells); i++ {
		c := reference.Cells[i]
		switch {
		case c.Type != notebook.Code:
			if i == 0 || leadsToExercise(reference.Cells[i+1:]) {
				add(c, c.Source, nil)
			}
		case c.HasTag("exercise"):
			check := checkOf(reference.Cells[i+1:])
			if check == nil {
				return nil, fmt.Errorf("grade: exercise %q has no check: the code cell after it must begin with %%test", c.ID)
			}
			exercise := add(c, withRegion(c.Source), map[string]any{"solution": true, "grade": false, "locked": false})
			exercise.Metadata["tags"] = []any{"exercise"} // for lateral grade, whose marks nbgrader takes
			if settings, ok := c.Metadata["lateral"]; ok {
				exercise.Metadata["lateral"] = settings
			}
			add(check, strings.NewReplacer("t.Skip(", "t.Fatal(", "t.Skipf(", "t.Fatalf(").Replace(check.Source),
				map[string]any{"solution": false, "grade": true, "locked": true, "points": c.Points()})
			exercises++
		default:
			if source := Declarations(c); source != "" {
				add(c, source, map[string]any{"solution": false, "grade": false, "locked": true})
			}
		}
	}
	if exercises == 0 {
		return nil, errors.New("grade: the notebook has no cell tagged exercise")
	}
	return out, nil
}

// leadsToExercise tells whether the next code cell is an exercise or its check.
func leadsToExercise(cells []*notebook.Cell) bool {
	for _, c := range cells {
		if c.Type == notebook.Code {
			return c.HasTag("exercise") || strings.HasPrefix(c.Source, "%test")
		}
	}
	return false
}

// withRegion marks the body of the first function, or all if there is none, as
// what a student writes.
func withRegion(source string) string {
	const begin, end = "// BEGIN SOLUTION", "// END SOLUTION"
	lines := strings.Split(strings.TrimRight(source, "\n"), "\n")
	from, to := -1, -1
	for i, line := range lines {
		switch {
		case from < 0 && strings.HasPrefix(line, "func ") && strings.HasSuffix(line, "{"):
			from = i + 1
		case from >= 0 && to < 0 && line == "}":
			to = i
		}
	}
	if to < 0 {
		return begin + "\n" + strings.Join(lines, "\n") + "\n" + end
	}
	marked := append([]string{}, lines[:from]...)
	marked = append(marked, "\t"+begin)
	marked = append(marked, lines[from:to]...)
	marked = append(marked, "\t"+end)
	return strings.Join(append(marked, lines[to:]...), "\n")
}
