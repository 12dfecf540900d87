// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSVMs(t *testing.T) {
	var out, log bytes.Buffer
	if err := bench(t.Context(), []string{"-svm", "300"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "Lateral") != 6 || !strings.Contains(out.String(), "       5 %") {
		t.Errorf("not three values of C with dense and sparse features:\n%s", out.String())
	}
	if err := bench(t.Context(), []string{"-svm", "99"}, &out, &log); err == nil {
		t.Error("99 samples: no error")
	}
}

// The objective of this library's weights is the one that its solver reports, and any other weights have a larger one.
func TestSVMObjective(t *testing.T) {
	m, err := newMargin(200, 0.5, true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.ours(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	best := m.objective(s.w)
	zero := make([]float64, len(s.w))
	if want := 0.5 * 200 * 10; math.Abs(m.objective(zero)-want) > 1e-9 || best > want/2 {
		t.Errorf("objective %v, of no weights %v, want %v", best, m.objective(zero), want)
	}
	for _, i := range []int{7, 2000, 2001, 20009} {
		s.w[i] += 0.2
		if moved := m.objective(s.w); moved <= best {
			t.Errorf("weight %d: %v, and %v after a change", i, best, moved)
		}
		s.w[i] -= 0.2
	}
}

// The weights of a peer are read as the peer wrote them; a peer that fails is reported.
func TestSVMOfAPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fake interpreter is a shell script")
	}
	m, err := newMargin(100, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.files(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"samples": 4 * 100 * svmFeatures, "labels": 400} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	fake := func(script string) string {
		path := filepath.Join(dir, "python")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := m.peer(t.Context(),
		fake(`head -c 160080 /dev/zero > "$7"; echo '{"name": "fake", "seconds": 2.5}'`), dir, "primal")
	if err != nil || s.name != "fake" || s.seconds != 2.5 || len(s.w) != 20010 || m.objective(s.w) != 1000 {
		t.Errorf("%v, %d weights, %v", s.name, len(s.w), err)
	}
	for script, want := range map[string]string{
		`head -c 80 /dev/zero > "$7"; echo '{}'`: "80 bytes",
		`echo "No module named x" >&2; exit 1`:   "No module named x",
		`echo 17 questions`:                      "17 questions",
	} {
		if _, err := m.peer(t.Context(), fake(script), dir, "dual"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}
