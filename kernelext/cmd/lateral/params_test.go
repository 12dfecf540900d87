// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

// What is typed is kept as it is.
func TestParseParams(t *testing.T) {
	typed := []string{"n=9007199254740993", "s=1.10", "e=1e5", "nothing=null", "on=true", "name=a=b c", "list=[1,2]",
		"text=\"5\"", "none=", "neg=-5"}
	got, err := parseParams(typed)
	if err != nil || len(got) != len(typed) {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, arg := range typed {
		name, text, _ := strings.Cut(arg, "=")
		if got[name] != text {
			t.Errorf("%s: got %q", arg, got[name])
		}
	}
	for _, bad := range []string{"n", "=5", "a b=5", "5=n"} {
		if _, err := parseParams([]string{bad}); err == nil || !strings.Contains(err.Error(), "write name=value") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	if _, err := parseParams([]string{"s=caf\xc3"}); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("half a character: error %v", err)
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
		"%% kernelext.Param(\"in a command\", 1)\n// kernelext.Param(\"in a comment\", 1)\nkernelext.Param(\"epochs\", "+
			"5)\nParam(name, 3)\n\"Param(\"",
	)
	var names []string
	for _, s := range paramsOf(nb) {
		names = append(names, s.name)
	}
	if want := []string{"epochs", "rate"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// A value that the notebook's own would not stand beside is refused before anything runs, where the call shows its
// kind.
func TestSettingsAreChecked(t *testing.T) {
	nb := sources(`var (
	units = kernelext.Param("units", 128) // hidden units
	images = kernelext.Param("images", kernelext.Pick(1500, 15_000, 50_000))
	p = kernelext.Param("p", kernelext.Pick(4.0, 4, 3))
	rate = kernelext.Param("rate", -0.1)
	shift = kernelext.Param("shift", -1)
	on = kernelext.Param("on", false)
	s = kernelext.Param("s", "d")
	seed = kernelext.Param("seed", uint64(1))
	size = kernelext.Param("size", kernelext.Profile())
	typed = kernelext.Param[float64]("typed", 3)
	sum = kernelext.Param("sum", 3 + x)
)`)
	nb.Cells[0].Metadata["tags"] = []any{"parameters"}
	for value, want := range map[string]string{
		"units=64": "", "units=0x40": "", "units=9223372036854775807": "",
		"units=-5": "-5 is negative, but parameter \"units\" is a count", "units=many": `"many" is no whole number`,
		"units=": "the value is empty", "units=6.4": "no whole number", "units=9223372036854775808": "not between",
		"images=-1": "is negative", "images=5": "",
		"p=2": "", "p=2.5": "", "p=x": "no number", "p=-2": "", "p=NaN": "no finite number", "rate=1e999": "too large",
		"shift=-7": "",
		"on=yes":   "neither true nor false", "on=true": "", "s=1.10": "", "s=": "", "seed=-1": "", "size=fast": "",
		"typed=1.5": "", "sum=x": "",
		"unit=5": "the notebook's parameters are units, images, p, rate, shift, on, s, seed, size, typed, sum",
	} {
		params, err := parseParams([]string{value})
		if err != nil {
			t.Fatal(err)
		}
		if err := setParams(nb, params); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one about %q", value, err, want)
		}
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
		if err := setParams(nb, map[string]string{"n": "7"}); err != nil {
			t.Fatal(err)
		}
		if len(nb.Cells) != 4 || !nb.Cells[2].HasTag("injected-parameters") ||
			nb.Cells[2].Source != "Parameters of this run:\n\n- `n = 7`" {
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
		if err := setParams(nb, map[string]string{"m": "1"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
	if err := setParams(sources(`kernelext.Param("n", 5)`), map[string]string{"n": "1"}); err == nil ||
		!strings.Contains(err.Error(), "tagged parameters") {
		t.Errorf("no tagged cell: error %v", err)
	}
}

// Whatever a cell holds has imports and settings, or none.
func FuzzGoCells(f *testing.F) {
	for _, source := range []string{"import (\n\t\"os\"\n\t. \"fmt\"\n)", "import m \"math\"",
		"var n = kernelext.Param(\"n\", kernelext.Pick(1, -2, 3.5))", "Param[float64](\"x\",", "Param(\"x\", Pick(", "Param[",
		"import \"\"", "%test\n`"} {
		f.Add(source, "5")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		nb := sources("#", source)
		nb.Cells[1].Type, nb.Cells[1].Metadata["tags"] = notebook.Code, []any{"parameters"}
		importsOf(nb)
		for _, s := range paramsOf(nb) {
			params := map[string]string{s.name: value}
			if err := setParams(nb, params); err == nil && len(nb.Cells) != 3 {
				t.Errorf("%q = %q: %d cells", s.name, value, len(nb.Cells))
			}
		}
	})
}
