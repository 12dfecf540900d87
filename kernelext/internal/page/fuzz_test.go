// SPDX-License-Identifier: Apache-2.0

package page

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func FuzzCutEquations(f *testing.F) {
	f.Add("a $x$ `$` \\$ $$y$$ ```\n$\n``` \\(z\\) \\begin{align}a\\end{align}")
	f.Add("\ue0000\ue001")
	f.Fuzz(func(t *testing.T, source string) {
		cut, equations := cutEquations(source)
		if n := len(mark.FindAllString(cut, -1)); n != len(equations) {
			t.Errorf("%d marks for %d equations in %q", n, len(equations), source)
		}
		if !strings.ContainsAny(source, "$\\\ue000\ue001") && cut != source {
			t.Errorf("%q became %q", source, cut)
		}
	})
}

// Whatever a notebook holds becomes a page, in which no script runs but those that a cell displays.
func FuzzRender(f *testing.F) {
	jupyter, err := os.ReadFile("../notebook/testdata/jupyter.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(jupyter)
	for _, source := range []string{"# T<script>alert(1)</script> $x$",
		"[j](javascript:alert(1)) ![p](../x.png) <base href=x>", "$\\begin{align} \\( [a](b", "```go\n`", "| a |\n|-|\n"} {
		nb := &notebook.Notebook{Cells: []*notebook.Cell{prose(source),
			program(source, shown(map[string]any{"text/markdown": source, "text/plain": source}))}}
		data, err := nb.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := notebook.Read(data)
		if err != nil || len(data) > 1<<14 {
			return
		}
		display := false
		for _, c := range nb.Cells {
			for _, o := range c.Outputs {
				_, html := o.Data["text/html"]
				display = display || html
			}
		}
		html, _, err := Render(nb, Options{Title: "t", Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.ToLower(string(html)); !display &&
			(strings.Contains(text, "<script") || strings.Contains(text, "<form") || strings.Contains(text, "<base") ||
				strings.Contains(text, "href=\"javascript:")) {
			t.Errorf("%s", html)
		}
	})
}

// Terminal text becomes its characters and spans.
func FuzzANSI(f *testing.F) {
	for _, text := range []string{"\x1b[31mr\x1b[0m", "\x1b[38;2;1;2;3mx", "\x1b[38;5;999;48mx", "\x1b]0;t\x07",
		"<b>\x1b[m&", "\x1b[", "\x1b[99999999999999999999m"} {
		f.Add(text)
	}
	spans := regexp.MustCompile(`</?span( class="[a-z0-9 ]+")?( style="[^"<>]+")?>`)
	f.Fuzz(func(t *testing.T, text string) {
		got := ansi(text)
		if rest := spans.ReplaceAllString(got, ""); strings.ContainsAny(rest, "<>\x1b") ||
			strings.Count(got, "<span") != strings.Count(got, "</span>") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
