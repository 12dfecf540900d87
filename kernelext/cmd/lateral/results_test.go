// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/results"
)

func TestResultsCommand(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, results.NotebooksDir), 0o777); err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module github.com/lateral-ml/lateral\n")
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Code, ID: "a", Outputs: []*notebook.Output{{
		Type: notebook.DisplayData,
		Data: map[string]any{kernelext.VersusMIME: map[string]any{"document": "Doc", "profile": "quick", "date": "2026-01-02",
			"rows": []any{map[string]any{"item": "error", "document": 1.5, "here": 2}}}},
	}}}}}
	if err := nb.WriteFile(filepath.Join(root, results.NotebooksDir, "00_x.ipynb")); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := resultsCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(append(args, "--module", root))
		err := cmd.Execute()
		return out.String(), err
	}

	if out, err := run("--check"); err == nil || !strings.Contains(err.Error(), "lateral results") {
		t.Errorf("--check before anything is written: %q %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(root, results.JSONFile)); err == nil {
		t.Error("--check wrote a file")
	}
	if out, err := run(); err != nil || !strings.HasPrefix(out, "1 rows in ") {
		t.Errorf("results: %q %v", out, err)
	}
	if b, err := os.ReadFile(filepath.Join(root, results.PageFile)); err != nil ||
		!strings.Contains(string(b), "| Doc | error | 1.5 | 2 |") {
		t.Errorf("page: %s %v", b, err)
	}
	if out, err := run("--check"); err != nil || !strings.Contains(out, "agree") {
		t.Errorf("--check: %q %v", out, err)
	}
}
