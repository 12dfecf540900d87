// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func ExampleTools_Flags() {
	tools := Tools{Go: Go{Flags: "-mod=mod -buildvcs=false"}}
	fmt.Println(tools.Flags())
	// Output: -buildvcs=false -ldflags=-s
}

func TestFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"":                        "-ldflags=-s",
		"-mod=vendor":             "-ldflags=-s",
		"--mod=mod -race":         "-race -ldflags=-s",
		"-modcacherw":             "-modcacherw -ldflags=-s",
		"-ldflags=-w -tags=a,mod": "-ldflags=-w -tags=a,mod",
	} {
		if got := (Tools{Go: Go{Flags: flags}}).Flags(); got != want {
			t.Errorf("%q: got %q, want %q", flags, got, want)
		}
	}
}

func TestFindModule(t *testing.T) {
	root, err := FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "kernelext", "internal", "toolchain", "toolchain.go")); err != nil {
		t.Errorf("%s is not the root: %v", root, err)
	}
	// The nearest one above the first directory wins.
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("// a comment\nmodule "+modulePath+"\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(other, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := FindModule(deep, "."); err != nil || got != other {
		t.Errorf("found %s, %v, want %s", got, err, other)
	}
	// Above none of them: where the source of this program is.
	if got, err := FindModule("/"); err != nil || got != root {
		t.Errorf("from /: found %s, %v, want %s", got, err, root)
	}
}

func TestLocate(t *testing.T) {
	root, err := FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("GOWORK", "/nonexistent/go.work") // a user's workspace must not matter
	tools, err := Locate(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{cache, "gonb-v0.", "tools-v0.", tools.Go.Version, tools.Go.Arch} {
		if !strings.Contains(tools.Dir, part) {
			t.Errorf("%s does not hold %s", tools.Dir, part)
		}
	}
	if tools.Built() {
		t.Error("tools in an empty cache are said to be built")
	}
	argv, env := Arguments(tools.GoNB(), tools.Module), tools.Environment()
	if argv[0] != tools.GoNB() || !slices.Contains(argv, "-go_work="+root) || !slices.Contains(env, "GOWORK=") ||
		!slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "PATH="+tools.Dir+":") }) {
		t.Errorf("%q does not start GoNB on the module", argv)
	}
}

// What does not build leaves nothing behind and says what to do.
func TestBuildFails(t *testing.T) {
	module := t.TempDir()
	for _, dir := range []string{module, filepath.Join(module, "kernelext", "tools", "gopls")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n\ngo 1.26\n\nrequire "+gonb+" v0.999.0\n"),
			0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	tools := Tools{Dir: filepath.Join(t.TempDir(), "bin"), Module: module}
	for dir, err := range map[string]error{
		tools.Dir:                   tools.Build(t.Context()),
		filepath.Dir(tools.Gopls()): tools.BuildGopls(Yielding(t.Context())),
	} {
		if err == nil || !strings.Contains(err.Error(), "cannot be downloaded: connect once") {
			t.Errorf("error %v", err)
		}
		left, err := os.ReadDir(dir)
		left = slices.DeleteFunc(left,
			func(d os.DirEntry) bool { return filepath.Join(dir, d.Name()) == filepath.Dir(tools.Gopls()) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

func TestGoIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := AskGo(context.Background(), "."); err == nil || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("error %v", err)
	}
}

// The changes to GoNB fit the version that is pinned; with another there is an error, and nothing is built without
// them.
func TestCopyGoNB(t *testing.T) {
	root, err := FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	source, err := run(t.Context(), root, "list", "-m", "-f", "{{.Dir}}", gonb)
	if err != nil {
		t.Fatal(err)
	}
	changed := t.TempDir()
	if err := copyGoNB(strings.TrimSpace(string(source)), changed); err != nil {
		t.Fatal(err)
	}
	for _, e := range edits {
		if text, err := os.ReadFile(filepath.Join(changed, filepath.FromSlash(e.file))); err != nil ||
			!strings.Contains(string(text), e.to) {
			t.Errorf("%s lacks %q, %v", e.file, e.to, err)
		}
	}
	if err := copyGoNB(changed, t.TempDir()); err == nil || !strings.Contains(err.Error(), "another version of GoNB") {
		t.Errorf("a source that the changes do not fit: %v", err)
	}
}
