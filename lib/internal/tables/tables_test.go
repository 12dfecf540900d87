// SPDX-License-Identifier: Apache-2.0

package tables

import (
	"strings"
	"testing"
)

func results() *Table {
	return &Table{
		Caption: "Test error on <MNIST>",
		Columns: []string{"model", "document (%)", "here (%)", "note"},
		Rows:    [][]string{{"ReLU", "1.60", "1.58 ± 0.04", "a|b"}, {"LWTA", "–", "12.3", "5 seeds\n2 cores"}},
	}
}

func TestTable(t *testing.T) {
	const text = `Test error on <MNIST>

model  document (%)     here (%)  note
-----  ------------  -----------  ---------------
ReLU           1.60  1.58 ± 0.04  a|b
LWTA              –         12.3  5 seeds 2 cores
`
	if got := results().Text(); got != text {
		t.Errorf("text:\n%s", got)
	}
	const markdown = `**Test error on &lt;MNIST>**

| model | document (%) | here (%) | note |
| --- | ---: | ---: | --- |
| ReLU | 1.60 | 1.58 ± 0.04 | a\|b |
| LWTA | – | 12.3 | 5 seeds 2 cores |
`
	if got := results().Markdown(); got != markdown {
		t.Errorf("markdown:\n%s", got)
	}
	html := results().HTML()
	for _, want := range []string{"Test error on &lt;MNIST&gt;", ">1.58 ± 0.04</td>", "text-align:right", "<th "} {
		if !strings.Contains(html, want) {
			t.Errorf("HTML lacks %s:\n%s", want, html)
		}
	}
	if strings.Count(html, "text-align:right") != 6 {
		t.Errorf("not the two number columns are set right:\n%s", html)
	}
}

func TestIsNumber(t *testing.T) {
	for _, s := range []string{"0", "-1.5", "−1.5", "1,024", "98.2 %", "1.5×", "12 ms", "0.98 [0.97, 0.99]", "3e-5",
		"2.1×10⁻⁵", "NaN", "≤ 3", "1 min"} {
		if !isNumber(s) {
			t.Errorf("%q is not seen as a number", s)
		}
	}
	for _, s := range []string{"ReLU", "784-128-10 net", "2 hidden layers", "", "k = 5", "± 3 of all"} {
		if isNumber(s) {
			t.Errorf("%q is seen as a number", s)
		}
	}
}
