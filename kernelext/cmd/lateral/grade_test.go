// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// handedOut is a notebook with exercises, each worth three points but the last.
func handedOut() *notebook.Notebook {
	nb := sources("# Exercises", "import \"math\"\n\nfunc half(x float64) float64 { return math.Abs(x) / 2 "+
		"}\n\n%%\nfmt.Println(\"never run\")")
	for _, name := range []string{"Right", "Wrong", "Unsolved", "Panic", "Exit", "Deleted"} {
		exercise := &notebook.Cell{Type: notebook.Code, ID: strings.ToLower(name), Source: "func your" + name +
			"(x float64) float64 {\n\treturn 0 // write it here\n}",
			Metadata: map[string]any{"tags": []any{"exercise"}, "lateral": map[string]any{"points": 3.0}}}
		if name == "Deleted" {
			delete(exercise.Metadata, "lateral")
		}
		check := &notebook.Cell{Type: notebook.Code, ID: "check-" + exercise.ID, Source: "%test -test.v -test.run=Test" +
			name +
			"\nimport \"testing\"\n\nfunc Test" + name + "(t *testing.T) {\n\tgot := your" + name +
			"(3)\n\tif got == 0 {\n\t\tt.Skip(\"nothing is written yet\")\n\t}\n\tif got != half(3) {\n\t\tt.Fatalf(\"half of " +
			"3 is %g, got %g\", half(3), got)\n\t}\n}"}
		nb.Cells = append(nb.Cells, exercise, check)
	}
	return nb
}

// The command marks a notebook, on the table and as JSON; what kinds of answers there are, package grade knows.
func TestGrade(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles checks")
	}
	reference := write(t, handedOut())
	nb := handedOut()
	answer := func(id, code string) {
		for _, c := range nb.Cells {
			if c.ID == id {
				c.Source = code
			}
		}
	}
	answer("right", "func yourRight(x float64) float64 { return x / 2 }")
	answer("check-right", "%test\nfunc TestRight(t *testing.T) { t.Fatal(\"the student's own check does not count\") }")
	answer("wrong", "func yourWrong(x float64) float64 { return x / 3 }")
	answer("check-wrong", "%test\nfunc TestWrong(t *testing.T) {}")
	answer("panic", "func yourPanic(x float64) float64 {\n\tvar list []float64\n\treturn list[3]\n}")
	answer("exit", "func yourExit(x float64) float64 {\n\tos.Exit(0)\n\treturn x / 2\n}")
	for i, c := range nb.Cells {
		if c.ID == "deleted" {
			nb.Cells = append(nb.Cells[:i:i], nb.Cells[i+1:]...)
			break
		}
	}
	nb.Cells = append([]*notebook.Cell{{Type: notebook.Code, ID: "own", Source: "this does not compile"}}, nb.Cells...)
	submitted := write(t, nb)

	marks := filepath.Join(t.TempDir(), "marks.json")
	o := gradeOptions{reference: reference, json: marks, profile: "quick", limit: 20 * time.Second, memory: "1GB"}
	var table bytes.Buffer
	if err := o.run(t.Context(), &table, io.Discard, []string{submitted}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(marks)
	if err != nil {
		t.Fatal(err)
	}
	var reports []grade.Report
	if err := json.Unmarshal(content, &reports); err != nil || len(reports) != 1 {
		t.Fatalf("%v:\n%s", err, content)
	}
	r := reports[0]
	if r.Points != 3 || r.Of != 16 || r.Notebook != submitted {
		t.Errorf("%g of %g points in %s", r.Points, r.Of, r.Notebook)
	}
	want := map[string][2]string{ // state, and part of the feedback
		"right":    {grade.Right, "right"},
		"wrong":    {grade.Wrong, "half of 3 is 1.5, got 1"},
		"unsolved": {grade.Unsolved, "nothing is written yet"},
		"panic": {grade.Broken, "panics in line 3 of your cell (return list[3]): runtime error: index out of range [3] " +
			"with length 0"},
		"exit":    {grade.Refused, "does not need os"},
		"deleted": {grade.Missing, "copy it back from the original"},
	}
	for _, m := range r.Marks {
		if w := want[m.Exercise]; m.State != w[0] || !strings.Contains(m.Feedback, w[1]) {
			t.Errorf("%+v, want %s, %q", m, w[0], w[1])
		}
		if !strings.Contains(table.String(), m.Feedback) {
			t.Errorf("the table does not say %q:\n%s", m.Feedback, table.String())
		}
		delete(want, m.Exercise)
	}
	if len(want) > 0 {
		t.Errorf("no marks for %v", want)
	}
}

// Marking begins when the reference of every notebook is there.
func TestGradeFindsReferencesFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("asks Go where tools are")
	}
	dir := t.TempDir()
	known, unknown := filepath.Join(dir, "primer_go.ipynb"), filepath.Join(dir, "renamed.ipynb")
	for _, path := range []string{known, unknown} {
		if err := sources("x := 1").WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	o := gradeOptions{profile: "quick", limit: time.Second, memory: "1GB"}
	err := o.run(t.Context(), io.Discard, &log, []string{known, unknown})
	if err == nil || !strings.Contains(err.Error(), "renamed.ipynb: there is no notebook of this name") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(log.String(), known) {
		t.Errorf("it was too late: %s", log.String())
	}
}
