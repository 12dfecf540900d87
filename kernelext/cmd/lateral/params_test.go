// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func TestParseParams(t *testing.T) {
	got, err := parseParams([]string{"n=5", "rate=0.1", "on=true", "name=a=b c", "list=[1,2]", "text=\"5\"", "none="})
	want := map[string]any{"n": 5.0, "rate": 0.1, "on": true, "name": "a=b c", "list": []any{1.0, 2.0}, "text": "5", "none": ""}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"n", "=5", "a b=5", "5=n"} {
		if _, err := parseParams([]string{bad}); err == nil || !strings.Contains(err.Error(), "write name=value") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

// sources makes a notebook of code cells; a source that starts with # is text.
func sources(list ...string) *notebook.Notebook {
	nb := &notebook.Notebook{}
	for i, source := range list {
		cell := &notebook.Cell{Type: notebook.Code, ID: string(rune('a' + i)), Source: source, Metadata: map[string]any{}}
		if strings.HasPrefix(source, "#") {
			cell.Type = notebook.Markdown
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nb
}

func TestParamsOf(t *testing.T) {
	nb := sources(
		"var epochs = kernelext.Param(\"epochs\", 5)\nvar rate = kernelext.Param[float64](\n\t`rate`, 0.1)",
		"# kernelext.Param(\"in text\", 1)",
		"%% kernelext.Param(\"in a command\", 1)\n// kernelext.Param(\"in a comment\", 1)\nkernelext.Param(\"epochs\", 5)\nParam(name, 3)\n\"Param(\"",
	)
	if got, want := paramsOf(nb), []string{"epochs", "rate"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestImportsOf(t *testing.T) {
	nb := sources(
		"import \"fmt\"\nimport m \"math\"\nvar s = \"not/this\"",
		"import (\n\t\"os\"\n\t. \"fmt\"\n\t_ \"image/png\"\n)\n%%\nfmt.Println(\"nor/this\")",
		"import", "import (", "import \"broken", "%test -v\nfunc TestX(t *testing.T) {}",
	)
	if got, want := importsOf(nb), []string{"fmt", "image/png", "math", "os", "testing"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSetParams(t *testing.T) {
	nb := sources("# intro", `var n = kernelext.Param("n", 5)`, "%%\nrun(n)")
	nb.Cells[1].Metadata["tags"] = []any{"parameters"}
	for range 2 { // a second run replaces the cell of the first
		if err := setParams(nb, map[string]any{"n": 7.0}); err != nil {
			t.Fatal(err)
		}
		if len(nb.Cells) != 4 || !nb.Cells[2].HasTag("injected-parameters") || nb.Cells[2].Source != "Parameters of this run:\n\n- `n = 7`" {
			t.Fatalf("%d cells, the third is %q", len(nb.Cells), nb.Cells[2].Source)
		}
		if _, err := nb.Encode(); err != nil {
			t.Error(err)
		}
	}
	if err := setParams(nb, nil); err != nil || len(nb.Cells) != 3 {
		t.Errorf("without parameters: %d cells, %v", len(nb.Cells), err)
	}
	for want, nb := range map[string]*notebook.Notebook{
		"the notebook's parameters are n": nb,
		"the notebook has no parameters":  sources("x := 1"),
	} {
		if err := setParams(nb, map[string]any{"m": 1.0}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	if err := setParams(sources(`kernelext.Param("n", 5)`), map[string]any{"n": 1.0}); err == nil || !strings.Contains(err.Error(), "tagged parameters") {
		t.Errorf("no tagged cell: error %v", err)
	}
}
