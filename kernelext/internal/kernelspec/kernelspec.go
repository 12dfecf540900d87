// SPDX-License-Identifier: Apache-2.0

// Package kernelspec installs kernels where Jupyter looks for them.
package kernelspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/lateral-ml/lateral/lib/durable"
)

// Spec is the content of a kernel.json: how Jupyter starts a kernel and shows it.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"` // "message" or "signal"
	Env           map[string]string `json:"env"`
	Metadata      map[string]any    `json:"metadata"`
}

// DataDir returns the directory of the user's own Jupyter data:
// $JUPYTER_DATA_DIR, else the platform's.
func DataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("kernelspec: no home directory, set JUPYTER_DATA_DIR: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// PrefixDir returns the Jupyter data directory of an installation, such as a
// virtual environment or /usr/local.
func PrefixDir(prefix string) string { return filepath.Join(prefix, "share", "jupyter") }

var validName = regexp.MustCompile(`^[a-z0-9._-]+$`)

// path returns where the specification of a kernel is within a data directory.
func path(dataDir, name string) (string, error) {
	if !validName.MatchString(name) || name == "." || name == ".." {
		return "", fmt.Errorf("kernelspec: %q is no name for a kernel: use small letters, digits, - and _", name)
	}
	return filepath.Join(dataDir, "kernels", name, "kernel.json"), nil
}

// Install writes a kernel's specification, whole or not at all, and returns
// where. It changes nothing if the same one is there.
func Install(dataDir, name string, spec Spec) (file string, changed bool, err error) {
	if file, err = path(dataDir, name); err != nil {
		return "", false, err
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(spec); err != nil {
		return "", false, fmt.Errorf("kernelspec: %w", err)
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data.Bytes()) {
		return file, false, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", false, fmt.Errorf("kernelspec: %w: choose another place with --prefix", err)
	}
	if err := durable.WriteFile(file, data.Bytes()); err != nil {
		return "", false, fmt.Errorf("kernelspec: %w", err)
	}
	return file, true, nil
}

// Uninstall removes a kernel's directory and returns it, "" if there was none.
func Uninstall(dataDir, name string) (string, error) {
	file, err := path(dataDir, name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	dir := filepath.Dir(file)
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("kernelspec: %w", err)
	}
	return dir, nil
}

// Read returns the specification of an installed kernel; the error is
// [fs.ErrNotExist] if there is none.
func Read(dataDir, name string) (Spec, string, error) {
	var spec Spec
	file, err := path(dataDir, name)
	if err != nil {
		return spec, "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return spec, file, fmt.Errorf("kernelspec: %w", err)
	}
	if spec, err = parse(data); err != nil {
		return spec, file, fmt.Errorf("kernelspec: %s: %w: install the kernel again", file, err)
	}
	return spec, file, nil
}

// parse reads a kernel.json.
func parse(data []byte) (spec Spec, err error) {
	if err := json.Unmarshal(data, &spec); err != nil {
		return Spec{}, err
	}
	if len(spec.Argv) == 0 || spec.Argv[0] == "" {
		return Spec{}, errors.New("argv names no program")
	}
	return spec, nil
}
