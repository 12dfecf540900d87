// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"math"
	"strings"
	"testing"
)

func TestMinutes(t *testing.T) {
	tagged := func(points any, tags ...any) map[string]any {
		return map[string]any{"tags": tags, "lateral": map[string]any{"points": points}}
	}
	picture := &Output{Type: DisplayData, Data: map[string]any{"image/png": "", "text/plain": ""}}
	lines := "%%\nx := 1\n\n" + strings.Repeat("f(x)\n", 18) + "}\n"
	for _, test := range []struct {
		what string
		cell Cell
		want float64
	}{
		{"300 words", Cell{Type: Markdown, Source: strings.Repeat("word ", 300)}, 2},
		{"an equation", Cell{Type: Markdown, Source: "$$\na = b + c\n$$"}, 0.5},
		{"a table of 6 words", Cell{Type: Markdown, Source: "| a | b |\n| --- | --- |\n| c | d |\n| e | f |"}, 6.0 / 150},
		{"20 lines", Cell{Type: Code, Source: lines}, 1},
		{"lines that are folded", Cell{Type: Code, Source: lines, Metadata: tagged(nil, "hide-input")}, 0},
		{"two pictures", Cell{Type: Code, Outputs: []*Output{picture, {Type: Stream, Text: "x"}, picture}}, 1},
		{"an exercise", Cell{Type: Code, Metadata: tagged(2, "exercise")}, 6},
		{"an exercise of no number of points", Cell{Type: Code, Metadata: tagged("many", "exercise")}, 3},
		{"raw text", Cell{Type: Raw, Source: lines}, 0},
	} {
		if got := test.cell.Minutes(); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v minutes, want %v", test.what, got, test.want)
		}
	}
}
