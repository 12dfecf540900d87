// SPDX-License-Identifier: Apache-2.0

package page

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func ExampleRender() {
	nb := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "a",
		Source: "# Title\n\n$x^2$ and $\\foo$"}}}
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
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		prose("# One [link](#x)\n## Two $x$"), prose("### Three"), prose("#### Four"),
		prose("## Five"), prose(strings.Repeat("word ", 301)),
	}}
	html, _, err := Render(nb, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<li class="level1"><a href="#One-link">One link</a></li>`,
		`<li class="level2"><a href="#Two">Two <math`,
		`<li class="level3"><a href="#Three">Three</a></li>`,
		`<li class="level2"><a href="#Five">Five</a> <span class="time"`, `>3 min</span></li>`,
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
	above := filepath.Dir(dir)
	for _, err := range []error{
		os.WriteFile(filepath.Join(above, "secret.png"), []byte("secret"), 0o644),
		os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("secret"), 0o644),
		os.Symlink("a b.png", filepath.Join(dir, "inside.png")),
		os.Symlink("../secret.png", filepath.Join(dir, "outside.png")),
		os.Symlink("/dev/zero", filepath.Join(dir, "zero.png")), syscall.Mkfifo(filepath.Join(dir, "pipe.png"), 0o644),
		os.Mkdir(filepath.Join(dir, "folder.png"), 0o755), os.Mkdir(filepath.Join(dir, "sub"), 0o755),
		os.WriteFile(filepath.Join(dir, "huge.png"), nil, 0o644), os.Truncate(filepath.Join(dir, "huge.png"), 1<<40),
	} {
		if err != nil {
			t.Fatal(err)
		}
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
		{prose("![x](attachment:z.png)"), `<img alt="x">`, "is not attached"},
		{prose("![x](inside.png)"), `src="data:image/png;base64,UE5H"`, ""},
		{prose("![x](sub/../a%20b.png)"), `src="data:image/png;base64,UE5H"`, ""},
		{prose("![x](outside.png)"), "outside.png", "not a file in the notebook's folder"},
		{prose("![x](../secret.png)"), "../secret.png", "not a file in the notebook's folder"},
		{prose("![x](..%2Fsecret.png)"), "..%2Fsecret.png", "not a file in the notebook's folder"},
		{prose("![x](/etc/secret.png)"), "/etc/secret.png", "not a file in the notebook's folder"},
		{prose("![x](file:///etc/secret.png)"), `<img alt="x">`, "not a file beside the notebook"},
		{prose("![x](zero.png)"), "zero.png", "not a file in the notebook's folder"},
		{prose("![x](pipe.png)"), "pipe.png", "it is not a file"},
		{prose("![x](folder.png)"), "folder.png", "it is not a file"},
		{prose("![x](huge.png)"), "huge.png", "more than 8 MB"},
		{prose("![x](secret.txt)"), "secret.txt", "not that of a picture"},
		{prose("![x](missing.png)"), "missing.png", "no such file"},
		{prose("![x](https://example.org/a.png)"), "https://example.org/a.png", "not a file beside the notebook"},
	} {
		got, warnings := body(t, Options{Dir: dir}, test.cell)
		if strings.Contains(got, base64.StdEncoding.EncodeToString([]byte("secret"))) {
			t.Errorf("%s: the page holds a file of outside", test.cell.Source)
		}
		if !strings.Contains(got, test.want) || (len(warnings) > 0) != (test.warning != "") ||
			!strings.Contains(fmt.Sprint(warnings), test.warning) {
			t.Errorf("%s: %s, warnings %v", test.cell.Source, got, warnings)
		}
	}
}

// HTML in Markdown is text and pictures: nothing in it runs, sends, or leads to what runs.
func TestMarkdownIsCleaned(t *testing.T) {
	for source, want := range map[string]string{ // all that is left
		"<script>alert(1)</script>":                  "",
		"a <script>alert(1)</script> b":              "<p>a  b</p>",
		"[j](javascript:alert(1))":                   "<p>j</p>",
		"[j](JaVaScRiPt:alert(1))":                   "<p>j</p>",
		"[v](vbscript:x)":                            "<p>v</p>",
		"[d](data:text/html;base64,PHNjcmlwdD4=)":    "<p>d</p>",
		"[d](data:image/svg+xml;base64,PHN2Zy8+)":    "<p>d</p>",
		"<a href=\" javascript:alert(4)\">k</a>":     "<p>k</p>",
		"<a href=\"java&#10;script:alert(4)\">k</a>": "<p>k</p>",
		"<a href=\"https://ok.example\" onclick=\"alert(1)\" target=_top>k</a>": "<p><a href=\"https://ok.example\">" +
			"k</a></p>",
		"<https://ok.example>": "<p><a href=\"https://ok.example\">https://ok.example</a></p>",
		"[m](mailto:a@ok.example) [f](b/c.csv) [h](#A-b) [q](?a:b)": "<p><a href=\"mailto:a@ok.example\">m</a> " +
			"<a href=\"b/c.csv\">f</a> <a href=\"#A-b\">h</a> <a href=\"?a:b\">q</a></p>",
		"<img src=x onerror=alert(3)>":                                            "<img src=\"x\">",
		"<img src=\"data:text/html;base64,PHNjcmlwdD4=\" width=\"3\">":            "<img width=\"3\">",
		"<form action=\"https://evil.example/\"><input name=q></form>":            "",
		"<meta http-equiv=\"refresh\" content=\"0;url=https://evil.example/\">":   "",
		"<base href=\"https://evil.example/\">":                                   "",
		"<iframe src=\"https://evil.example/\"></iframe>":                         "",
		"<object data=x></object><embed src=x><svg onload=alert(1)><math></math>": "<p></p>",
		"<style>body { display: none }</style>":                                   "",
		"<p style=\"position: fixed\">x</p>":                                      "<p>x</p>",
		"<details open><summary>hint</summary>\n\n**x**\n</details>": "<details open=\"\"><summary>hint</summary>\n" +
			"<p><strong>x</strong></p>\n</details>",
		"a<br>b<sub>2</sub> <kbd>Esc</kbd>": "<p>a<br>b<sub>2</sub> <kbd>Esc</kbd></p>",
		"- [x] done": "<ul>\n<li>" +
			"<input checked=\"\" disabled=\"\" type=\"checkbox\"> done</li>\n</ul>",
		"| a |\n| -: |\n| b |": "<table>\n<thead>\n<tr>\n" +
			"<th style=\"text-align: right\">a</th>\n" +
			"</tr>\n</thead>\n<tbody>\n<tr>\n" +
			"<td style=\"text-align: right\">b</td>\n" +
			"</tr>\n</tbody>\n</table>",
		"$\\text{<script>alert(5)</script>}$": "<p><math xmlns=\"http://www.w3.org/1998/Math/MathML\" " +
			"alttext=\"\\text{&lt;script&gt;alert(5)&lt;/script&gt;}\">" +
			"<mrow><mtext>&lt;script&gt;alert(5)&lt;/script&gt;</mtext></mrow></math></p>",
	} {
		got, _ := body(t, Options{}, prose(source))
		got = strings.TrimPrefix(strings.TrimSpace(got), "<section class=\"text\">")
		got = strings.TrimSpace(strings.TrimSuffix(got, "</section>"))
		if got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", source, got, want)
		}
	}
	title := prose("# T<script>alert(1)</script> & <b>x</b>")
	html, _, err := Render(&notebook.Notebook{Cells: []*notebook.Cell{title}}, Options{})
	if err != nil ||
		!strings.Contains(string(html), "<title>T &amp; x</title>") || strings.Contains(string(html), "<script") {
		t.Errorf("the title: %v\n%s", err, html)
	}
}

// What a reader writes to slow the renderer down takes a few seconds at most: half a megabyte of what opens something
// and does not close it is shown as it is, and so much as is rendered does not take long.
func TestLongTexts(t *testing.T) {
	for _, part := range []string{
		`\begin{align} `, `\begin{align} \begin{gather} `, `\( `, `\[ `, `$$ x `, "$a ", "$x",
		"[a](b", "![a](<b", "`a ``b ", "> ", "1. ", "_a*", "<a ", "| a ", "{",
		"\n\n", "~~~\n", "~~~x\n~~~\n", "```go\nx\n```\n",
	} {
		for _, size := range []int{maxText, 1 << 19} {
			source := strings.Repeat(part, size/len(part))
			start := time.Now()
			latex := shown(map[string]any{"text/latex": source, "text/plain": "x"})
			_, warnings := body(t, Options{}, prose(source), program("", latex))
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%d bytes of %q take %v", size, part, took)
			}
			if long := strings.Contains(fmt.Sprint(warnings), "a text of 5"); long != (size > maxText) {
				t.Errorf("%d bytes of %q: %.200v", size, part, warnings)
			}
		}
	}
}

// A notebook beside this one is a link to its page, whether it is named or linked.
func TestNotebookLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "02_next.ipynb"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"**Next.** `02_next` does, `03_other` not.": "<strong>Next.</strong> " +
			"<a href=\"02_next.html\"><code>02_next</code></a> does, <code>03_other</code> not.",
		"[b](02_next.ipynb#A-b) [c](x/03.ipynb)":       `<a href="02_next.html#A-b">b</a> <a href="x/03.html">c</a>`,
		"[`02_next`](https://a.example/02_next.ipynb)": `<a href="https://a.example/02_next.ipynb"><code>02_next</code></a>`,
	} {
		if got, _ := body(t, Options{Dir: dir}, prose(source)); !strings.Contains(got, want) {
			t.Errorf("%q: %s", source, got)
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
		"text": {[]*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "a < b\n"}},
			`<div class="output stdout"><pre>a &lt; b</pre></div>`, ""},
		"stderr": {[]*notebook.Output{{Type: notebook.Stream, Name: "stderr", Text: "x"}}, `class="output stderr"`, ""},
		"error": {[]*notebook.Output{{Type: notebook.Error, ErrorName: "E<", Traceback: []string{"\x1b[31mline\x1b[0m"}}},
			`<span class="name">E&lt;</span>` + "\n" + `<span class="fg1">line</span>`, ""},
		"error without": {[]*notebook.Output{{Type: notebook.Error, ErrorName: "E", ErrorValue: "why"}}, "why", ""},
		"picture": {[]*notebook.Output{picture},
			`<img src="data:image/png;base64,iVBORw==" width="320" height="200" alt="a &#34;plot&#34;">`, ""},
		"caption": {[]*notebook.Output{picture, caption}, "<figcaption><p>Error <math", "<em>c</em>"},
		"html first": {[]*notebook.Output{
			shown(map[string]any{"text/html": "<b>h</b>", "image/png": "x", "text/plain": "p"})},
			`<div class="output"><b>h</b></div>`, "<img"},
		"svg before png": {[]*notebook.Output{shown(map[string]any{"image/svg+xml": "<svg/>", "image/png": "x"})},
			"data:image/svg+xml;base64,PHN2Zy8+", "image/png"},
		"no script": {[]*notebook.Output{shown(map[string]any{"text/html": "<SCRIPT>x()</SCRIPT>", "image/png": "x"})},
			"data:image/png", "SCRIPT"},
		"only a script": {[]*notebook.Output{shown(map[string]any{"text/html": "<script>x()</script>", "text/plain": "p"})},
			">x()</script>", "<pre>"},
		"speaks for the page": {[]*notebook.Output{shown(map[string]any{
			"text/html": "<META http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example><b>x</b>"})},
			`<div class="output"><b>x</b></div>`, "evil"},
		"no base64": {[]*notebook.Output{shown(map[string]any{"image/png": `x" onerror="alert(1)`})},
			`base64,xonerror=alert1"`, "alert(1)"},
		"markdown": {[]*notebook.Output{shown(map[string]any{"text/markdown": "**b** $x$", "text/plain": "p"})},
			"<strong>b</strong> <math", "<pre>"},
		"latex": {[]*notebook.Output{shown(map[string]any{"text/latex": "$x$"})}, "<math", ""},
		"plain": {[]*notebook.Output{shown(map[string]any{"text/plain": "<p>"})}, "<pre>&lt;p&gt;</pre>", ""},
		"nothing to show": {[]*notebook.Output{shown(map[string]any{"application/json": map[string]any{}})},
			"<section", `class="output"`},
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
	for _, want := range []string{
		`<span class="count">[7]</span>`, `<span class="cp">%% -v</span>`, `<span class="cp">!ls</span>`,
		`<span class="kn">import</span>`, "&lt;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	for tag, want := range map[string]string{
		"hide-input":   "<details><summary>Code: prints 1 &lt; 2.</summary>",
		"remove-input": `<div class="output`, "remove-output": "fmt",
	} {
		cell := program("x()\n// prints 1 < 2.\nfmt.Println()",
			&notebook.Output{Type: notebook.Stream, Name: "stdout", Text: "out"})
		cell.Metadata = map[string]any{"tags": []any{tag}}
		got, _ := body(t, Options{}, cell)
		if !strings.Contains(got, want) ||
			strings.Contains(got, "Println") == (tag == "remove-input") ||
			strings.Contains(got, ">out<") == (tag == "remove-output") {
			t.Errorf("%s: %s", tag, got)
		}
	}
	cell = prose("gone")
	cell.Metadata = map[string]any{"tags": []any{"remove-cell"}}
	raw := &notebook.Cell{Type: notebook.Raw, ID: "r", Source: "<raw>"}
	got, _ = body(t, Options{}, cell, raw)
	if strings.Contains(got, "gone") || !strings.Contains(got, "&lt;raw&gt;") {
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
	for _, want := range []string{
		"default-src &#39;none&#39;", "base-uri &#39;none&#39;", "form-action &#39;none&#39;", "connect-src &#39;none&#39;",
		"prefers-color-scheme: dark", `name="viewport"`,
	} {
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
	const offline = "connect-src &#39;none&#39;"
	if html, _ := render(o, program("x")); calls > 0 ||
		strings.Contains(html, "lateralPage") || !strings.Contains(html, offline) {
		t.Error("a page without views has their script")
	}
	html, _ := render(o, program("x", view), program("y", view))
	if strings.Count(html, `window.lateralPage = {script: "QUJD"}`) != 1 ||
		strings.Count(html, "<details></details><script nonce=") != 2 || !strings.Contains(html, offline) {
		t.Errorf("page: %s", html)
	}
	failure = fmt.Errorf("not on this machine")
	html, warnings := render(o, program("x", view))
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "not on this machine") ||
		!strings.Contains(html, "connect-src https://cdn.jsdelivr.net") {
		t.Errorf("without a script: %v", warnings)
	}
}
