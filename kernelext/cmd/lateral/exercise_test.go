// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// The check below each exercise of a notebook passes for a right answer and fails for a plausible wrong one. The
// answers are in testdata/exercises, named by notebook and cell.
func TestExercises(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the declarations of every notebook on the GoNB kernel")
	}
	paths, err := filepath.Glob("../../../notebooks/*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks: %v", err)
	}
	exercises := 0
	for _, path := range paths {
		nb, err := notebook.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".ipynb")
		for i, cell := range nb.Cells {
			if !cell.HasTag("exercise") {
				continue
			}
			exercises++
			for kind, want := range map[string]string{"right": grade.Right, "wrong": grade.Wrong} {
				t.Run(name+"/"+cell.ID+"/"+kind, func(t *testing.T) {
					t.Parallel()
					checkExercise(t, path, i, filepath.Join("testdata", "exercises", name, cell.ID+"."+kind+".go"), want)
				})
			}
		}
	}
	if exercises == 0 {
		t.Error("no notebook has an exercise")
	}
}

// checkExercise grades the answer in a file to the exercise in a cell of a notebook.
func checkExercise(t *testing.T, path string, exercise int, file, want string) {
	tools, err := prepare(t.Context(), t.Output(), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(answer), "package main\n")
	id := nb.Cells[exercise].ID
	check := exercise + 1
	for nb.Cells[check].Type != notebook.Code {
		check++
	}
	reference := &notebook.Notebook{Cells: nb.Cells[:check+1]}
	submitted := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Code, ID: id, Source: body}}}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := grade.Options{Module: tools.Module, Goimports: tools.Goimports(), Supervisor: program, TimeLimit: time.Minute,
		Env: append(tools.Environment(), "LATERAL_PROFILE=quick", "LATERAL_HEADLESS=1"), Dir: t.TempDir()}
	report, err := grade.Grade(t.Context(), reference, submitted, o)
	if err != nil {
		t.Fatal(err)
	}
	if mark := report.Marks[len(report.Marks)-1]; mark.Exercise != id || mark.State != want {
		t.Errorf("%s: %+v", file, mark)
	}
}
