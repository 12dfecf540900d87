// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestMaps(t *testing.T) {
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-maps", "200", "-steps", "300"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "t-SNE of 200 codes") || !strings.Contains(out.String(), "Lateral") {
		t.Errorf("no map:\n%s", out.String())
	}
	for _, args := range [][]string{{"-maps", "50"}, {"-maps", "20000"}, {"-maps", "200", "-steps", "100"}} {
		if err := bench(t.Context(), args, &out, &log); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// The map of a peer is evaluated as the peer wrote it; a peer that fails is reported.
func TestMapOfAPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fake interpreter is a shell script")
	}
	m, err := newMapping(100, 250)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fake := func(script string) string {
		path := filepath.Join(dir, "python")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	d, err := m.peer(t.Context(),
		fake(`head -c 800 /dev/zero > "$7"; echo '{"name": "fake", "seconds": 2.5}'`), dir, "fake")
	if err != nil || d.name != "fake" || d.seconds != 2.5 || d.y.Rows() != 100 || d.y.At(99, 1) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	for script, want := range map[string]string{
		`head -c 80 /dev/zero > "$7"; echo '{}'`: "80 bytes",
		`echo "No module named x" >&2; exit 1`:   "No module named x",
		`echo 17 questions`:                      "17 questions",
	} {
		if _, err := m.peer(t.Context(), fake(script), dir, "fake"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}
