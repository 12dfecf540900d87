// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func ExampleRender() {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "a", Source: "# Title\n\n$x^2$ and $\\foo$"}}}
	html, warnings, err := Render(nb, Options{})
	fmt.Println(strings.Contains(string(html), "<title>Title</title>"), strings.Contains(string(html), "<msup>"), err)
	fmt.Println(warnings[0])
	// Output:
	// true true <nil>
	// cell 1: mathml: unknown command \foo in "\\foo"
}

// body renders cells and returns what stands in main.
func body(t *testing.T, o Options, cells ...*notebook.Cell) (string, []Warning) {
	t.Helper()
	html, warnings, err := Render(&notebook.Notebook{Cells: cells}, o)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(html), "<main>")
	main, _, _ := strings.Cut(rest, "</main>")
	return main, warnings
}

func prose(source string) *notebook.Cell {
	return &notebook.Cell{Type: notebook.Markdown, ID: "t", Source: source}
}

func program(source string, outputs ...*notebook.Output) *notebook.Cell {
	return &notebook.Cell{Type: notebook.Code, ID: "c", Source: source, Outputs: outputs}
}

func shown(data map[string]any) *notebook.Output {
	return &notebook.Output{Type: notebook.DisplayData, Data: data}
}

func TestEquationsAreFound(t *testing.T) {
	for source, want := range map[string][]string{ // the TeX found, display ones with a *
		"$x$ and $y_1$":                   {"x", "y_1"},
		"$$x$$":                           {"*x"},
		"$$\nx\n= y\n$$":                  {"*\nx\n= y\n"},
		`\(x\) \[y\]`:                     {"x", "*y"},
		`\\(x\\) \\[y\\]`:                 {"x", "*y"},
		"\\begin{align}\na\n\\end{align}": {"*\\begin{align}\na\n\\end{align}"},
		"it costs $5 or $6":               nil,
		"from $5 to $10, and $x$":         {"x"},
		"a $ b $ c":                       nil,
		`\$x\$ and \\$y$`:                 {"y"},
		"`$x$` and ``a ` $y$``":           nil,
		"```\n$x$\n```\n$y$":              {"y"},
		"~~~go\n$x$\n~~~\n":               nil,
		"```\n$x$ never closed":           nil,
		"an ` unclosed tick $x$":          {"x"},
		"$x\n\ny$":                        nil,
		"$$x\n\ny$$":                      nil,
		"$x\ny$":                          {"x\ny"},
		"$a`b$":                           nil,
		"| $|x|$ | $a_b$ |":               {"|x|", "a_b"},
		"**$x$** _$y$_":                   {"x", "y"},
		"$x \\$ y$":                       {`x \$ y`},
		"$$":                              nil,
		"$":                               nil,
		"the end $":                       nil,
		"\ue0000\ue001 $x$":               {"x"}, // the text's own marks do not count
	} {
		cut, equations := cutEquations(source)
		var got []string
		for _, e := range equations {
			if e.display {
				e.tex = "*" + e.tex
			}
			got = append(got, e.tex)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || len(mark.FindAllString(cut, -1)) != len(want) {
			t.Errorf("%q: got %q in %q, want %q", source, got, cut, want)
		}
	}
}

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

func TestMarkdown(t *testing.T) {
	for source, want := range map[string]string{
		"# A $x$ b":                           `<h1 id="A-b">A <math`,
		"## Same\n\n## Same":                  `<h2 id="Same-2">`,
		"| a | b |\n|---|---|\n| 1 | $|x|$ |": "<td>1</td>\n<td><math",
		"```go\nfunc f()\n```":                `<span class="kd">func</span>`,
		"```\n<b>\n```":                       "&lt;b&gt;",
		"a *b* <br> ~~c~~":                    "<em>b</em> <br> <del>c</del>",
		"costs $5, or $6":                     "costs $5, or $6",
		"$\\foo{<b>}$":                        `<code class="tex">\foo{&lt;b&gt;}</code>`,
		"$$\\foo$$":                           `<code class="tex block">\foo</code>`,
		"[there](#A-b)":                       `<a href="#A-b">there</a>`,
	} {
		if got, _ := body(t, Options{}, prose(source)); !strings.Contains(got, want) {
			t.Errorf("%q: %q is not in %s", source, want, got)
		}
	}
}

func TestContents(t *testing.T) {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{prose("# One [link](#x)\n## Two $x$"), prose("### Three"), prose("#### Four")}}
	html, _, err := Render(nb, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<li class="level1"><a href="#One-link">One link</a></li>`,
		`<li class="level2"><a href="#Two">Two <math`,
		`<li class="level3"><a href="#Three">Three</a></li>`,
	} {
		if !strings.Contains(string(html), want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(string(html), "level4") {
		t.Error("a heading of level 4 is listed")
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a b.png"), []byte("PNG"), 0o644); err != nil {
		t.Fatal(err)
	}
	attached := prose("![x](attachment:y.png)")
	attached.Attachments = map[string]any{"y.png": map[string]any{"image/png": "iVBO\n"}}
	for _, test := range []struct {
		cell    *notebook.Cell
		want    string
		warning string
	}{
		{prose("![x](a%20b.png)"), `src="data:image/png;base64,UE5H"`, ""},
		{attached, `src="data:image/png;base64,iVBO"`, ""},
		{prose("![x](attachment:z.png)"), "attachment:z.png", "is not attached"},
		{prose("![x](missing.png)"), "missing.png", "no such file"},
		{prose("![x](https://example.org/a.png)"), "https://example.org/a.png", "not a file beside the notebook"},
	} {
		got, warnings := body(t, Options{Dir: dir}, test.cell)
		if !strings.Contains(got, test.want) || (len(warnings) > 0) != (test.warning != "") || !strings.Contains(fmt.Sprint(warnings), test.warning) {
			t.Errorf("%s: %s, warnings %v", test.cell.Source, got, warnings)
		}
	}
}

func TestOutputs(t *testing.T) {
	caption := shown(map[string]any{"text/html": "<em>c</em>", "text/markdown": "Error $\\epsilon$", "text/plain": "c"})
	caption.Metadata = map[string]any{"lateral": map[string]any{"role": "caption"}}
	picture := shown(map[string]any{"image/png": "iVBO\nRw==\n", "text/plain": `a "plot"`})
	picture.Metadata = map[string]any{"image/png": map[string]any{"width": 320.0, "height": 200.0}}
	for name, test := range map[string]struct {
		outputs []*notebook.Output
		want    string
		not     string
	}{
		"text":            {[]*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "a < b\n"}}, `<div class="output stdout"><pre>a &lt; b</pre></div>`, ""},
		"stderr":          {[]*notebook.Output{{Type: notebook.Stream, Name: "stderr", Text: "x"}}, `class="output stderr"`, ""},
		"error":           {[]*notebook.Output{{Type: notebook.Error, ErrorName: "E<", Traceback: []string{"\x1b[31mline\x1b[0m"}}}, `<span class="name">E&lt;</span>` + "\n" + `<span class="fg1">line</span>`, ""},
		"error without":   {[]*notebook.Output{{Type: notebook.Error, ErrorName: "E", ErrorValue: "why"}}, "why", ""},
		"picture":         {[]*notebook.Output{picture}, `<img src="data:image/png;base64,iVBORw==" width="320" height="200" alt="a &#34;plot&#34;">`, ""},
		"caption":         {[]*notebook.Output{picture, caption}, "<figcaption><p>Error <math", "<em>c</em>"},
		"html first":      {[]*notebook.Output{shown(map[string]any{"text/html": "<b>h</b>", "image/png": "x", "text/plain": "p"})}, `<div class="output"><b>h</b></div>`, "<img"},
		"svg before png":  {[]*notebook.Output{shown(map[string]any{"image/svg+xml": "<svg/>", "image/png": "x"})}, "data:image/svg+xml;base64,PHN2Zy8+", "image/png"},
		"no script":       {[]*notebook.Output{shown(map[string]any{"text/html": "<SCRIPT>x()</SCRIPT>", "image/png": "x"})}, "data:image/png", "SCRIPT"},
		"only a script":   {[]*notebook.Output{shown(map[string]any{"text/html": "<script>x()</script>", "text/plain": "p"})}, "<script>x()", "<pre>"},
		"markdown":        {[]*notebook.Output{shown(map[string]any{"text/markdown": "**b** $x$", "text/plain": "p"})}, "<strong>b</strong> <math", "<pre>"},
		"latex":           {[]*notebook.Output{shown(map[string]any{"text/latex": "$x$"})}, "<math", ""},
		"plain":           {[]*notebook.Output{shown(map[string]any{"text/plain": "<p>"})}, "<pre>&lt;p&gt;</pre>", ""},
		"nothing to show": {[]*notebook.Output{shown(map[string]any{"application/json": map[string]any{}})}, "<section", `class="output"`},
	} {
		got, _ := body(t, Options{}, program("", test.outputs...))
		if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestCells(t *testing.T) {
	count := 7
	cell := program("import \"fmt\"\n%% -v\nfmt.Println(1 < 2)\n!ls\n")
	cell.ExecutionCount = &count
	got, _ := body(t, Options{}, cell)
	for _, want := range []string{`<span class="count">[7]</span>`, `<span class="cp">%% -v</span>`, `<span class="cp">!ls</span>`, `<span class="kn">import</span>`, "&lt;"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	for tag, want := range map[string]string{"hide-input": "<details>", "remove-input": `<div class="output`, "remove-output": "fmt"} {
		cell := program("fmt.Println()", &notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "out"})
		cell.Metadata = map[string]any{"tags": []any{tag}}
		got, _ := body(t, Options{}, cell)
		if !strings.Contains(got, want) || strings.Contains(got, "Println") == (tag == "remove-input") || strings.Contains(got, ">out<") == (tag == "remove-output") {
			t.Errorf("%s: %s", tag, got)
		}
	}
	cell = prose("gone")
	cell.Metadata = map[string]any{"tags": []any{"remove-cell"}}
	if got, _ := body(t, Options{}, cell, &notebook.Cell{Type: notebook.Raw, ID: "r", Source: "<raw>"}); strings.Contains(got, "gone") || !strings.Contains(got, "&lt;raw&gt;") {
		t.Errorf("got %s", got)
	}
}

func TestANSI(t *testing.T) {
	for in, want := range map[string]string{
		"a<b":                             "a&lt;b",
		"\x1b[31mr\x1b[0m n":              `<span class="fg1">r</span> n`,
		"\x1b[1;4mx\x1b[22my\x1b[mz":      `<span class="bold underline">x</span><span class="underline">y</span>z`,
		"\x1b[92mx":                       `<span class="fg2">x</span>`,
		"\x1b[38;2;1;2;3mx":               `<span style="color:#010203">x</span>`,
		"\x1b[38;5;196mx":                 `<span style="color:#ff0000">x</span>`,
		"\x1b[38;5;1mx":                   `<span class="fg1">x</span>`,
		"\x1b[48;5;250mx":                 `<span style="background:#bcbcbc">x</span>`,
		"\x1b[7mx\x1b[27my":               `<span class="inverse">x</span>y`,
		"\x1b[31mx\x1b[39my":              `<span class="fg1">x</span>y`,
		"\x1b[2K\x1b[1A\x1b]0;title\x07x": "x",
		"\x1b[38mx\x1b[38;2;1my":          `x<span style="color:#010000">y</span>`, // colours cut short
		"half \x1b[3":                     "half [3",
	} {
		got := ansi(in)
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

var address = regexp.MustCompile(`(src|href|url\()\s*=?\s*["']?(https?:)?//`)

// The page loads nothing and lets nothing be loaded.
func TestSelfContained(t *testing.T) {
	html, _, err := Render(&notebook.Notebook{Cells: []*notebook.Cell{prose("# A $x$"), program("x := 1")}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if found := address.FindString(string(html)); found != "" {
		t.Errorf("the page refers to %q", found)
	}
	for _, forbidden := range []string{"<script", "@import", "<link"} {
		if strings.Contains(string(html), forbidden) {
			t.Errorf("the page has a %s", forbidden)
		}
	}
	for _, want := range []string{"default-src 'none'", "prefers-color-scheme: dark", `name="viewport"`} {
		if !strings.Contains(string(html), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// A page has the script of interactive views once, and only if it needs it.
func TestCharts(t *testing.T) {
	view := shown(map[string]any{"text/html": "<details></details><script>1</script>", "text/plain": "view"})
	view.Metadata = map[string]any{"lateral": map[string]any{"role": "view", "kind": "explore"}}
	script, calls := "QUJD", 0
	var failure error
	render := func(o Options, cells ...*notebook.Cell) (string, []Warning) {
		html, warnings, err := Render(&notebook.Notebook{Cells: cells}, o)
		if err != nil {
			t.Fatal(err)
		}
		return string(html), warnings
	}
	o := Options{Charts: func() (string, error) { calls++; return script, failure }}
	if html, _ := render(o, program("x")); strings.Contains(html, "lateralPage") || calls > 0 || strings.Contains(html, "connect-src") {
		t.Error("a page without views has their script")
	}
	html, _ := render(o, program("x", view), program("y", view))
	if strings.Count(html, `window.lateralPage = {script: "QUJD"}`) != 1 || strings.Count(html, "<details></details><script>1") != 2 || strings.Contains(html, "connect-src") {
		t.Errorf("page: %s", html)
	}
	failure = fmt.Errorf("not on this machine")
	html, warnings := render(o, program("x", view))
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "not on this machine") || !strings.Contains(html, "connect-src https://cdn.jsdelivr.net") {
		t.Errorf("without a script: %v", warnings)
	}
}
