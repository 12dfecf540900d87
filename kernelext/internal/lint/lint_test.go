// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func Example() {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		{Type: notebook.Markdown, ID: "a", Source: "The network reaches 98.2 % on the test set."},
	}}
	for _, f := range Check(nb, 1000) {
		fmt.Println(f)
	}
	// Output: cell 1 (a), line 1: 98.2 % is typed into prose: print it from a cell, or name the document it is from, as [KH19]
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
	} {
		nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "m", Source: text}}}
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
		"no text form":            output(&notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/html": "x"}}),
		"shows /tmp/x":            output(&notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "in /tmp/x\n"}),
		"without a caption":       output(picture),
	} {
		got := Check(&notebook.Notebook{Cells: cells}, 0)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].Message, want)) {
			t.Errorf("want %q, got %v", want, got)
		}
	}
	if got := Check(&notebook.Notebook{Cells: output(picture, caption)}, 0); len(got) > 0 {
		t.Errorf("a picture with a caption: %v", got)
	}
	if got := Check(&notebook.Notebook{}, 3<<20); len(got) != 1 || !strings.Contains(got[0].String(), "3.0 MB") {
		t.Errorf("a large file: %v", got)
	}
}
