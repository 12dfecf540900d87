// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"go/scanner"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What begins with % or ! is a command where Go could begin a statement, and text elsewhere.
func TestCommands(t *testing.T) {
	for code, want := range map[string]string{ // c for a command, + for a line that goes on with it, . for any other
		"%%\nx := 1":                     "c.",
		"!ls\nvar x = 1":                 "c.",
		"//gonb:!ls\n// gonb:!ls":        "c.",
		"%\n!\n%x":                       "...",
		"var s = `\n!touch x\n%%\n`\n":   ".....",
		"var s = `\n!touch x\n%%\n`\n%%": "....c",
		"/*\n!touch x\n*/\n!ls":          "...c",
		"/*\n//gonb:!ls\n*/\n!ls":        "...c",
		"var s = \"`\"\n!ls":             ".c",
		"var s = \"\\\"`\"\n!ls":         ".c",
		"var r = '`'\n!ls":               ".c",
		"var r = '\\''\n!ls":             ".c",
		"x := 1 // `\n!ls":               ".c",
		"x := 1 /* ` */\n!ls":            ".c",
		"x := `a` + `\n!ls\n` // `\n!ls": "...c",
		"x := `/*`\n!ls":                 ".c",
		"/* ` */ x := `\n%%\n`":          "...",
		"!echo \\\nmore\nvar x int":      "c+.",
		"!echo \\\n%%\n%%\nx := 1":       "c+c.",
		"!echo `\nvar x int\n%%":         "c.c",
		"!echo it's\n%%":                 "cc",
		"%%\r\nx := 1\r\n!ls\r":          "c.c",
		"\ufeff%%\nx := 1":               "c.",
		"%ls\r":                          "c",
		"\t!ls\n %ls":                    "..",
		"%%\nif a &&\n!b {\n}":           "c...",
		"%%\nf(\n!a,\n%b)":               "c...",
		"%%\nx := []bool{\n!a,\n}":       "c...",
		"%%\nx := 7\n% 3":                "c.c",
		"%%\nx := 7 +\n%%\n3":            "c...",
		"func f() {\n%%\nx := 1":         ".c.",
		"func f() {\n!ls\n}\n!ls":        "...c",
		"}\n!ls":                         ".c",
		"%%bash\n%%\n!ls":                "c..",
		"//gonb:%%sh\n!ls":               "c.",
		"%main\nx()":                     "c.",
		"":                               ".",
	} {
		c := Read(code)
		var got strings.Builder
		for i, text := range c.Commands {
			switch {
			case text != "":
				got.WriteByte('c')
			case c.continued[i]:
				got.WriteByte('+')
			default:
				got.WriteByte('.')
			}
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", code, got.String(), want)
		}
	}
}

func TestCommandText(t *testing.T) {
	for code, want := range map[string]string{
		"%ls":                      "%ls",
		"% ls":                     "%ls",
		"!  echo  a":               "!echo  a",
		"//gonb:%env A b":          "%env A b",
		"!echo a \\\n  b \\\nc\nd": "!echo a    b  c",
		"!echo a \\":               "!echo a  ",
		"%env A b \r\n":            "%env A b ",
	} {
		if got := Read(code).Commands[0]; got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}

func TestFaults(t *testing.T) {
	for code, want := range map[string]Fault{
		"var a = 1\nvar s = `x\n!ls\n":         {2, "raw string literal not terminated"},
		"%%\n/* x\n!ls\n":                      {2, "comment not terminated"},
		"%%\nfmt.Println(\"oops)\n!ls":         {2, "string literal not terminated"},
		"!ls\nvar s = 'a\n":                    {2, "rune literal not terminated"},
		"%%\nx := 1\n%%\n":                     {3, "a second program: that of this cell begins in line 1"},
		"%exec f\n%main\n":                     {2, "a second program: that of this cell begins in line 1"},
		"var a = 1\n%%bash\nit's":              {2, "%%bash can stand in the first line of a cell alone"},
		"!ls\n%  \n":                           {2, "% is not followed by a command"},
		"%%\n!\t":                              {2, "! is not followed by a command"},
		"// it's\n%% -s='a\"\nx := \"it's `\"": {},
		"%%bash\nit's `\n/*":                   {},
	} {
		got := Read(code).Fault
		if got == nil {
			got = &Fault{}
		}
		if *got != want {
			t.Errorf("%q: %+v, want %+v", code, *got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for code, want := range map[string][2]string{
		"var x int\n%%\nuse(x)":           {"var x int", "\n\nuse(x)"},
		"!ls\nvar x int\n%% -v\nx++\n!ls": {"\nvar x int", "\n\n\nx++\n"},
		"var s = `\n%%\n`":                {"var s = `\n%%\n`", "none"},
		"%%\nfmt.Printf(\"%d %%\\n\", 3)": {"", "\nfmt.Printf(\"%d %%\\n\", 3)"},
		"%%bash\nls":                      {"\n", "none"},
	} {
		declarations, program := Read(code).Split()
		if program == nil {
			program = []string{"none"}
		}
		if got := [2]string{strings.Join(declarations, "\n"), strings.Join(program, "\n")}; got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}

func TestProtected(t *testing.T) {
	for code, want := range map[string]string{
		"%%\nx := 1":                                 "%%\nx := 1",
		"x := `a\n!b\nc`":                            "x := (`a\n`+\"!\"+`b\nc`)",
		"x := `\n%%\n%ls\n`[1:]":                     "x := (`\n`+\"%\"+`%\n`+\"%\"+`ls\n`)[1:]",
		"x := `a\npackage b\n//gonb:!c`":             "x := (`a\n`+\"p\"+`ackage b\n`+\"/\"+`/gonb:!c`)",
		"type T struct {\n\ta int `x\n!y`\n}":        "type T struct {\n\ta int \"x\\n!y\"\n \n}",
		"/*\n!ls\n*/ x := 1":                         "/*\n !ls\n*/ x := 1",
		"%%\nif a &&\n!b {}":                         "%%\nif a &&\n !b {}",
		"f(\n//gonb:!ls\n)":                          "f(\n //gonb:!ls\n)",
		"packages := 1\npackage main // x\n package": " packages := 1\n // x\n package",
		"!a \\\nb\n% ls\nx := `\n!`":                 "!a  b\n\n%ls\nx := (`\n`+\"!\"+``)",
		"%drop \\\nthis\n%%":                         "\n\n%%",
		"%%bash\n!\n//gonb:x":                        "%%bash\n!\n//gonb:x",
		"x := `a\r\n!b`\r\n":                         "x := (`a\n`+\"!\"+`b`)\n",
		"x := []string{`\n!a\n`, `b`, `\n%c`}\n%%":   "x := []string{(`\n`+\"!\"+`a\n`), `b`, (`\n`+\"%\"+`c`)}\n%%",
		"x := `\n!a` + `b\n!c`\n!d":                  "x := (`\n`+\"!\"+`a`) + (`b\n`+\"!\"+`c`)\n!d",
	} {
		c := Read(code)
		drop := map[int]bool{}
		for i := range c.Lines {
			drop[i] = c.Name(i) == "%drop"
		}
		if got, _ := c.Protected(drop); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
	code, position := Read("x := `\n!a`; y\n%b\nz").Protected(nil)
	for _, word := range []string{"x", "a", "y", "b", "z"} {
		if got, want := position(strings.Index("x := `\n!a`; y\n%b\nz", word)), strings.Index(code, word); got != want {
			t.Errorf("%s is moved to %d, want %d", word, got, want)
		}
	}
}

func TestRedeclared(t *testing.T) {
	for code, want := range map[string][2]int{ // the lines of the second and the first
		"func f() {}\nfunc g() {}\nfunc f() {}":               {3, 1},
		"var a = 1\nconst a = 2":                              {2, 1},
		"type T int\nfunc (t T) m() {}\n\nfunc (t *T) m() {}": {4, 2},
		"type T int\nfunc (t T) m() {}\nfunc m() {}":          {},
		"func init() {}\nfunc init() {}":                      {2, 1},
		"func main() {}\n%%\nx()":                             {2, 1},
		"var _ = 1\nvar _ = 2":                                {},
		"func f() {}\n%%\nf := 1\nf2 := 2":                    {},
		"func f( {}\nfunc f() {}":                             {},
	} {
		again, first, _ := Read(code).Redeclared()
		if got := [2]int{again.Line, first.Line}; got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

// The time for a cell grows in proportion to its length, up to a megabyte of which every other line is a command. Other
// work on the machine slows short and long cells alike, and the best of three attempts counts.
func TestLongCells(t *testing.T) {
	for _, piece := range []string{"!a\nx()\n", "x := `\n!\n`\n", "/*\n!x*/ y\n", "!a \\\n", "f(\n", "%%\n"} {
		took := func(bytes int) time.Duration {
			start := time.Now()
			c := Read(strings.Repeat(piece, bytes/len(piece)))
			c.Split()
			c.Protected(nil)
			return time.Since(start)
		}
		const longer = 16
		growth := math.Inf(1)
		for attempt := 0; attempt < 3 && growth > 4*longer; attempt++ {
			short := took(1 << 20 / longer)
			growth = min(growth, float64(took(1<<20))/float64(short))
		}
		if growth > 4*longer { // longer² if every line read all lines before it
			t.Errorf("a cell of %q that is %d times as long takes %.0f times as long", piece, longer, growth)
		}
	}
}

// A lexeme is a token with the value of a string, and its line.
type lexeme struct {
	kind  token.Token
	text  string
	line  int
	first bool // it stands at the beginning of the line, and begins with package
}

// lexemes returns what Go's scanner makes of a text.
func lexemes(text string) (list []lexeme) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), nil, 0)
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			return list
		}
		if value, err := strconv.Unquote(lit); err == nil && kind == token.STRING {
			lit = value
		}
		list = append(list, lexeme{kind, lit, file.Line(pos), kind == token.PACKAGE && file.Position(pos).Column == 1})
	}
}

// asGoNB reads a cell as GoNB does: the commands that it runs, and the Go that is left.
func asGoNB(code string) (commands []string, golang string) {
	lines := strings.Split(code, "\n")
	used := map[int]bool{}
	for i, line := range lines {
		line = strings.TrimPrefix(line, "//gonb:")
		if used[i] || len(line) < 2 || line[0] != '%' && line[0] != '!' {
			continue
		}
		text := ""
		for j := i; j < len(lines); j++ {
			used[j] = true
			text += strings.TrimPrefix(lines[j], "//gonb:")
			if !strings.HasSuffix(text, `\`) {
				break
			}
			text = text[:len(text)-1] + " "
		}
		commands = append(commands, text)
	}
	for i, line := range lines {
		if used[i] || strings.HasPrefix(line, "package") {
			lines[i] = ""
		}
	}
	return commands, strings.Join(lines, "\n")
}

// Whatever a cell holds, GoNB runs the commands of this package's reading of it, and compiles the same Go in the same
// lines.
func FuzzProtected(f *testing.F) {
	for _, code := range []string{
		"import \"fmt\"\n\nconst script = `#!/bin/sh\n!touch raw-shell-ran\n`\n\n%%\nfmt.Print(script)\n",
		"const tmpl = `a\n%%\nb`\n\n%%\nfmt.Println(tmpl)\n", "const page = `<style>\n!important\n</style>`",
		"%%\r\nfmt.Println(\"from a Windows editor\")\r\n", "!read x; echo got $x", "!a \\\n%%\n", "/*\n!rm\n*/\npackage x\n",
		"type T struct {\n\ta int `x\n!y`\n}", "'\\''\n\"`\n!x\n", "%%bash\n!x", "f(\n!a,\n//gonb:!b\n)",
		"x := `\n//gonb:%%\r\n`\n", "const l\n%%\nb`\n%%`r",
	} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		c := Read(code)
		if c.Script || c.Fault != nil {
			return
		}
		protected, _ := c.Protected(nil)
		if got := strings.Count(protected, "\n"); got != len(c.Lines)-1 {
			t.Fatalf("%q has %d lines, want %d: %q", code, got+1, len(c.Lines), protected)
		}
		var want []string
		var golang []string
		for i, text := range c.Commands {
			if text != "" {
				want = append(want, text)
			}
			line := c.Lines[i]
			if c.IsCommand(i) {
				line = ""
			}
			golang = append(golang, line)
		}
		got, left := asGoNB(protected)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q: GoNB runs %q, want %q, of %q", code, got, want, protected)
		}
		if c.Declared() == nil && slices.ContainsFunc(c.literals, func(l literal) bool { return !l.operand }) {
			return // a string where Go has none: the error may be another
		}
		if slices.ContainsFunc(c.literals, func(l literal) bool { return !l.operand && !endsField(c.Code[l.to:]) }) {
			return // likewise
		}
		compareGo(t, code, strings.Join(golang, "\n"), left)
	})
}

// endsField reports whether a field of a struct, or an import, ends before the rest of the code: what follows a tag in
// Go.
func endsField(rest string) bool {
	line, _, _ := strings.Cut(rest, "\n")
	line = strings.TrimLeft(line, " \t")
	return line == "" || strings.ContainsAny(line[:1], "};)") || strings.HasPrefix(line, "//") ||
		strings.HasPrefix(line, "/*")
}

// compareGo fails unless two texts are the same Go in the same lines: the second may have strings put together from
// several, in brackets.
func compareGo(t *testing.T, code, want, got string) {
	wanted, have := lexemes(want), lexemes(got)
	for i := 0; i+1 < len(wanted); i++ {
		if w := wanted[i]; w.kind == token.PACKAGE && w.first && wanted[i+1].kind == token.IDENT {
			end := i + 2
			if end < len(wanted) && wanted[end].kind == token.SEMICOLON && wanted[end].text == "\n" {
				end++
			}
			wanted = slices.Delete(wanted, i, end)
			i--
		}
	}
	for len(wanted) > 0 && len(have) > 0 {
		w, h := wanted[0], have[0]
		wanted = wanted[1:]
		if w.kind == token.STRING && h.kind == token.LPAREN && w.text != h.text {
			have = have[1:]
			text := ""
			for len(have) > 0 && have[0].kind != token.RPAREN {
				if have[0].kind == token.STRING {
					text += have[0].text
				}
				have = have[1:]
			}
			h = lexeme{token.STRING, text, h.line, false}
		}
		have = have[min(1, len(have)):]
		if w.text == "\n" {
			h.line = w.line // the semicolon at the end of a line that has become several
		}
		if w.first, h.first = false, false; w != h {
			t.Fatalf("%q: %v has become %v", code, w, h)
		}
	}
	if len(wanted)+len(have) > 0 {
		t.Fatalf("%q: left over are %v and %v", code, wanted, have)
	}
}
