// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// A figure without a sentence that says what happened is a fault.
func TestCheckAnswers(t *testing.T) {
	one := 1
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Code, ID: "figure", Source: "show()",
		ExecutionCount: &one, Outputs: []*notebook.Output{
			{Type: notebook.DisplayData, Data: map[string]any{"image/png": "x", "text/plain": "alt"}},
			{Type: notebook.DisplayData, Data: map[string]any{"text/plain": "Figure 1. Look for a bend."},
				Metadata: map[string]any{"lateral": map[string]any{"role": "caption"}}},
		}}}}
	check := func() (string, error) {
		path := filepath.Join(t.TempDir(), "mine.ipynb")
		if err := nb.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := checkNotebooks(&out, []string{path})
		return out.String(), err
	}
	said, err := check()
	if err == nil || !strings.Contains(said, "cell 1 (figure): no sentence says what the figure shows") {
		t.Errorf("a figure without an answer: %v, %q", err, said)
	}
	nb.Cells[0].Outputs[1].Data["text/plain"] = "Figure 1. Look for a bend. What happened: it bends at 0.2."
	if said, err := check(); err != nil || said != "" {
		t.Errorf("a figure with an answer: %v, %q", err, said)
	}
}

// The notebooks of the course pass.
func TestCheckCourse(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "notebooks", "*.ipynb"))
	if err != nil || len(paths) < 13 {
		t.Fatalf("%d notebooks, %v", len(paths), err)
	}
	var out bytes.Buffer
	if err := checkNotebooks(&out, paths); err != nil {
		t.Errorf("%v:\n%s", err, out.String())
	}
}
