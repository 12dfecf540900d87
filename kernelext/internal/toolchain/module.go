// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// modulePath is the import path of this module.
const modulePath = "github.com/lateral-ml/lateral"

// FindModule returns the root of this module: the nearest one above one of the
// directories, else where this program's source is.
func FindModule(dirs ...string) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		dirs = append(dirs, filepath.Dir(file))
	}
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			continue
		}
		for ; ; dir = filepath.Dir(dir) {
			if moduleOf(filepath.Join(dir, "go.mod")) == modulePath {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("toolchain: no checkout of %s at or above %s: run the command inside one", modulePath,
		strings.Join(dirs, ", "))
}

// moduleOf returns the path that a go.mod file declares, empty if there is none.
func moduleOf(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if path, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "module "); ok {
			return strings.Trim(path, `" `)
		}
	}
	return ""
}
