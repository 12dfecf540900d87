// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"strings"
	"testing"
)

// What begins with % or ! is a command outside of literals and comments alone.
func TestCommands(t *testing.T) {
	for source, want := range map[string]string{ // c for a command, . for any other line
		"%%\nx := 1":                     "c.",
		"!ls\nvar x = 1":                 "c.",
		"//gonb:!ls\n// gonb:!ls":        "c.",
		"%\n!\n%x":                       "..c",
		"var s = `\n!touch x\n%%\n`\n":   ".....",
		"/*\n!touch x\n*/\n!ls":          "...c",
		"var s = \"`\"\n!ls":             ".c",
		"var s = \"\\\"`\"\n!ls":         ".c",
		"var r = '`'\n!ls":               ".c",
		"var r = '\\''\n!ls":             ".c",
		"x := 1 // `\n!ls":               ".c",
		"x := 1 /* ` */\n!ls":            ".c",
		"x := `a` + `\n!ls\n` // `\n!ls": "...c",
		"x := `/*`\n!ls":                 ".c",
		"/* ` */ x := `\n%%\n`":          "...",
		"!echo \\\nmore\nvar x int":      "cc.",
		"!echo `\nvar x int\n%%":         "c.c",
		"%%\r\nx := 1\r\n!ls\r":          "c.c",
		"\"open\n!ls":                    ".c",
	} {
		var got strings.Builder
		for _, is := range Commands(source) {
			got.WriteString(map[bool]string{true: "c", false: "."}[is])
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", source, got.String(), want)
		}
	}
}

func TestSplit(t *testing.T) {
	for source, want := range map[string][2]string{
		"var x int\n%%\nuse(x)":           {"var x int", "\n\nuse(x)"},
		"!ls\nvar x int\n%% -v\nx++\n!ls": {"\nvar x int", "\n\n\nx++\n"},
		"var s = `\n%%\n`":                {"var s = `\n%%\n`", ""},
		"%%\nfmt.Printf(\"%d %%\\n\", 3)": {"", "\nfmt.Printf(\"%d %%\\n\", 3)"},
		"%main\nx()":                      {"", "\nx()"},
	} {
		declarations, program := Split(source)
		if declarations != want[0] || program != want[1] {
			t.Errorf("%q: %q and %q, want %q", source, declarations, program, want)
		}
	}
}

func TestIsScript(t *testing.T) {
	for source, want := range map[string]bool{"%%writefile a.txt\nx": true, "%%bash\nls": true, "//gonb:%%sh": true, "%%\nx": false, "": false, "x": false} {
		if got := IsScript(source); got != want {
			t.Errorf("%q: %v", source, got)
		}
	}
}
