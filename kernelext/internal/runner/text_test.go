// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

func TestTerminal(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain\ntext", "plain\ntext"},
		{"a\r\nb\n", "a\nb\n"},
		{"12345\rab", "ab345"},
		{"line\n12345\rab\nend", "line\nab345\nend"},
		{"abc\b\bX", "aX"},
		{"\b\bX", "X"},
		{"a\n\bX", "a\nX"}, // not over the end of a line
		{"12345\r\x1b[Kab", "ab"},
		{"12345\x1b[2Kab", "ab"},
		{"\x1b[31mred\x1b[0m\rGREEN", "GREEN"},
		{"10%\r20%\r\x1b[32m100%\x1b[0m\n", "\x1b[32m100%\x1b[0m\n"},
		{"\x1b[1A\x1b[?25lup", "up"}, // cursor movement is dropped
		{"äöü\rÄ", "Äöü"},
		{"end \x1b[3", "end \x1b[3"}, // a sequence that never ends
		{"\x1bM", "\x1bM"},
	} {
		whole, pieces := &terminal{}, &terminal{}
		whole.write(test.in)
		for i := range len(test.in) {
			pieces.write(test.in[i : i+1])
		}
		if got := whole.text(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
		if got := pieces.text(); got != test.want {
			t.Errorf("%q byte by byte: got %q, want %q", test.in, got, test.want)
		}
	}
}

// The frames of a coloured progress bar take no more room than one.
func TestTerminalOverwritesColours(t *testing.T) {
	const frame = "\r\x1b[1m\x1b[32m50%\x1b[0m"
	var x terminal
	for range 1000 {
		x.write(frame)
	}
	if got := x.text(); got != frame[1:] {
		t.Errorf("%d bytes of text, want %q", len(got), frame[1:])
	}
}

func FuzzTerminal(f *testing.F) {
	f.Add("a\rb\n\x1b[31mc\b\x1b[K\n", 3)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		whole, pieces := &terminal{}, &terminal{}
		whole.write(text)
		cut = min(max(cut, 0), len(text))
		pieces.write(text[:cut])
		pieces.write(text[cut:])
		if whole.text() != pieces.text() {
			t.Errorf("%q cut at %d: %q instead of %q", text, cut, pieces.text(), whole.text())
		}
		if !strings.ContainsAny(text, "\r\b\x1b") && whole.text() != text {
			t.Errorf("plain %q became %q", text, whole.text())
		}
	})
}

func TestCleaner(t *testing.T) {
	c := &Cleaner{}
	c.Hide("/home/ada", "~")
	c.Hide("/home/ada/lateral", "$MODULE")
	c.Hide("/tmp", "$TMP")
	c.Hide("/", "$ROOT")
	c.Hide("relative", "$RELATIVE")
	for in, want := range map[string]string{
		"/home/ada/lateral/lib/nn.go:12":         "$MODULE/lib/nn.go:12",
		"at /home/ada, and /home/ada/x":          "at ~, and ~/x",
		"/home/adam /home/ada2":                  "/home/adam /home/ada2",
		"a/home/ada":                             "a/home/ada",
		`"/home/ada/lateral"`:                    `"$MODULE"`,
		"/tmp/gonb_0a1b2c3d/main.go:5:2: x":      "$CELL/main.go:5:2: x",
		"/tmp/lateral-123/gonb_0a1b2c3d/main.go": "$CELL/main.go",
		"/tmp/lateral-123/data":                  "$TMP/data",
		"/tmp/lateral-1/lateral-2/x":             "$TMP/x", // the kernel's and, within, GoNB's
		"# gonb_0a1b2c3d":                        "# $CELL",
		"gonb_not8hex relative/x /":              "gonb_not8hex relative/x /",
	} {
		if got := c.Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCleanerFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	c := &Cleaner{}
	c.Hide(link, "$X")
	real, _ := filepath.EvalSymlinks(dir)
	if got := c.Clean(link + "/a " + real + "/b"); got != "$X/a $X/b" {
		t.Errorf("got %q", got)
	}
}

func TestCleanOutput(t *testing.T) {
	o := &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{
		"text/html": "see SECRET", "image/png": "SECRET", "image/svg+xml": "<svg>SECRET</svg>",
		"application/json": map[string]any{"list": []any{"SECRET", 3.0}},
	}}
	cleanOutput(o, func(s string) string { return strings.ReplaceAll(s, "SECRET", "x") })
	if o.Data["text/html"] != "see x" || o.Data["image/png"] != "SECRET" || o.Data["image/svg+xml"] != "<svg>x</svg>" ||
		o.Data["application/json"].(map[string]any)["list"].([]any)[0] != "x" {
		t.Errorf("got %v", o.Data)
	}
}

// What the kernel says about a failure becomes the notebook's terms.
func TestProblem(t *testing.T) {
	nb := cells("var X = f()", "%%\nfmt.Println(X)")
	r := &run{nb: nb, o: Options{Clean: strings.ToUpper}, counts: map[int]int{7: 0, 8: 1}}
	output := &notebook.Output{Type: notebook.Error, ErrorName: "E", ErrorValue: "from the output"}
	for _, test := range []struct {
		failure *wire.Failure
		want    string
	}{
		{nil, "cell 2: FROM THE OUTPUT"},
		{&wire.Failure{Message: "exit status 1", Detail: "why"}, "cell 2: EXIT STATUS 1\n    WHY"},
		{&wire.Failure{Count: 7, Line: 1, Source: "var X = f()", Message: "undefined: f"},
			"cell 1, line 1: UNDEFINED: F\n     1 | var X = f()"},
		{&wire.Failure{Count: 3, Line: 1, Source: "of a cell that is not here", Message: "m"}, "cell 2: M"},
	} {
		if got := r.problem(1, output, test.failure).Error(); got != test.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", test.failure, got, test.want)
		}
	}
}
