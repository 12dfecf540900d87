// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// Nothing within a literal or a comment is a command, for the kernel or for GoNB, and strings keep their values.
func TestLiteralsAreText(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	touched := filepath.Join(t.TempDir(), "touched")
	const list = "import \"fmt\"\n\n"
	for _, test := range []struct{ code, want string }{
		{list + "const script = `#!/bin/sh\n!touch FILE\n!*touch FILE\n`\n%%\nfmt.Print(script)",
			"#!/bin/sh\n!touch FILE\n!*touch FILE\n"},
		{list + "const text = `a\n%%\n%help\n%env A b\npackage c\n//gonb:!touch FILE\n`\n\n%%\nfmt.Print(text)",
			"a\n%%\n%help\n%env A b\npackage c\n//gonb:!touch FILE\n"},
		{list + "%%\nfmt.Print(`\n!touch FILE\n%%`, \"\"[len(`\n!touch FILE`[:0]):])\n", "\n!touch FILE\n%%"},
		{list + "/*\n!touch FILE\n*/\nfunc commented() { fmt.Println(1) }\n%%\n/*\n!touch FILE\n%%\n*/ commented()", "1\n"},
		{list + "type tagged struct {\n\tA int `x\n!touch FILE`\n}\n%%\nfmt.Println(reflect.TypeFor[tagged]().Field(0).Tag)",
			"x\n!touch FILE\n"},
		{list + "%%\nfalse, true := false, true\nif true &&\n!false {\n\tfmt.Println(7 %\n3)\n}", "1\n"},
		{list + "%%\npackages := 3\nfmt.Println(packages)\npackages++\n", "3\n"},
		{list + "%%\r\nfmt.Println(`a\r\n!touch FILE`)\r\n", "a\n!touch FILE\n"},
		{"\ufeff%%\nfmt.Println(\"marked\")", "marked\n"},
		{"!echo a \\\n%% b\n%%\nfmt.Println('\\'', \"`\", '\"', `'`)\n", "a %% b\n39 ` 34 '\n"},
		{"%env A \\\nb\n!echo $A\n%%\nvar _ = `\n!touch FILE`", "Set: A=\"b\"\nb\n"},
		{"func remembered() string {\n\treturn `\n!touch FILE`\n}", ""},
		{"%%\nfmt.Println(remembered())", "\n!touch FILE\n"},
	} {
		r := f.execute(strings.ReplaceAll(test.code, "FILE", touched))
		got := r.printed("stdout")
		want := strings.ReplaceAll(test.want, "FILE", touched)
		if got != want {
			t.Errorf("%q: %s, want %q", test.code, r, want)
		}
		if _, err := os.Stat(touched); err == nil {
			t.Fatalf("%q has run what is within a literal", test.code)
		}
	}
	if r := f.execute("!touch " + touched); r.reply.Status != "ok" {
		t.Error(r)
	} else if _, err := os.Stat(touched); err != nil {
		t.Error("a command is not run:", err)
	}
}

// What makes a cell an error is found before anything of it runs.
func TestFaultsStopTheCell(t *testing.T) {
	config := fake()
	config.Magics = nil
	f := serve(t, config)
	for code, want := range map[string]wire.Failure{
		"stdout \"x\"\nvar s = `x\n!ls": {Line: 2, Source: "var s = `x", Message: "raw string literal not terminated"},
		"stdout \"x\"\n/* !ls\n":        {Line: 2, Source: "/* !ls", Message: "comment not terminated"},
		"stdout \"x\n!ls":               {Line: 1, Source: "stdout \"x", Message: "string literal not terminated"},
		"%%\nstdout \"x\"\n%nosuch\n":   {Line: 3, Source: "%nosuch", Message: "%nosuch is no command: %help lists them"},
		"%%html\n<b>it's</b>":           {Line: 1, Source: "%%html", Message: "%%html is no command: %help lists them"},
		"stdout \"x\"\n% \n":            {Line: 2, Source: "% ", Message: "% is not followed by a command"},
		"%%\nx()\n%%\n": {Line: 3, Source: "%%",
			Message: "a second program: that of this cell begins in line 1"},
		"func f() {}\n\nvar x = 1\nfunc f() {\n}": {
			Line: 4, Source: "func f() {", Message: "f redeclared in this block",
			Detail: "line 1: other declaration of f\n     1 | func f() {}"},
		"func main() {}\n%%\nx()": {
			Line: 2, Source: "%%", Message: "main redeclared in this block",
			Detail: "line 1: other declaration of main\n     1 | func main() {}"},
	} {
		r := f.execute(code)
		if r.reply.Failure == nil || r.printed("stdout") != "" {
			t.Errorf("%q: %s, %+v", code, r, r.reply)
			continue
		}
		got := *r.reply.Failure
		if want.Count = r.reply.ExecutionCount; got != want {
			t.Errorf("%q fails with %+v, want %+v", code, got, want)
		}
	}
}

// Several imports for their side effects alone are all kept, over cells.
func TestBlankImports(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	f.execute("import (\n\t_ \"image/gif\"\n\t_ \"image/png\"\n)")
	f.execute("import _ \"image/jpeg\"")
	r := f.execute("%%\nfor _, head := range []string{\"GIF89a\", \"\\x89PNG\\r\\n\\x1a\\n\", \"\\xff\\xd8\"} {\n" +
		"\t_, _, err := image.Decode(strings.NewReader(head))\n\tfmt.Println(err)\n}")
	if got := r.printed("stdout"); strings.Count(got, "\n") != 3 || strings.Contains(got, "unknown format") {
		t.Errorf("got %s", r)
	}
}

// Errors that newcomers make say what is peculiar to notebooks.
func TestHints(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	f.execute("%%\nvalue := 3\nvar other int\nfor i := range 3 {\n\tother += i * value\n}")
	f.execute("func broken() int {\n\treturn \"\"\n}")
	for code, want := range map[string]string{
		"fmt.Println(1)":            "put statements below a line %%",
		"if true {\n}":              "put statements below a line %%",
		"\t!ls":                     "begins in the first column",
		"%%\nfor range 3 {\n%ls\n}": "begins in the first column",
		"func f() {\n!ls\n}":        "begins in the first column",
		"%%\nfmt.Println(value)": "the program of cell [1], which had it, has ended. A cell is a program of its own: " +
			"declare value above %%, or keep its value with kernelext.Memo",
		"%%\nother++":                  "the program of cell [1], which had it, has ended",
		"%%\nfmt.Println(i)":           "the program of cell [1], which had it, has ended",
		"%%\nfmt.Println(broken())":    "cell [2] would declare it, but was not compiled",
		"%%\nfmt.Println(unheardOf+1)": "undefined: unheardOf",
	} {
		if r := f.execute(code); r.reply.Name != "CompileError" || !strings.Contains(r.reply.Value, want) ||
			strings.HasPrefix(want, "undefined") && !strings.HasSuffix(r.reply.Value, want) {
			t.Errorf("%q: %s, want %q", code, r, want)
		}
	}
}

// The cells of the page for newcomers print what it says.
func TestFirstNotebook(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "FIRST_NOTEBOOK.md"))
	if err != nil {
		t.Fatal(err)
	}
	config, _ := real(t)
	config.Child.Env = append(config.Child.Env, "LATERAL_MEMO="+t.TempDir())
	f := serve(t, config)
	blocks := regexp.MustCompile("(?s)```(go|text)\n(.*?)\n```").FindAllStringSubmatch(string(page), -1)
	for i, block := range blocks {
		if block[1] != "go" {
			continue
		}
		r := f.execute(block[2])
		if r.reply.Status != "ok" {
			t.Errorf("%s\n%s", block[2], r)
		}
		if i+1 < len(blocks) && blocks[i+1][1] == "text" && r.printed("stdout") != blocks[i+1][2]+"\n" {
			t.Errorf("%s\nprints %q, want %q", block[2], r.printed("stdout"), blocks[i+1][2])
		}
	}
	if len(blocks) < 10 {
		t.Errorf("the page has %d blocks", len(blocks))
	}
}
