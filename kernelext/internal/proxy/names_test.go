// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// tab presses Tab where | stands in a cell, and returns the matches with the word that they are for.
func (f *front) tab(code string) (matches []string, word string, types any) {
	f.t.Helper()
	before, after, _ := strings.Cut(code, "|")
	code, at := before+after, len([]rune(before))
	var reply wire.CompleteReply
	f.ask(f.sockets.Shell, "complete_request", wire.CursorRequest{Code: code, CursorPos: at}).Decode(&reply)
	if reply.CursorEnd != at || reply.CursorStart > at {
		f.t.Fatalf("%q: from %d to %d", code, reply.CursorStart, reply.CursorEnd)
	}
	return reply.Matches, string([]rune(code)[reply.CursorStart:at]), reply.Metadata["_jupyter_types_experimental"]
}

// While there is no gopls a Tab offers what packages export and cells declare, also where %% is missing, and where it
// has nothing the next cell says why, once.
func TestTabWithoutGopls(t *testing.T) {
	root, err := toolchain.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	config, building := fake(), make(chan bool)
	defer close(building)
	config.MakeGopls = func(context.Context) error { <-building; return nil }
	config.PackageDir = toolchain.Tools{Module: root}.PackageDir
	f := serve(t, config)
	f.execute("import (\n\tneural \"github.com/lateral-ml/lateral/lib/nn\"\n)\n\nfunc declaredHere() {}\n\n" +
		"var declaredToo = `\n!x`")
	for _, test := range []struct {
		code, word string
		want, not  string // one that is among the matches, and one that is not
	}{
		{"%%\nstrings.ToUp|", "ToUp", "ToUpper", "ToLower"},
		{"strings.ToUp|", "ToUp", "ToUpper", "ToLower"}, // without %%
		{"strings.|", "", "Fields", "builder"},
		{"%%\nx := 'é'; rand.Int|N(3)", "Int", "IntN", ""},
		{"import \"math/rand\"\n%%\nrand.Int|", "Int", "Intn", "IntN"},
		{"%%\nneural.NewDe|", "NewDe", "NewDense", ""},
		{"%%\ndecl|", "decl", "declaredHere", ""},
		{"%%\nif decl|", "decl", "declaredToo", ""},
		{"%%\nsomething := 1\nsome|", "some", "something", ""},
		{"%%\nfor i := ran|", "ran", "range", ""},
		{"%%\nfmt.Println(\"strings.ToUp|", "", "", "ToUpper"},
		{"%%\n// strings.ToUp|", "", "", "ToUpper"},
		{"%%\nx := `\n%pro|", "", "", "%profile"},
		{"%%\nx.y.ToUp|", "", "", "ToUpper"},
		{"%%\nnosuchpackage.Any|", "Any", "", "Anything"},
		{"%ni|", "", "", "nil"},
		{"!strings.ToUp|", "", "", "ToUpper"},
		{"%%bash\nstrings.ToUp|", "", "", "ToUpper"},
	} {
		start := time.Now()
		matches, word, types := f.tab(test.code)
		if test.want != "" && !slices.Contains(matches, test.want) || slices.Contains(matches, test.not) ||
			len(matches) > 0 && word != test.word {
			t.Errorf("%q offers %.200q for %q", test.code, matches, word)
		}
		if listed, _ := types.([]any); len(listed) != len(matches) {
			t.Errorf("%q: %d matches have %d types", test.code, len(matches), len(listed))
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%q takes %v", test.code, took)
		}
	}
	if r := f.execute("stdout \"x\""); !strings.Contains(r.String(), "gopls is built in the background") {
		t.Errorf("the next cell says %s", r)
	}
	f.tab("%%\nnosuchpackage.Any|")
	if r := f.execute("stdout \"x\""); r.String() != "stdout x" {
		t.Errorf("the cell after it says %s", r)
	}
}

// What GoNB is asked has the same cursor, whatever protects the cell from it, and a program around statements.
func TestQuestion(t *testing.T) {
	for code, want := range map[string]string{
		"%%\nfmt.Pri|":                          "%%\nfmt.Pri|",
		"fmt.Pri|":                              "%%\nfmt.Pri|",
		"import \"fmt\"\n\nfmt.Pri|\nx()":       "import \"fmt\"\n\n%%\nfmt.Pri|\nx()",
		"func f() {\n\tfmt.Pri|\n}\nfmt.X()":    "func f() {\n\tfmt.Pri|\n}\nfmt.X()",
		"var s = `\n!é`\n%%\r\nx := 1 + ma|":    "var s = (`\n`+\"!\"+`é`)\n%%\nx := 1 + ma|",
		"!a \\\nb\n%%\n/*\n!é*/ x\u20ac.Pri|nt": "!a  b\n\n%%\n/*\n !é*/ x\u20ac.Pri|nt",
	} {
		before, after, _ := strings.Cut(code, "|")
		text, cursor := proxy.Question(before+after, len([]rune(before)))
		if got := text[:cursor] + "|" + text[cursor:]; got != want {
			t.Errorf("%q is asked as %q, want %q", code, got, want)
		}
	}
}
