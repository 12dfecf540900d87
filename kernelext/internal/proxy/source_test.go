// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
)

func TestCompleteness(t *testing.T) {
	for code, want := range map[string]string{
		"":                                     "complete",
		"var x = 1":                            "complete",
		"func f() {":                           "incomplete 1",
		"func f() {\n\tif x {\n":               "incomplete 2",
		"func f() {}":                          "complete",
		"func f() {}}":                         "invalid",
		"%%\nx := 1\nfmt.Println(x)":           "complete",
		"%%\nfor i := range 3 {":               "incomplete 1",
		"%%\nx := 1 +":                         "incomplete 0",
		"%%\nx := `raw":                        "incomplete 0",
		"%%\nx := \"no end":                    "invalid",
		"/* a comment":                         "incomplete 0",
		"x := 1":                               "invalid", // not in a program
		"import \"fmt\"\n\nfunc f(":            "incomplete 1",
		"%env A b":                             "complete",
		"!ls \\":                               "incomplete 0",
		"%%bash\nls":                           "incomplete 0",
		"%%bash\nls\n":                         "complete",
		"var x = map[string]int{\n\t\"a\": 1,": "incomplete 1",
		"//gonb:%%\nx :=":                      "incomplete 0",
	} {
		status, depth := proxy.Completeness(code)
		got := status
		if status == "incomplete" {
			got += " " + string(rune('0'+depth))
		}
		if got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

func TestReplay(t *testing.T) {
	code, origin := proxy.Replay(
		"import \"fmt\"\n%env A b\n%ls\nvar x = 1 // one",
		"%%bash\necho never",
		"func f() {\n\tfmt.Println(x)\n}\n\nfunc main() {\n\tf()\n}\n",
		"import (\n\t\"os\"\n)\n%%\nos.Exit(1)",
		"%test -test.v\nfunc helper() {}",
		"func broken( {",
	)
	wantLines := []string{"%env A b", `import "fmt"`, "import (", "\t\"os\"", ")", "var x = 1 // one", "func f() {",
		"\tfmt.Println(x)", "}", "func helper() {}"}
	wantOrigin := [][2]int{{1, 2}, {1, 1}, {4, 1}, {4, 2}, {4, 3}, {1, 4}, {3, 1}, {3, 2}, {3, 3}, {5, 2}}
	if got := strings.Split(code, "\n"); !slices.Equal(got, wantLines) {
		t.Errorf("got %q, want %q", got, wantLines)
	}
	if !slices.Equal(origin, wantOrigin) {
		t.Errorf("from %v, want %v", origin, wantOrigin)
	}
}

func TestRemoved(t *testing.T) {
	got := proxy.Removed("var a, b = 1, 2\ntype T int\nfunc (t *T) m() {}\nfunc f() {}", "%rm a f T~m\nvar c = 3",
		"%remove b T", "func f() {}\n%%\nvar a int", "type T string")
	if want := []string{"T~m", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("removed %q, want %q", got, want)
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "any\nthing", true}, {"a*c", "abbc", true},
		{"a*c", "abcd", false},
		{"?", "é", true}, {"*b*b", "abab", true}, {"*b?b", "abab", true}, {"a", "ab", false}, {"**a", "a", true},
	} {
		if got := proxy.Matches(test.pattern, test.text); got != test.want {
			t.Errorf("%q on %q: %t", test.pattern, test.text, got)
		}
	}
}

func FuzzCompleteness(f *testing.F) {
	f.Add("func f() {\n%%\nx := `")
	f.Fuzz(func(t *testing.T, code string) {
		if status, depth := proxy.Completeness(code); depth < 0 ||
			!slices.Contains([]string{"complete", "incomplete", "invalid"}, status) {
			t.Errorf("%q: %s, %d", code, status, depth)
		}
		proxy.Replay(code)
	})
}
