// SPDX-License-Identifier: Apache-2.0

package results_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/results"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
)

// TestNotebooksJSONAndPageAgree compares the checked-in files of this module.
func TestNotebooksJSONAndPageAgree(t *testing.T) {
	root, err := toolchain.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := results.Check(root); err != nil {
		t.Error(err)
	}
}

// table is the machine-readable output of one Versus call.
func table(document string, rows ...any) map[string]any {
	return map[string]any{"document": document, "profile": "standard", "date": "2026-01-02", "lateral": "devel",
		"rows": rows}
}

// tree makes a module with one notebook, whose cells hold the given tables, and returns its root.
func tree(t *testing.T, tables ...any) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, results.NotebooksDir), 0o777); err != nil {
		t.Fatal(err)
	}
	addNotebook(t, root, "01_first.ipynb", tables...)
	return root
}

func addNotebook(t *testing.T, root, name string, tables ...any) {
	t.Helper()
	nb := &notebook.Notebook{}
	for i, data := range tables {
		nb.Cells = append(nb.Cells, &notebook.Cell{Type: notebook.Code, ID: "cell-" + string(rune('a'+i)),
			Outputs: []*notebook.Output{
				{Type: notebook.Stream, Name: "stdout", Text: "text"},
				{Type: notebook.DisplayData, Data: map[string]any{"text/plain": "table", kernelext.VersusMIME: data}},
			}})
	}
	if err := nb.WriteFile(filepath.Join(root, results.NotebooksDir, name)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	measured = map[string]any{"item": "test error | 784-128-10", "document": 1.46, "here": 1.53333333,
		"difference": 0.0733333,
		"bound":      0.0771, "seeds": 3, "spread": 0.0666, "unit": "%", "data": "Glyphs", "note": "short",
		"verdict": "agrees", "headline": true}
	absent = map[string]any{"item": "with <dropout>", "document": "< 2", "verdict": "not run", "profile": "paper",
		"unlike": "half of the units"}
	large = map[string]any{"item": "parameters", "document": 101770, "here": 101770, "difference": 0, "counted": true}
)

func TestWriteThenCheck(t *testing.T) {
	root := tree(t, table("Doc B", measured, absent))
	addNotebook(t, root, "00_zero.ipynb", table("Doc A", large))
	rows, err := results.Write(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[0].Notebook != "00_zero.ipynb" || rows[1].Source != "Doc B" ||
		rows[2].Item != "with <dropout>" {
		t.Errorf("rows: %+v", rows)
	}
	const want = `
| document | item | document's value | here | difference ± 2 SE | seeds | data, setting | notebook |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Doc B | test error \| 784-128-10 (note 1) | 1.46 % | 1.533 ± 0.067 % | ` +
		`+0.073 ± 0.077 % (agrees) | 3 | Glyphs, standard | [01_first](01_first.ipynb) |

## At another size or on other data

| document | item | document's value | here | difference ± 2 SE | seeds | data, setting | notebook |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Doc B | with &lt;dropout> | &lt; 2 | – | (not run) | – | paper, half of the units | [01_first](01_first.ipynb) |

## By counting or by a formula

| document | item | document's value | here | difference ± 2 SE | seeds | data, setting | notebook |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Doc A | parameters | 101770 | 101770 | +0 | – | standard | [00_zero](00_zero.ipynb) |

## Notes

1. short
`
	page := read(t, root, results.PageFile)
	if !strings.HasSuffix(page, want) {
		t.Errorf("page:\n%s\nwant at its end:\n%s", page, want)
	}
	if err := results.Check(root); err != nil {
		t.Errorf("what was just written disagrees: %v", err)
	}
	before := read(t, root, results.JSONFile)
	if _, err := results.Write(root); err != nil || read(t, root, results.JSONFile) != before ||
		read(t, root, results.PageFile) != page {
		t.Errorf("writing again changes the files: %v", err)
	}
}

// TestHeadline checks that the README's table holds the rows that are marked, and nothing else changes.
func TestHeadline(t *testing.T) {
	const head, foot = "# Doc\n\n", "\nMore.\n"
	const begin, end = "<!-- headline results, by `lateral results` -->\n", "<!-- end -->\n"
	root := tree(t, table("Doc B", measured, absent))
	write(t, root, results.ReadmeFile, head+begin+"old\n"+end+foot)
	if err := results.Check(root); err == nil || !strings.Contains(err.Error(), "README.md, line 4") {
		t.Errorf("an old table: %v", err)
	}
	if _, err := results.Write(root); err != nil {
		t.Fatal(err)
	}
	const want = head + begin + `| document | item | document's value | here | difference ± 2 SE | seeds | notebook |
| --- | --- | --- | --- | --- | --- | --- |
| Doc B | test error \| 784-128-10 | 1.46 % | 1.533 ± 0.067 % | ` +
		`+0.073 ± 0.077 % (agrees) | 3 | [01_first](notebooks/01_first.ipynb) |
` + end + foot
	if got := read(t, root, results.ReadmeFile); got != want {
		t.Errorf("README:\n%s\nwant:\n%s", got, want)
	}
	if err := results.Check(root); err != nil {
		t.Error(err)
	}
	write(t, root, results.ReadmeFile, "without marks")
	if err := results.Check(root); err != nil {
		t.Error(err)
	}
}

func TestCheckFailsWhereTheFilesDisagree(t *testing.T) {
	for name, c := range map[string]struct {
		change func(root string)
		want   string
	}{
		"notebook run again": {func(root string) { addNotebook(t, root, "01_first.ipynb", table("Doc", large)) },
			"results.json, line"},
		"notebook added": {func(root string) { addNotebook(t, root, "02_next.ipynb", table("Doc", large)) },
			"RESULTS.md, line"},
		"JSON edited": {func(root string) {
			write(t, root, results.JSONFile, strings.Replace(read(t, root, results.JSONFile), "1.46", "1.47", 1))
		}, "results.json, line 7"},
		"page edited": {func(root string) {
			write(t, root, results.PageFile, strings.Replace(read(t, root, results.PageFile), "1.46", "1.47", 1))
		}, "RESULTS.md, line 11"},
		"JSON missing": {func(root string) { os.Remove(filepath.Join(root, results.JSONFile)) },
			"results.json is missing"},
		"notebooks missing": {func(root string) { os.Remove(filepath.Join(root, results.NotebooksDir, "01_first.ipynb")) },
			"no notebook"},
		"page missing": {func(root string) { os.Remove(filepath.Join(root, results.PageFile)) }, "RESULTS.md is missing"},
		"notebook broken": {func(root string) { write(t, root, results.NotebooksDir+"/01_first.ipynb", "{") },
			"01_first.ipynb"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, table("Doc", measured))
			if _, err := results.Write(root); err != nil {
				t.Fatal(err)
			}
			c.change(root)
			if err := results.Check(root); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestCheckWithoutAnyNotebook(t *testing.T) {
	if err := results.Check(t.TempDir()); err != nil {
		t.Error(err)
	}
	if _, err := results.Write(t.TempDir()); err == nil {
		t.Error("Write finds results where there is no notebook")
	}
}

func TestNotebookWithoutComparisons(t *testing.T) {
	root := tree(t)
	if err := results.Check(root); err == nil {
		t.Error("a notebook, but no results.json: agreed")
	}
	if _, err := results.Write(root); err != nil {
		t.Fatal(err)
	}
	if err := results.Check(root); err != nil {
		t.Error(err)
	}
	if got := read(t, root, results.JSONFile); got != "{\n  \"rows\": []\n}\n" {
		t.Errorf("JSON %q", got)
	}
}

func TestCollectRefusesWhatItCannotTrust(t *testing.T) {
	for name, c := range map[string]struct {
		tables []any
		want   string
	}{
		"not an object": {[]any{[]any{1}}, "cell 1"},
		"unknown field": {[]any{table("Doc", map[string]any{"item": "x", "speed": 1})}, "speed"},
		"no item":       {[]any{table("Doc", map[string]any{"document": 1})}, "without an item"},
		"odd value":     {[]any{table("Doc", map[string]any{"item": "x", "here": []any{1}})}, "neither a number nor text"},
		"no document":   {[]any{table("", large)}, "lacks its document"},
		"twice":         {[]any{table("Doc", large), table("Doc", large)}, "cell 1 and again in cell 2"},
	} {
		root := tree(t, c.tables...)
		if _, _, err := results.Collect(filepath.Join(root, results.NotebooksDir)); err == nil ||
			!strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "01_first.ipynb") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// addGallery adds a notebook with one tagged cell, whose outputs are text, a picture and its caption.
func addGallery(t *testing.T, root, name string, outputs ...*notebook.Output) {
	t.Helper()
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Code, ID: "weights", Outputs: outputs,
		Metadata: map[string]any{"tags": []any{results.GalleryTag}}}}}
	if err := nb.WriteFile(filepath.Join(root, results.NotebooksDir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestGallery(t *testing.T) {
	root := tree(t, table("Doc", measured))
	said := &notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "text"}
	picture := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"image/png": "UE5H\n",
		"text/plain": "Grid [of] weights"}}
	caption := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/plain": "Figure 1. Weights."}}
	addGallery(t, root, "02_net.ipynb", said, picture, caption)
	if _, err := results.Write(root); err != nil {
		t.Fatal(err)
	}
	const file = "notebooks/gallery/02_net-weights.png"
	if got := read(t, root, file); got != "PNG" {
		t.Errorf("picture holds %q", got)
	}
	if want := "![Grid (of) weights](gallery/02_net-weights.png)\n\nFigure 1. Weights.\n"; !strings.Contains(
		read(t, root, results.PageFile), want) {
		t.Errorf("the page lacks %q", want)
	}
	if err := results.Check(root); err != nil {
		t.Errorf("what was just written disagrees: %v", err)
	}
	write(t, root, file, "another")
	if err := results.Check(root); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("another picture: %v", err)
	}
	addGallery(t, root, "02_net.ipynb", said)
	if err := results.Check(root); err == nil || !strings.Contains(err.Error(), "02_net.ipynb, cell 1: no picture") {
		t.Errorf("tagged cell without picture: %v", err)
	}
	os.Remove(filepath.Join(root, results.NotebooksDir, "02_net.ipynb"))
	if err := results.Check(root); err == nil || !strings.Contains(err.Error(), "no notebook shows 02_net-weights.png") {
		t.Errorf("picture of no notebook: %v", err)
	}
	if _, err := results.Write(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, file)); err == nil {
		t.Error("Write keeps a picture of no notebook")
	}
}
