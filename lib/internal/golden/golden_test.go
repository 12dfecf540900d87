// SPDX-License-Identifier: Apache-2.0

// Package golden trains every kind of model for a few steps on the embedded digits, and compares the bits of its
// weights and of all measurements with recorded ones. After code has been moved, renamed or rewritten, it shows that no
// number has changed.
//
// The files contain no names of the library, so renaming changes these tests but not the files. Fixing an error, or
// deliberately changing the order of a sum, does change them; -update rewrites them:
//
//	go test ./lib/internal/golden -update
//	LATERAL_SIMD=off go test -count 1 ./lib/internal/golden -update     (portable.json, for the kernels in Go)
//	GOARCH=arm64 go test -exec qemu-aarch64-static -short ./lib/internal/golden -update     (arm64.json, for NEON)
//
// On arm64, the compiler rounds some sums x·y + z once, which is why its numbers have a file of their own.
//
// Each kind of model has its own file, which builds the model, trains it, and records numbers by name.
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

// A subject is something that produces numbers.
type subject struct {
	name   string
	large  bool   // omitted with -short, with portable kernels, which take a minute, and on arm64
	like   string // a subject that must give the same numbers, such as an uninterrupted run; may be ""
	record func(t *testing.T, r *record)
}

// subjects returns everything that is recorded.
func subjects() []subject {
	return slices.Concat(
		data(), settings(), layers(), penalised(), competing(), codes(), renderingMixtures(), hebbians(), biological())
}

// TestNoNumberMoved compares every subject's numbers with the recorded ones.
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
					if kernels := autograd.Backend(); s.large && (testing.Short() || kernels == "go" || kernels == "neon") {
						t.Skip("large: runs only without -short, with the kernels of amd64")
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
			compare(t, values, want[s.like]) // only this subject was selected
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

// armCompiler is the version of Go by which arm64.json was recorded: it is the compiler that chooses what to fuse.
const armCompiler = "go1.26"

// goldenFile returns the file with the numbers for the kernels in use, or skips the test if there is none.
func goldenFile(t *testing.T) string {
	t.Helper()
	switch kernels := autograd.Backend(); {
	case race.Enabled:
		t.Skip("takes minutes with the race detector, and covers only what the packages' own tests cover too")
	case kernels == "neon" && strings.HasPrefix(runtime.Version(), armCompiler):
		return filepath.Join("testdata", "arm64.json")
	case runtime.GOARCH != "amd64" || fuses(1+0x1p-30, 1+0x1p-30, -1-0x1p-29):
		t.Skip("the golden numbers are for amd64 (GOAMD64=v1 or v2), and for NEON with " + armCompiler + ": other " +
			"compilers fuse other products and sums")
	case kernels == "avx512" || kernels == "avx2": // both give the same bits
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

// write writes the new numbers and keeps those of subjects that did not run.
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

// compare reports differences, and for a series the first one.
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
