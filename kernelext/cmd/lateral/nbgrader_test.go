// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// TestNbgrader takes an assignment the whole way through nbgrader, if LATERAL_NBGRADER names that program: released,
// answered right, wrong, not at all, with a panic, by a changed check, and by programs that end early, graded.
func TestNbgrader(t *testing.T) {
	nbgrader := os.Getenv("LATERAL_NBGRADER")
	if nbgrader == "" {
		t.Skip("LATERAL_NBGRADER names no nbgrader (pip install nbgrader)")
	}
	course, home := filepath.Join(t.TempDir(), "course"), t.TempDir()
	nb := sources("# Exercise", "func half(x float64) float64 { return x / 2 }",
		"func mine(x float64) float64 {\n\treturn 0 // write it here\n}",
		"%test -test.v\nimport \"testing\"\n\nfunc TestMine(t *testing.T) {\n\tgot := mine(3)\n\tif got == 0 "+
			"{\n\t\tt.Skip(\"nothing is written yet\")\n\t}\n\tif got != half(3) {\n\t\tt.Fatalf(\"half of 3 is %g, got %g\", "+
			"half(3), got)\n\t}\n}")
	nb.Cells[2].Metadata = map[string]any{"tags": []any{"exercise"}, "lateral": map[string]any{"points": 4.0}}
	nb.Cells[3].Metadata = map[string]any{}
	source := filepath.Join(t.TempDir(), "halves.ipynb")
	if err := nb.WriteFile(source); err != nil {
		t.Fatal(err)
	}
	if err := writeCourse(io.Discard, course, []string{source}); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "LATERAL_PROFILE=quick",
		"JUPYTER_DATA_DIR="+filepath.Join(home, "data"), "JUPYTER_RUNTIME_DIR="+filepath.Join(home, "runtime"),
		"JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"),
		"PATH="+filepath.Dir(nbgrader)+":"+os.Getenv("PATH")) // it calls programs that are installed beside it
	run := func(dir, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
		}
	}
	lateral := filepath.Join(home, "lateral")
	run(".", "go", "build", "-o", lateral, ".")
	run(".", lateral, "kernel", "install")
	run(course, nbgrader, "generate_assignment", "halves", "--create")

	released := filepath.Join(course, "release", "halves", "halves.ipynb")
	for student, change := range map[string][2]string{ // what of which cell is replaced, and by what
		"right": {"mine", "return x / 2"}, "wrong": {"mine", "return x / 3"}, "zero": {"mine", "return 0"}, "unsolved": {},
		"panicking": {"mine", "return []float64{}[int(x)]"}, "cheating": {"TestMine", "func TestMine(t *testing.T) {}"},
		"exiting": {"mine", "os.Exit(0)\n\treturn x"}, "helped": {"mine", "return half(x)"},
		"shell": {"mine", "return x\n}\n!true\nfunc f() {"},
		"early": {"mine", "return x\n}\n\nfunc init() {\n\tos.Exit(0)"},
	} {
		nb, err := notebook.ReadFile(released)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range nb.Cells {
			if change[0] == "mine" {
				c.Source = strings.Replace(c.Source, `panic("write your answer here")`, change[1], 1)
			} else if at := strings.Index(c.Source, "func "+change[0]); change[0] != "" && at >= 0 {
				c.Source = c.Source[:at] + change[1]
			}
		}
		dir := filepath.Join(course, "submitted", student, "halves")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := nb.WriteFile(filepath.Join(dir, "halves.ipynb")); err != nil {
			t.Fatal(err)
		}
	}
	run(course, nbgrader, "autograde", "halves", "--create")
	run(course, nbgrader, "export")
	file, err := os.Open(filepath.Join(course, "grades.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	marks := map[string]string{}
	for _, row := range rows[1:] {
		marks[row[column["student_id"]]] = row[column["score"]] + " of " + row[column["max_score"]]
	}
	for student, want := range map[string]string{"right": "4.0 of 4.0", "wrong": "0.0 of 4.0", "zero": "0.0 of 4.0",
		"unsolved": "0.0 of 4.0", "panicking": "0.0 of 4.0", "cheating": "0.0 of 4.0",
		"exiting": "0.0 of 4.0", "helped": "0.0 of 4.0", "shell": "0.0 of 4.0", "early": "0.0 of 4.0"} {
		if marks[student] != want {
			t.Errorf("%s: %s, want %s", student, marks[student], want)
		}
	}
}
