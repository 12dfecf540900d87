// SPDX-License-Identifier: Apache-2.0

package kernelspec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func Example() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	spec := Spec{
		Argv: []string{"/bin/kernel", "{connection_file}"}, DisplayName: "Go", Language: "go", InterruptMode: "message",
	}
	_, changed, err := Install(dir, "go", spec)
	fmt.Println(changed, err)
	_, changed, err = Install(dir, "go", spec)
	fmt.Println(changed, err)
	// Output:
	// true <nil>
	// false <nil>
}

func TestInstallReadUninstall(t *testing.T) {
	dir := t.TempDir()
	spec := Spec{
		Argv: []string{"kernel", "-a=<&>", "{connection_file}"}, DisplayName: "Go", Language: "go", InterruptMode: "message",
		Env: map[string]string{"PATH": "/bin"}, Metadata: map[string]any{"x": map[string]any{"y": "z"}},
	}
	file, _, err := Install(dir, "go", spec)
	if err != nil || file != filepath.Join(dir, "kernels", "go", "kernel.json") {
		t.Fatalf("%s, %v", file, err)
	}
	got, where, err := Read(dir, "go")
	if err != nil || where != file || !reflect.DeepEqual(got, spec) {
		t.Errorf("%+v, %s, %v", got, where, err)
	}
	spec.Env["PATH"] = "/usr/bin"
	if _, changed, err := Install(dir, "go", spec); !changed || err != nil {
		t.Errorf("another one: changed %t, %v", changed, err)
	}
	if removed, err := Uninstall(dir, "go"); removed != filepath.Dir(file) || err != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if removed, err := Uninstall(dir, "go"); removed != "" || err != nil {
		t.Errorf("a second time: removed %q, %v", removed, err)
	}
	if _, _, err := Read(dir, "go"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read what is not there: %v", err)
	}
}

func TestNamesStayInTheDirectory(t *testing.T) {
	for _, name := range []string{"", "..", "a/b", "A", "a b", "../../x"} {
		_, _, err := Install(t.TempDir(), name, Spec{})
		if err == nil || !strings.Contains(err.Error(), "no name for a kernel") {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := Uninstall(t.TempDir(), name); err == nil {
			t.Errorf("uninstall %q: no error", name)
		}
	}
}

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/ada")
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("JUPYTER_DATA_DIR", "")
	want := "/home/ada/.local/share/jupyter"
	if runtime.GOOS == "darwin" {
		want = "/home/ada/Library/Jupyter"
	}
	if got, err := DataDir(); got != want || err != nil {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	t.Setenv("JUPYTER_DATA_DIR", "/data")
	if got, err := DataDir(); got != "/data" || err != nil {
		t.Errorf("%s, %v, want /data", got, err)
	}
	if got := PrefixDir("/opt/venv"); got != "/opt/venv/share/jupyter" {
		t.Errorf("prefix: %s", got)
	}
}

func TestReadRefusesWhatStartsNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                "unexpected end of JSON input",
		"{":               "unexpected end of JSON input",
		"[]":              "cannot unmarshal array",
		"null":            "argv names no program",
		`{"argv":[]}`:     "argv names no program",
		`{"argv":[""]}`:   "argv names no program",
		`{"argv":"go"}`:   "cannot unmarshal string",
		`{"argv":[1, 2]}`: "cannot unmarshal number",
	} {
		dir := t.TempDir()
		file, _, err := Install(dir, "go", Spec{Argv: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err = Read(dir, "go")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Whatever a kernel.json holds, it is refused, or it can be installed again and means the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"argv":["go","{connection_file}"],"display_name":"Go","env":{"A":"b"},"metadata":{"x":[1,null]}}`,
		"null", "{}", `{"argv":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := parse(text)
		if err != nil {
			return
		}
		dir := t.TempDir()
		if _, _, err := Install(dir, "go", spec); err != nil {
			t.Fatal(err)
		}
		if again, _, err := Read(dir, "go"); err != nil || !reflect.DeepEqual(again, spec) {
			t.Errorf("%q is read as %+v, then as %+v, %v", text, spec, again, err)
		}
	})
}
