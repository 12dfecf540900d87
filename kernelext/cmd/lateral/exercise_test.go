// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/grade"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// The check below each exercise of a notebook passes for a right answer, and fails for plausible wrong ones and for
// some that get around it. An answer that borrows from the library what the check computes with is refused, whatever
// it is. The answers are in testdata/exercises, named by notebook, cell and kind; right is one kind, all others are
// wrong.
func TestExercises(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the declarations of every notebook on the GoNB kernel")
	}
	paths, err := filepath.Glob("../../../notebooks/*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks: %v", err)
	}
	exercises, calls := 0, 0
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
			answers, err := filepath.Glob(filepath.Join("testdata", "exercises", name, cell.ID+".*.go"))
			if err != nil || len(answers) < 2 {
				t.Errorf("%s: the answers to %s are %q, %v", name, cell.ID, answers, err)
			}
			for _, file := range answers {
				kind, want := strings.Split(filepath.Base(file), ".")[1], grade.Wrong
				if kind == "right" {
					want = grade.Right
				}
				t.Run(name+"/"+cell.ID+"/"+kind, func(t *testing.T) {
					t.Parallel()
					answer, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					_, body, _ := strings.Cut(string(answer), "package main\n")
					checkExercise(t, path, i, body, want)
				})
			}
			for _, call := range libraryCalls(t, nb.Cells[i+1:]) {
				calls++
				t.Run(name+"/"+cell.ID+"/"+call, func(t *testing.T) {
					t.Parallel()
					// The answer keeps what the library computes for the check; whether it uses it as it should does not matter.
					checkExercise(t, path, i, cell.Source+"\nvar borrowed = "+call+"\n", grade.Refused)
				})
			}
		}
	}
	if exercises == 0 || calls == 0 {
		t.Errorf("%d exercises, whose checks call %d functions of the library", exercises, calls)
	}
}

// libraryCalls returns the functions of the library that the check of an exercise, the first code cell, computes with:
// the answers that a student could borrow. Those that carry the check's data are no answers.
func libraryCalls(t *testing.T, cells []*notebook.Cell) (calls []string) {
	t.Helper()
	for cells[0].Type != notebook.Code {
		cells = cells[1:]
	}
	_, source, _ := strings.Cut(cells[0].Source, "\n") // without %test
	file, err := parser.ParseFile(token.NewFileSet(), "check.go", "package main\n"+source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !f.Sel.IsExported() {
			return true
		}
		in, ok := f.X.(*ast.Ident)
		if !ok || in.Obj != nil || in.Name == "tensor" || f.Sel.Name == "NewTape" {
			return true
		}
		name := in.Name + "." + f.Sel.Name
		if _, err := os.Stat(filepath.Join("..", "..", "..", "lib", in.Name)); err == nil && !slices.Contains(calls, name) {
			calls = append(calls, name)
		}
		return true
	})
	return calls
}

// checkExercise grades an answer to the exercise in a cell of a notebook.
func checkExercise(t *testing.T, path string, exercise int, body, want string) {
	t.Helper()
	tools, err := prepare(t.Context(), t.Output(), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
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
		t.Errorf("%+v for the answer\n%s", mark, body)
	}
	if want != grade.Right && report.Points != 0 {
		t.Errorf("%v points for a wrong answer", report.Points)
	}
}
