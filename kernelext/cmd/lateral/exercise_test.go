// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/notebook"
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
		for i, cell := range nb.Cells {
			if cell.HasTag("exercise") {
				exercises++
				name := strings.TrimSuffix(filepath.Base(path), ".ipynb")
				checkExercise(t, nb, i, filepath.Join("testdata", "exercises", name, cell.ID))
			}
		}
	}
	if exercises == 0 {
		t.Error("no notebook has an exercise")
	}
}

func checkExercise(t *testing.T, nb *notebook.Notebook, exercise int, answers string) {
	for kind, want := range map[string]string{"right": "--- PASS", "wrong": "--- FAIL"} {
		answer, err := os.ReadFile(answers + "." + kind + ".go")
		if err != nil {
			t.Error(err)
			continue
		}
		_, body, _ := strings.Cut(string(answer), "package main\n")
		try := declarations(nb.Cells[:exercise])
		check := *nb.Cells[exercise+1]
		try.Cells = append(try.Cells, &notebook.Cell{Type: notebook.Code, ID: "answer", Source: body}, &check)
		path, out := write(t, try), t.TempDir()
		o := runOptions{profile: "quick", out: out}
		failure := o.run(context.Background(), t.Output(), []string{path})
		done, err := notebook.ReadFile(filepath.Join(out, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if said := shown(done.Cells[len(done.Cells)-1]); !strings.Contains(said, want) || (failure == nil) != (kind == "right") {
			t.Errorf("%s answer to %s: want %s, got %v:\n%s", kind, answers, want, failure, said)
		}
	}
}

// declarations returns the cells without what they run: imports, types, functions and variables.
func declarations(cells []*notebook.Cell) *notebook.Notebook {
	nb := &notebook.Notebook{}
	for _, cell := range cells {
		source, _, _ := strings.Cut(cell.Source, "%%")
		if cell.Type == notebook.Code && strings.TrimSpace(source) != "" {
			nb.Cells = append(nb.Cells, &notebook.Cell{Type: notebook.Code, ID: cell.ID, Source: source})
		}
	}
	return nb
}
