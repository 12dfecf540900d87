// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the table of faults names is there.
func TestFaultsAreShown(t *testing.T) {
	table, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, line := range strings.Split(string(table), "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || strings.HasPrefix(line, "| fault") || strings.HasPrefix(line, "| ---") {
			continue
		}
		for _, group := range strings.Split(cells[2], ";") {
			pkg := regexp.MustCompile("`([a-z/]+)`").FindStringSubmatch(group)
			if pkg == nil {
				t.Errorf("no package in %q", group)
				continue
			}
			files, _ := filepath.Glob(filepath.Join("..", filepath.FromSlash(pkg[1]), "*_test.go"))
			var source strings.Builder
			for _, file := range files {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				source.Write(b)
			}
			for _, name := range regexp.MustCompile(`(?:Test|Fuzz)\w+`).FindAllString(group, -1) {
				named++
				if !strings.Contains(source.String(), "\nfunc "+name+"(") {
					t.Errorf("%s has no %s", pkg[1], name)
				}
			}
		}
	}
	if named < 30 {
		t.Errorf("the table names %d tests", named)
	}
}
