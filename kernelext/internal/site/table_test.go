// SPDX-License-Identifier: Apache-2.0

package site

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// The table of the course counts what the notebooks hold, and only what stands between its marks changes.
func TestCourse(t *testing.T) {
	root := t.TempDir()
	readme := filepath.Join(root, "README.md")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "notebooks"), 0o777); err != nil {
		t.Fatal(err)
	}
	exercise := func(id string, points any) *notebook.Cell {
		return &notebook.Cell{Type: notebook.Code, ID: id, Metadata: map[string]any{"tags": []any{"exercise"},
			"lateral": map[string]any{"points": points}}}
	}
	title := "# Sparse nets\n\n| profile | units | time |\n| --- | --- | --- |\n" +
		"| `quick` | 100 | under 2 minutes, most of it to compile |\n| `standard` | 400 | about an hour with MNIST |"
	play := &notebook.Cell{Type: notebook.Code, ID: "play", Source: "%%\nkernelext.Playground(\"draw\", \"Draw.\")"}
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "title", Source: title},
		exercise("two", 2), exercise("half", 1.5), exercise("one", nil), play}}
	if err := nb.WriteFile(filepath.Join(root, "notebooks", "11_sparse.ipynb")); err != nil {
		t.Fatal(err)
	}
	write(readme, "# Title\n")
	if err := WriteCourse(root); err != nil {
		t.Errorf("a README without marks: %v", err)
	}
	write(readme, "# Title\n"+courseBegin+"old\n"+courseEnd+"after\n")
	if err := CheckCourse(root); err == nil || !strings.Contains(err.Error(), "run lateral results") {
		t.Errorf("an old table: %v", err)
	}
	if err := WriteCourse(root); err != nil {
		t.Fatal(err)
	}
	if err := CheckCourse(root); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(readme)
	want := "| [Sparse nets](notebooks/11_sparse.ipynb) | Draw a digit: who wins? | 3 | 4.5 | 15 | under 2 minutes | " +
		"about an hour |\n" + courseEnd + "after\n"
	if err != nil || !bytes.HasPrefix(got, []byte("# Title\n"+courseBegin)) || !bytes.HasSuffix(got, []byte(want)) {
		t.Errorf("%v:\n%s", err, got)
	}
}

// The README's table is that of the notebooks of this checkout.
func TestCourseOfCheckout(t *testing.T) {
	if err := CheckCourse(filepath.Join("..", "..", "..")); err != nil {
		t.Error(err)
	}
}

func TestShort(t *testing.T) {
	for text, want := range map[string]string{
		"25 s / 40 s":                             "25 s / 40 s",
		"40 s / 2 min":                            "40 s / 2 min",
		"about a quarter of an hour":              "about a quarter of an hour",
		"under 15 minutes, most of it to compile": "under 15 minutes",
		"a sixth of the channels, the net's parts in ten minutes": "ten minutes",
		"minutes with MNIST; about an hour if anew":               "minutes",
		"": "",
	} {
		if got := short(text); got != want {
			t.Errorf("%q takes %q, want %q", text, got, want)
		}
	}
}
