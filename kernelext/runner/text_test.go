// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/notebook"
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

// The messages are what GoNB 0.11.3 reports for such cells.
func TestDiagnose(t *testing.T) {
	nb := cells("var X = f()", "%%\ny := 3\nfmt.Println(undef)")
	counts := map[int]int{1: 0, 2: 1}
	for name, test := range map[string]struct {
		output *notebook.Output
		stderr string
		want   string
	}{
		"compile errors": {&notebook.Output{
			ErrorValue: "# gonb_0a1b2c3d\n./main.go:17:1: declared and not used: y\n./main.go:18:13: undefined: undef\n",
			Traceback: []string{
				"# gonb_0a1b2c3d",
				"Cell[2]: Line 2\nfunc main() {\n\tflag.Parse()\ny := 3\n^\n\n\x1b[31mdeclared and not used: y\x1b[0m",
				"Cell[2]: Line 3\ny := 3\nfmt.Println(undef)\n            ^\n\n\x1b[31mundefined: undef\x1b[0m", "",
			},
		}, "", "cell 2, line 2: declared and not used: y\n     2 | y := 3\n    line 3: undefined: undef"},
		"error in an earlier cell": {&notebook.Output{
			Traceback: []string{"Cell[1]: Line 1\nvar X = f()\n        ^\n\nundefined: f"},
		}, "", "cell 1, line 1: undefined: f\n     1 | var X = f()"},
		"panic": {&notebook.Output{ErrorValue: "exit status 2"},
			"working\npanic: oh no\n\ngoroutine 1 [running]:\nmain.f(...)\n\t \x1b[7m[[ Cell Line 0 ]]\x1b[0m $CELL/main.go:11\n" +
				"main.main()\n\t \x1b[7m[[ Cell [2] Line 3 ]]\x1b[0m $CELL/main.go:16 +0x65\nexit status 2\n",
			"cell 2, line 3: panic: oh no\n     3 | fmt.Println(undef)\n    panic: oh no\n    \n    goroutine 1 [running]:\n    main.f(...)\n    \t $CELL/main.go:11\n" +
				"    main.main()\n    \t $CELL/main.go:16 +0x65\n    exit status 2"},
		"failed program": {&notebook.Output{ErrorValue: "exit status 1"}, "no such file\nexit status 1\n",
			"cell 2: exit status 1\n    no such file\n    exit status 1"},
	} {
		if got := diagnose(nb.Cells, 1, counts, test.output, test.stderr).Error(); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}
