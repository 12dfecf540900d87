// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestRunScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fake interpreter is a shell script")
	}
	dir := t.TempDir()
	python := filepath.Join(dir, "python")
	play := func(script string, result any) (scriptReport, error) {
		if err := os.WriteFile(python, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return runScript(t.Context(), python, dir, "fake.py", result, "a word", 0.5)
	}
	got := make([]float32, 2)
	r, err := play(`test "$1 $2 $3" = "`+filepath.Join(dir, "peers", "fake.py")+` a word 0.5" &&
printf '\000\000\200\077\000\000\000\300' > "$4"; echo warming up; echo '{"name": "fake", "seconds": 2.5}'`, got)
	if err != nil || r != (scriptReport{"fake", 2.5}) || !slices.Equal(got, []float32{1, -2}) {
		t.Errorf("%+v, %v, %v", r, got, err)
	}
	if _, err := play(`echo '{}'`, got); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a script that writes nothing: %v", err)
	}
	_, err = play(`printf 1234 > "$4"; echo '{}'`, got)
	if err == nil || !strings.Contains(err.Error(), "4 bytes, not 8") {
		t.Errorf("a short result: %v", err)
	}
}

func TestEachPeer(t *testing.T) {
	t.Setenv("LATERAL_BENCH_PYTHON", strings.Join([]string{"new", "old"}, string(filepath.ListSeparator)))
	var log bytes.Buffer
	got := eachPeer(&log, []string{"A", "B"}, func(python, program string) (string, error) {
		if python == "old" && program == "B" {
			return "", errors.New("too old")
		}
		return program + " " + python, nil
	})
	want, skipped := []string{"A new", "A old", "B new"}, "skipped: B with old: too old\n"
	if !slices.Equal(got, want) || log.String() != skipped {
		t.Errorf("%q, skipped %q", got, log.String())
	}
}
