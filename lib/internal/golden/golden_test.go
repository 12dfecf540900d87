// SPDX-License-Identifier: Apache-2.0

// Package golden trains every kind of model for a few steps on the embedded digits, and compares the bits of its
// weights and of everything measured with those on file. After code was moved, renamed or rewritten, it shows that no
// number moved.
//
// The files hold no name of the library, so new names change these tests and not the files. A fault that is mended, or
// a sum that is taken in another order on purpose, does change them, and -update writes them anew:
//
//	go test ./lib/internal/golden -update
//	LATERAL_SIMD=off go test -count 1 ./lib/internal/golden -update     (portable.json, of the kernels in Go)
//
// Each kind of model has a file of its own, which builds the model, trains it, and records numbers by name.
package golden

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/race"
)

var update = flag.Bool("update", false, "write the numbers of the tests that run to the golden files")

// A subject is something that gives numbers.
type subject struct {
	name   string
	large  bool   // left out with -short and by portable kernels, with which it takes a minute
	like   string // the subject that must give the same numbers, such as a run that nobody interrupted; "" for none
	record func(t *testing.T, r *record)
}

// subjects returns everything that is recorded.
func subjects() []subject {
	return slices.Concat(
		data(), settings(), layers(), penalised(), competing(), codes(), renderingMixtures(), hebbians(), biological())
}

// TestNoNumberMoved compares every subject's numbers with those on file.
func TestNoNumberMoved(t *testing.T) {
	path := goldenFile(t)
	want, all := read(t, path), subjects()
	got := map[string]map[string]string{}
	var mutex sync.Mutex
	run := func(group string, repeated bool, check func(t *testing.T, s subject, values map[string]string)) {
		t.Run(group, func(t *testing.T) {
			for _, s := range all {
				if repeated != (s.like != "") {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					if s.large && (testing.Short() || autograd.Backend() == "go") {
						t.Skip("large: it runs without -short, on kernels in assembly")
					}
					t.Parallel()
					r := &record{t: t, values: map[string]string{}}
					s.record(t, r)
					mutex.Lock()
					defer mutex.Unlock()
					check(t, s, r.values)
				})
			}
		})
	}
	run("first", false, func(t *testing.T, s subject, values map[string]string) {
		if got[s.name] = values; !*update {
			compare(t, values, want[s.name])
		}
	})
	run("again", true, func(t *testing.T, s subject, values map[string]string) {
		if first := got[s.like]; first != nil {
			compare(t, values, first)
		} else {
			compare(t, values, want[s.like]) // only this one was asked for
		}
	})
	if *update && !t.Failed() {
		write(t, path, got, want, all)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.ContainsFunc(all, func(s subject) bool { return s.name == name }) {
			t.Errorf("%s has %q, which no test records", path, name)
		}
	}
}

// goldenFile returns the file of the numbers that the kernels in use give, or skips the test where there is none.
func goldenFile(t *testing.T) string {
	t.Helper()
	switch kernels := autograd.Backend(); {
	case runtime.GOARCH != "amd64" || fuses(1+0x1p-30, 1+0x1p-30, -1-0x1p-29):
		t.Skip("the golden numbers are those of amd64 (GOAMD64=v1 or v2): elsewhere the compiler fuses products with sums")
	case race.Enabled:
		t.Skip("the race detector takes minutes here and finds nothing that the packages' own tests do not reach")
	case kernels == "avx512" || kernels == "avx2": // which give the same bits
		return filepath.Join("testdata", "golden.json")
	case kernels == "go":
		return filepath.Join("testdata", "portable.json")
	default:
		t.Skipf("there are no golden numbers for the kernels %q", kernels)
	}
	return ""
}

// fuses reports whether x·y + z, which is 0 after the product is rounded, is rounded only once.
//
//go:noinline
func fuses(x, y, z float64) bool { return x*y+z != 0 }

func read(t *testing.T, path string) (values map[string]map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// write keeps the numbers of the subjects that did not run.
func write(t *testing.T, path string, got, old map[string]map[string]string, all []subject) {
	t.Helper()
	values := map[string]map[string]string{}
	for _, s := range all {
		if v := got[s.name]; v != nil {
			values[s.name] = v
		} else if v := old[s.name]; v != nil {
			values[s.name] = v
		}
	}
	text, err := json.MarshalIndent(values, "", " ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// compare reports what differs, and where a series begins to differ.
func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	if want == nil {
		t.Fatal("it is not in the golden file: run with -update")
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		g, w := strings.Fields(got[name]), strings.Fields(want[name])
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Errorf("%s: number %d is %s, it was %s", name, i+1, g[i], w[i])
				break
			}
		}
		if _, there := got[name]; !there {
			t.Errorf("%s is no longer recorded", name)
		} else if len(g) != len(w) {
			t.Errorf("%s: %d numbers, it was %d", name, len(g), len(w))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, there := want[name]; !there {
			t.Errorf("%s is not in the golden file: run with -update", name)
		}
	}
}
