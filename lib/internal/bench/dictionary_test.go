// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestDictionary(t *testing.T) {
	if testing.Short() {
		t.Skip("makes ten large images")
	}
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-dictionary", "1000"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "learnt from 1000 patches") || !strings.Contains(out.String(), "Lateral") {
		t.Errorf("nothing was learnt:\n%s", out.String())
	}
	for _, n := range []string{"255", "1000001", "-1"} {
		if err := bench(t.Context(), []string{"-dictionary", n}, &out, &log); err == nil {
			t.Errorf("%s patches: no error", n)
		}
	}
}

// The dictionary of a peer is judged as the peer wrote it; a peer that fails is reported.
func TestDictionaryOfAPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fake interpreter is a shell script")
	}
	x := tensor.New(300, codeSize, codeSize)
	tensor.Stream(1, "patches").Normal(x.Data(), 0, 1)
	l := &learning{learn: x, judge: x, start: sparsecode.RandomDictionary(codeAtoms, 1, codeSize, codeSize)}
	want, err := l.objective(l.start.Atoms())
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
	d, err := l.peer(t.Context(),
		fake(`cp "$4" "$7"; echo "epoch 1"; echo '{"name": "fake", "seconds": 2.5}'`), dir, "fake")
	if err != nil || d != (learnt{"fake", 2.5, want}) {
		t.Errorf("%+v, %v, want the objective %v", d, err, want)
	}
	for script, want := range map[string]string{
		`head -c 80 /dev/zero > "$7"; echo '{}'`:                                  "80 bytes",
		`head -c 262144 /dev/zero > "$7"; echo '{}'`:                              "atom 0 is zero",
		`echo "Traceback" >&2; echo "ImportError: No module named x" >&2; exit 1`: "No module named x",
		`echo 17 questions`: "17 questions",
	} {
		if _, err := l.peer(t.Context(), fake(script), dir, "fake"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}
