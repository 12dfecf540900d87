// SPDX-License-Identifier: Apache-2.0

package lib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The program in the README runs as it stands there.
func TestProgramOfTheREADME(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and runs a program")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```go\n")
	program, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md holds no Go program")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "step 300, loss 0.") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// The README's table of packages names every package that others may import, and no other.
func TestPackagesOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "## Packages\n")
	table, _, _ = strings.Cut(table, "\n## ")
	named := map[string]bool{}
	for _, link := range regexp.MustCompile(`\]\((lib/[a-z0-9/]+)\)`).FindAllStringSubmatch(table, -1) {
		named[link[1]] = true
	}
	_, packages := load(t)
	for dir, p := range packages {
		if !strings.HasPrefix(dir, "lib/") || strings.Contains(dir, "internal") || p.ownModule || len(p.files) == 0 {
			continue
		}
		if !named[dir] {
			t.Errorf("README.md does not list %s", dir)
		}
		delete(named, dir)
	}
	for dir := range named {
		t.Errorf("README.md lists %s, which is not there", dir)
	}
}
