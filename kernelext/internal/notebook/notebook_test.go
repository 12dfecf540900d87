// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func Example() {
	nb := &Notebook{Cells: []*Cell{{Type: Markdown, ID: "title", Source: "# Hello"}}}
	data, _ := nb.Encode()
	again, err := Read(data)
	fmt.Println(again.Cells[0].Source, err)
	// Output: # Hello <nil>
}

// testdata/jupyter.ipynb was written by Jupyter's own library, nbformat 5.11.1:
// every kind of cell and output, metadata of other programs, numbers of every
// spelling, line ends that Python knows, characters outside ASCII.
func TestRoundTripIsByteForByte(t *testing.T) {
	want, err := os.ReadFile("testdata/jupyter.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := Read(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := nb.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		for i, line := range strings.Split(string(got), "\n") {
			if other := strings.Split(string(want), "\n"); i >= len(other) || line != other[i] {
				t.Fatalf("line %d differs: %q", i+1, line)
			}
		}
		t.Fatal("the end differs")
	}
}

func TestRead(t *testing.T) {
	nb, err := ReadFile("testdata/jupyter.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	cell := nb.Cells[len(nb.Cells)-1]
	if cell.Type != Code || cell.Source != "%%\nfmt.Println(1)\n" || *cell.ExecutionCount != 3 ||
		!cell.HasTag("parameters") || cell.HasTag("x") {
		t.Errorf("cell %+v", cell)
	}
	if text := cell.Outputs[0].Text; text != "a\r\nb\vc\fd\x1ce\u2028f\u0085g\nno end" {
		t.Errorf("stream %q", text)
	}
	data := cell.Outputs[1].Data
	if data["text/html"] != "<b>\nx</b>" || data["image/png"] != "iVBOR\nw0KGgo=\n" ||
		data["application/json"].(map[string]any)["a"].([]any)[1] != "x\ny" {
		t.Errorf("display %v", data)
	}
	if e := cell.Outputs[3]; e.ErrorName != "E" || e.ErrorValue != "v\nw" || len(e.Traceback) != 2 {
		t.Errorf("error %+v", e)
	}
	if nb.Cells[0].ExecutionCount != nil || nb.Cells[1].Attachments["a.png"] == nil {
		t.Error("a Markdown cell is wrong")
	}
}

func TestOlderMinorVersionGetsIdentifiers(t *testing.T) {
	nb, err := Read([]byte(`{"cells": [{"cell_type": "markdown", "metadata": {}, "source": "a"},
		{"cell_type": "raw", "metadata": {}, "source": []}],
		"metadata": {}, "nbformat": 4, "nbformat_minor": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if nb.Cells[0].ID != "cell-1" || nb.Cells[1].ID != "cell-2" {
		t.Errorf("identifiers %q, %q", nb.Cells[0].ID, nb.Cells[1].ID)
	}
}

// What programs that write notebooks leave out is mended, with a note, and the notebook is valid then.
func TestRepair(t *testing.T) {
	for want, edit := range map[string]func(nb, markdown, code tree){
		"cell 2 had no identifier":              func(_, _, c tree) { delete(c, "id") },
		"cell 1 had an identifier that is none": func(_, m, _ tree) { m["id"] = "a b" },
		"cell 2 had the identifier of another":  func(_, _, c tree) { c["id"] = "m" },
		"cells 1 and 2 had no identifier":       func(_, m, c tree) { m["id"] = nil; delete(c, "id") },
		"cell 2 had no metadata":                func(_, _, c tree) { delete(c, "metadata") },
		"cell 2 had no execution count":         func(_, _, c tree) { delete(c, "execution_count") },
		"cell 2 had no list of outputs":         func(_, _, c tree) { delete(c, "outputs") },
		"cell 2 had no source":                  func(_, _, c tree) { delete(c, "source") },
		"cell 1 had outputs, though it is text": func(_, m, _ tree) { m["outputs"] = []any{} },
		"cell 2 had a tag twice, or an empty one": func(_, _, c tree) {
			c["metadata"] = tree{"tags": []any{"a", "b", "a", ""}}
		},
		"cell 2 had an incomplete output": func(_, _, c tree) {
			c["outputs"] = []any{tree{"output_type": "stream", "text": "x"}, tree{"output_type": "display_data", "data": tree{}}}
		},
		"7 cells, the first of them cell 3, had no identifier": func(nb, _, _ tree) {
			for range 7 {
				nb["cells"] = append(nb["cells"].([]any), tree{"cell_type": "raw", "metadata": tree{}, "source": ""})
			}
		},
		"": func(nb, _, _ tree) { delete(nb, "metadata") },
	} {
		nb, err := Read(document(t, edit))
		if err != nil {
			t.Errorf("%q: %v", want, err)
			continue
		}
		if got := strings.Join(nb.Repairs, "; "); got != want {
			t.Errorf("notes %q, want %q", got, want)
		}
		encoded, err := nb.Encode()
		if err != nil {
			t.Errorf("%q: %v", want, err)
		} else if again, err := Read(encoded); err != nil || len(again.Repairs) > 0 {
			t.Errorf("%q: read again: %v, %v", want, again, err)
		}
	}
	// A new identifier is not one that comes later.
	nb, err := Read([]byte(`{"cells": [{"cell_type": "raw", "metadata": {}, "source": ""},
		{"cell_type": "raw", "id": "cell-1", "metadata": {}, "source": ""}],
		"metadata": {}, "nbformat": 4, "nbformat_minor": 5}`))
	if err != nil || nb.Cells[0].ID != "cell-1-2" || nb.Cells[1].ID != "cell-1" {
		t.Errorf("%v, %v", nb, err)
	}
}

// tree is a JSON object.
type tree = map[string]any

// document is a valid notebook in which edit has changed something.
func document(t *testing.T, edit func(nb, markdown, code tree)) []byte {
	t.Helper()
	markdown := tree{"cell_type": "markdown", "id": "m", "metadata": tree{}, "source": "text"}
	code := tree{"cell_type": "code", "id": "c", "metadata": tree{}, "source": "code", "execution_count": nil,
		"outputs": []any{}}
	nb := tree{"cells": []any{markdown, code}, "metadata": tree{}, "nbformat": 4, "nbformat_minor": 5}
	edit(nb, markdown, code)
	data, err := json.Marshal(nb)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestValidateSaysWhere(t *testing.T) {
	output := func(o tree) func(nb, m, c tree) {
		return func(_, _, c tree) {
			c["outputs"] = []any{tree{"output_type": "stream", "name": "stdout", "text": ""}, o}
		}
	}
	for want, edit := range map[string]func(nb, markdown, code tree){
		"":                                 func(_, _, _ tree) {},
		"cells is missing":                 func(nb, _, _ tree) { delete(nb, "cells") },
		"cells is not a list":              func(nb, _, _ tree) { nb["cells"] = "x" },
		"both integers":                    func(nb, _, _ tree) { nb["nbformat"] = "4" },
		"nbformat 3 is too old":            func(nb, _, _ tree) { nb["nbformat"] = 3 },
		"nbformat 5.5 is not 4.5":          func(nb, _, _ tree) { nb["nbformat"] = 5 },
		"nbformat 4.4 is not 4.5":          func(nb, _, _ tree) { nb["nbformat_minor"] = 4 },
		"notebook: extra does not belong":  func(nb, _, _ tree) { nb["extra"] = 1 },
		"notebook metadata: not an object": func(nb, _, _ tree) { nb["metadata"] = []any{} },
		"kernelspec, display_name: not a text": func(nb, _, _ tree) {
			nb["metadata"] = tree{"kernelspec": tree{"name": "x"}}
		},
		"language_info: not an object":            func(nb, _, _ tree) { nb["metadata"] = tree{"language_info": "go"} },
		"cell 3: not an object":                   func(nb, _, _ tree) { nb["cells"] = append(nb["cells"].([]any), 7) },
		"cell 2: id \"m\" is also that of cell 1": func(_, _, c tree) { c["id"] = "m" },
		"cell 1 (a b): id \"a b\" is not 1 to 64": func(_, m, _ tree) { m["id"] = "a b" },
		"id 5 is not 1 to 64":                     func(_, m, _ tree) { m["id"] = 5 },
		"id is missing":                           func(_, m, _ tree) { delete(m, "id") },
		"cell_type \"heading\" is not":            func(_, m, _ tree) { m["cell_type"] = "heading" },
		"cell 1 (m): outputs does not belong":     func(_, m, _ tree) { m["outputs"] = []any{} },
		"cell 2 (c): outputs is missing":          func(_, _, c tree) { delete(c, "outputs") },
		"cell 2 (c): attachments does not":        func(_, _, c tree) { c["attachments"] = tree{} },
		"neither null nor a count":                func(_, _, c tree) { c["execution_count"] = 1.5 },
		"cell 1 (m): source, line 2: not a text":  func(_, m, _ tree) { m["source"] = []any{"a", 2} },
		"source: neither a text":                  func(_, m, _ tree) { m["source"] = 3 },
		"tag \"a,b\" is not a text without":       func(_, m, _ tree) { m["metadata"] = tree{"tags": []any{"a,b"}} },
		"tag \"a\" appears twice":                 func(_, m, _ tree) { m["metadata"] = tree{"tags": []any{"a", "a"}} },
		"tags is not a list":                      func(_, m, _ tree) { m["metadata"] = tree{"tags": "a"} },
		"attachment x: data: not an object":       func(_, m, _ tree) { m["attachments"] = tree{"x": "y"} },
		"cell 2 (c), output 2: output_type null":  output(tree{}),
		"output 2: text is missing":               output(tree{"output_type": "stream", "name": "stdout"}),
		"output 2: metadata is missing":           output(tree{"output_type": "display_data", "data": tree{}}),
		"output 2: text/plain: neither a text": output(
			tree{"output_type": "display_data", "data": tree{"text/plain": 3}, "metadata": tree{}}),
		"output 2: execution_count is missing": output(
			tree{"output_type": "execute_result", "data": tree{}, "metadata": tree{}}),
		"output 2: traceback is not a list": output(
			tree{"output_type": "error", "ename": "", "evalue": "", "traceback": "x"}),
		"output 2: transient does not belong": output(
			tree{"output_type": "display_data", "data": tree{}, "metadata": tree{}, "transient": tree{}}),
	} {
		err := Validate(document(t, edit))
		switch {
		case want == "" && err != nil:
			t.Errorf("a valid notebook: %v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
}

func TestAllFindingsAreListed(t *testing.T) {
	err := Validate(document(t, func(nb, m, c tree) {
		nb["x"], m["source"] = 1, 2
		delete(c, "id")
	}))
	if got := strings.Count(fmt.Sprint(err), "\n") + 1; got != 3 {
		t.Errorf("%d findings, want 3: %v", got, err)
	}
}

func TestNotANotebook(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "line 1: the file ends",
		"{\n\n\"cells\": [":    "line 3: the file ends",
		"{\n\"a\": 1,\n}":      "line 3: invalid character",
		"[]":                   "a notebook is an object, not of type array",
		"null":                 "null is not a notebook",
		"{}\n<<<<<<< HEAD":     "line 2: text after the end",
		`{"nbformat": 4, "x":`: "the file ends",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one about %q", text, err, want)
		}
	}
}

func TestInvalidNotebookIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.ipynb")
	nb := &Notebook{Cells: []*Cell{{Type: Code, ID: "same"}, {Type: Code, ID: "same"}}}
	if err := nb.WriteFile(path); err == nil || !strings.Contains(err.Error(), "also that of cell 1") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("a file was written")
	}
}

func FuzzRead(f *testing.F) {
	golden, err := os.ReadFile("testdata/jupyter.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"cells": [{"cell_type": "code", "metadata": {}, "source": [], "outputs": ` +
		`[{"output_type": "stream", "name": "x", "text": ["a"]}], "execution_count": null}], ` +
		`"metadata": {}, "nbformat": 4, "nbformat_minor": 0}`))
	f.Add([]byte(`{"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "\ud800", ` +
		`"attachments": {"a": {"image/png": ["x"]}}}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`))
	f.Add([]byte(`{"cells": [{"cell_type": "code", "metadata": {}}, ` +
		`{"cell_type": "code", "id": "cell-1", "metadata": {"tags": ["", "a", "a"]}}, ` +
		`{"cell_type": "raw", "id": "cell-1", "outputs": []}], "nbformat": 4, "nbformat_minor": 5}`))
	f.Add([]byte(`{"cells": [{"cell_type": "code", "id": 5, "outputs": ` +
		`[{"output_type": "error"}, {"output_type": "execute_result"}, {}]}, null], ` +
		`"metadata": null, "nbformat": 4, "nbformat_minor": 9}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Read(data)
		if err != nil {
			return
		}
		// What was read can be written, and reads as the same.
		written, err := nb.Encode()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		again, err := Read(written)
		if err != nil {
			t.Fatalf("written but not read: %v", err)
		}
		if nb.Repairs = nil; !reflect.DeepEqual(nb, again) {
			t.Error("what was written reads differently")
		}
	})
}
