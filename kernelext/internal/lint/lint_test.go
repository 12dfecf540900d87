// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func Example() {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		{Type: notebook.Markdown, ID: "a", Source: "The network reaches 98.2 % on the test set."},
	}}
	for _, f := range Check(nb, 1000) {
		fmt.Println(strings.ReplaceAll(f.String(), ": ", ":\n"))
	}
	// Output:
	// cell 1 (a), line 1:
	// 98.2 % is typed into prose:
	// print it from a cell, or name the document it is from, as [KH19]
}

func TestProse(t *testing.T) {
	for text, faults := range map[string]int{
		"It takes 3 networks and 15 epochs.":                        0,
		"It reaches 98.2.":                                          1,
		"It reaches 98 % of it.":                                    1,
		"The document reports 1.46 % [KH19].":                       0,
		"The document\nreports 1.46 %\n[KH19, table 1].\n\nWe 2.5.": 1,
		"<!-- document -->\n157.77 in all":                          0,
		"| a | b |\n| - | - |\n| 1.5 [KH19] | x |\n| 1.5 | x |":     1,
		"See equation 2.1, section 3.1.1 and figure 3.7.":           0,
		"arXiv 1410.1165":                                           0,
		"Set `rate = 0.1`, $\\lambda = 0.02$ and $$x\n= 1.5$$.":     0,
		"[a link](https://x.org/1.5)":                               0,
		"There are 1085 objects.":                                   1,
		"There are 1085 objects [NINAI17].":                         0,
		"It shows 60,000 digits, 250 units and 41 kinds.":           0, // a cell sets 250 and prints 60,000
		"At `paper` it takes 80,000 steps.":                         0,
		"A thesis of 2021, section 123.4.":                          0,
		"The codes 011010 and 1001.":                                0,
	} {
		one := 1
		nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "m", Source: text},
			{Type: notebook.Code, ID: "c", Source: "units := 250", ExecutionCount: &one, Outputs: []*notebook.Output{
				{Type: notebook.Stream, Name: "stdout", Text: "60,000 digits\n"}}}}}
		if got := Check(nb, 0); len(got) != faults {
			t.Errorf("%q: %v, want %d", text, got, faults)
		}
	}
}

func TestCells(t *testing.T) {
	count := func(n int) *int { return &n }
	good := func(n int) *notebook.Cell {
		return &notebook.Cell{Type: notebook.Code, ID: fmt.Sprint("c", n), Source: "x()", ExecutionCount: count(n)}
	}
	with := func(change func(*notebook.Cell)) []*notebook.Cell {
		c := good(1)
		change(c)
		return []*notebook.Cell{c}
	}
	output := func(o ...*notebook.Output) []*notebook.Cell {
		return with(func(c *notebook.Cell) { c.Outputs = o })
	}
	picture := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"image/png": "x", "text/plain": "alt"}}
	caption := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/plain": "c"},
		Metadata: map[string]any{"lateral": map[string]any{"role": "caption"}}}
	for want, cells := range map[string][]*notebook.Cell{
		"":                        {good(1), good(2)},
		"4 code cells in a row":   {good(1), good(2), good(3), good(4), good(5)},
		"30 lines of code":        with(func(c *notebook.Cell) { c.Source = strings.Repeat("x()\n", 30) }),
		"101 characters":          with(func(c *notebook.Cell) { c.Source = strings.Repeat("é", 101) }),
		"/home/ada is a path":     with(func(c *notebook.Cell) { c.Source = `open("/home/ada/x")` }),
		"was not run":             with(func(c *notebook.Cell) { c.ExecutionCount = nil }),
		"number 3 after number 0": with(func(c *notebook.Cell) { c.ExecutionCount = count(3) }),
		"without a check":         with(func(c *notebook.Cell) { c.Metadata = map[string]any{"tags": []any{"exercise"}} }),
		"is an error: bad":        output(&notebook.Output{Type: notebook.Error, ErrorValue: "bad"}),
		"stderr: oops":            output(&notebook.Output{Type: notebook.Stream, Name: "stderr", Text: "oops\n"}),
		"no text form": output(&notebook.Output{Type: notebook.DisplayData,
			Data: map[string]any{"text/html": "x"}}),
		"shows /tmp/x":      output(&notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "in /tmp/x\n"}),
		"without a caption": output(picture),
	} {
		got := Check(&notebook.Notebook{Cells: cells}, 0)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].Message, want)) {
			t.Errorf("want %q, got %v", want, got)
		}
	}
	if got := Check(&notebook.Notebook{Cells: output(picture, caption)}, 0); len(got) > 0 {
		t.Errorf("a picture with a caption: %v", got)
	}
	if got := Check(&notebook.Notebook{}, 3<<20); len(got) != 1 || !strings.Contains(got[0].String(), "3.0 MiB") {
		t.Errorf("a large file: %v", got)
	}
}

// Each figure needs a sentence with a number that says what happened: in its caption or printed soon after it.
func TestAnswers(t *testing.T) {
	picture := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"image/png": "x", "text/plain": "alt"}}
	says := func(text string) *notebook.Output {
		return &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/plain": text}}
	}
	printed := &notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "What happened: 3 of 4 died.\n"}
	cell := func(outputs ...*notebook.Output) *notebook.Cell {
		return &notebook.Cell{Type: notebook.Code, ID: "c", Source: "show()", Outputs: outputs}
	}
	schematic, played := cell(picture), cell(picture)
	schematic.Metadata = map[string]any{"tags": []any{Illustration}}
	played.Source = "%%\nkernelext.Playground(\"draw\", \"Figure 1.\")"
	for name, test := range map[string]struct {
		cells []*notebook.Cell
		want  []int // cells with a finding
	}{
		"in the caption":       {[]*notebook.Cell{cell(picture, says("Figure 1.\n\nWhat happened: 3 of 4 died."))}, nil},
		"printed by the cell":  {[]*notebook.Cell{cell(picture, says("Figure 1."), printed)}, nil},
		"printed by the next":  {[]*notebook.Cell{cell(picture), cell(), cell(printed)}, nil},
		"after the next":       {[]*notebook.Cell{cell(picture), cell(picture), cell(printed)}, []int{1}},
		"before the figure":    {[]*notebook.Cell{cell(printed), cell(picture)}, []int{2}},
		"of the second of two": {[]*notebook.Cell{cell(picture, says("Figure 1."), picture, printed)}, []int{1}},
		"of each of two":       {[]*notebook.Cell{cell(picture, printed, picture, printed)}, nil},
		"nowhere":              {[]*notebook.Cell{cell(picture, says("Figure 1.")), cell(picture)}, []int{1, 2}},
		"without a number":     {[]*notebook.Cell{cell(picture, says("What happened: most died."))}, []int{1}},
		"of a schematic":       {[]*notebook.Cell{schematic, played}, nil},
		"of no figure":         {[]*notebook.Cell{cell(says("Table 1."))}, nil},
		"after a schematic":    {[]*notebook.Cell{cell(picture), schematic, cell(printed)}, nil},
		"beside two schematic": {[]*notebook.Cell{schematic, cell(picture), played}, []int{2}},
	} {
		var got []int
		for _, f := range Answers(&notebook.Notebook{Cells: test.cells}) {
			got = append(got, f.Cell)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: findings at %v, want %v", name, got, test.want)
		}
	}
}

// What a cell says and what it shows are compared: of each pair of notebooks here, one has a finding and one has none.
func TestClaims(t *testing.T) {
	caption := func(text string) *notebook.Output {
		return &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/plain": text},
			Metadata: map[string]any{"lateral": map[string]any{"role": "caption"}}}
	}
	versus := func(profile string, rows ...any) *notebook.Output {
		return &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/plain": "t",
			kernelext.VersusMIME: map[string]any{"profile": profile, "rows": rows}}}
	}
	code := func(source string, outputs ...*notebook.Output) *notebook.Cell {
		count := 1
		return &notebook.Cell{Type: notebook.Code, ID: "c", Source: source, ExecutionCount: &count, Outputs: outputs}
	}
	printed := func(text string) *notebook.Output {
		return &notebook.Output{Type: notebook.Stream, Name: "stdout", Text: text}
	}
	ran := map[string]any{"profile": "standard", "parameters": map[string]any{"size": "paper", "seeds": "3"}}
	row, own := map[string]any{"item": "a"}, map[string]any{"item": "b", "profile": "paper"}
	setting := "var size = kernelext.Param(\"size\", kernelext.Profile())\nfunc rows() int { return grid(size) }\n"
	for name, test := range map[string]struct {
		metadata map[string]any
		cell     *notebook.Cell
		want     string // part of the finding, "" for none
	}{
		"typed into a caption": {nil,
			code("%%\nshow(\"it falls by 25.7 % at most\")", caption("it falls by 25.7 % at most")),
			"25.7 % is typed into the caption"},
		"printed by a cell": {nil,
			code("%%\nshow(\"it falls by 25.7 % at most\")", printed("25.70 points"),
				caption("it falls by 25.7 % at most")),
			""},
		"set by a cell": {nil, code("%%\nrun(.257)\nshow(\"with 0.257\")", caption("with 0.257")), ""},
		"computed into a caption": {nil,
			code("%%\nshow(fmt.Sprintf(\"falls by %.1f %%\", x))", caption("falls by 25.7 %")), ""},
		"the document's in a caption": {nil, code("%%\nshow(\"25.7 % in [KH19]\")", caption("25.7 % in [KH19]")), ""},
		"a figure's number": {nil,
			code("%%\nshow(\"figure 3.7\")", caption("Thesis21, figure 3.7. Look.")), ""},
		"computed, called theirs": {nil, code("%%\nshow(x)", caption("0.04, 67.30 % there")),
			`"67.30 % there" calls a number the document's`},
		"typed, called theirs": {nil,
			code("%%\nshow(Row{Document: 67.3})", caption("67.30 % in the thesis")), ""},
		"another profile": {ran, code("%%\nversus()", versus("quick", row)),
			"says profile quick, but the notebook was run at standard"},
		"another size": {ran, code(setting+"%%\nversus(rows())", versus("standard", row)),
			"the run had size=paper: give rows of another size their Profile"},
		"another size, said":     {ran, code(setting+"%%\nversus(rows())", versus("standard", row, own)), ""},
		"another size elsewhere": {ran, code(setting+"%%\nversus(5)", versus("standard", row)), ""},
		"no median": {nil, code("%%\nslices.Sort(v)\nm := v[len(v)/2] // median"),
			"v[len(v)/2] is the larger of the two middle values"},
		"a median": {nil,
			code("%%\nslices.Sort(v)\nm := (v[len(v)/2] + v[(len(v)-1)/2]) / 2 // median"), ""},
		"the middle size": {nil, code("%%\nunits := all[len(all)/2] // medians of runs below"), ""},
		"a check that NaN passes": {nil, code("%test\nif got := f(); math.Abs(got-want) > 1e-9 {\n}"),
			"an answer that is NaN passes"},
		"a check that it does not": {nil, code("%test\nif got := f(); !(math.Abs(got-want) <= 1e-9) {\n}"), ""},
	} {
		nb := &notebook.Notebook{Metadata: map[string]any{"lateral": test.metadata}, Cells: []*notebook.Cell{test.cell}}
		var got []string
		for _, f := range Check(nb, 0) {
			got = append(got, f.Message)
		}
		if len(got) > 1 || (len(got) == 1) != (test.want != "") ||
			test.want != "" && !strings.Contains(got[0], test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// Whatever a notebook holds is looked at, and every finding says where.
func FuzzCheck(f *testing.F) {
	for _, source := range []string{"a 3.5 % [KH19, table 1]", "```\n5.5\n```", "| 1.5 |\n<!-- document -->",
		"%test\n`", "/home/x", "$1.5$ \\] ]("} {
		f.Add(source, "out 0.5", "text/plain")
	}
	f.Fuzz(func(t *testing.T, source, output, mime string) {
		count := 1
		out := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{mime: output, "text/plain": output}}
		nb := &notebook.Notebook{Cells: []*notebook.Cell{
			{Type: notebook.Markdown, ID: "m", Source: source}, {Type: notebook.Code, ID: "c", Source: source,
				ExecutionCount: &count, Outputs: []*notebook.Output{out},
				Metadata: map[string]any{"tags": []any{"exercise"}}},
		}}
		for _, finding := range Check(nb, int64(len(source))) {
			if finding.Cell < 1 || finding.Cell > 2 || finding.Line < 0 || finding.Message == "" {
				t.Errorf("%+v", finding)
			}
		}
	})
}
