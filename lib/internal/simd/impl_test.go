// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// eachImplementation runs a test once for every implementation this processor supports, with that one active.
func eachImplementation(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	chosen := active
	defer func() { active = chosen }()
	ran := 0
	for _, k := range available() {
		active = k
		t.Run(k.name, func(t *testing.T) {
			if Name() != k.name {
				t.Fatalf("%s runs instead of %s", Name(), k.name)
			}
			test(t)
			ran++
		})
	}
	if ran != len(available()) && !t.Failed() && !t.Skipped() {
		t.Fatalf("%d of %d implementations ran", ran, len(available()))
	}
}

// guard is what stands before and after a guarded slice: a NaN that no kernel makes.
var guard = math.Float32frombits(0x7fc0beef)

const guardLen = 33

// A guardedSlice is a slice between two bands that no kernel may write to.
type guardedSlice struct {
	x     []float32
	whole []float32
}

// guarded returns n zeros between guard bands, at an address of no particular alignment.
func guarded(t testing.TB, n int) guardedSlice {
	t.Helper()
	shift := n % 5
	whole := make([]float32, shift+guardLen+n+guardLen)
	for i := range whole {
		whole[i] = guard
	}
	x := whole[shift+guardLen:][:n:n]
	clear(x)
	return guardedSlice{x, whole}
}

// check fails the test if something was written outside the slice.
func (g guardedSlice) check(t testing.TB, name string) {
	t.Helper()
	first := len(g.whole) - guardLen - len(g.x)
	for i, v := range g.whole {
		inside := i >= first && i < first+len(g.x)
		if !inside && math.Float32bits(v) != math.Float32bits(guard) {
			t.Fatalf("%s: wrote %g outside the slice, %d from its start (length %d)", name, v, i-first, len(g.x))
		}
	}
}

func fillNormal(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
}

func TestChoose(t *testing.T) {
	a, b, c := &kernels{name: "avx512"}, &kernels{name: "avx2"}, &kernels{name: "go"}
	n := &kernels{name: "neon"}
	for _, test := range []struct {
		env       string
		supported []*kernels
		want      *kernels
		refused   bool
	}{
		{"", []*kernels{a, b, c}, a, false},
		{"avx512", []*kernels{a, b, c}, a, false},
		{"avx2", []*kernels{a, b, c}, b, false},
		{"off", []*kernels{a, b, c}, c, false},
		{"fast", []*kernels{a, b, c}, a, true},
		{"", []*kernels{b, c}, b, false},
		{"avx512", []*kernels{b, c}, b, true},
		{"avx512", []*kernels{c}, c, true},
		{"avx2", []*kernels{c}, c, true},
		{"off", []*kernels{c}, c, false},
		{"", []*kernels{n, c}, n, false},
		{"neon", []*kernels{n, c}, n, false},
		{"off", []*kernels{n, c}, c, false},
		{"avx2", []*kernels{n, c}, n, true},
		{"neon", []*kernels{a, b, c}, c, true},
		{"", []*kernels{c}, c, false},
	} {
		got, refusal := choose(test.env, test.supported)
		if got != test.want || (refusal != "") != test.refused {
			t.Errorf("LATERAL_SIMD=%q with %d implementations: %s (%s), want %s", test.env, len(test.supported), got.name,
				refusal, test.want.name)
		}
	}
}

// TestForcedPath starts the test binary again with LATERAL_SIMD set and asks it what it runs.
func TestForcedPath(t *testing.T) {
	if file := os.Getenv("SIMD_TEST_NAME_FILE"); file != "" {
		if err := os.WriteFile(file, []byte(Name()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if runtime.GOOS == "js" {
		t.Skip("no processes here")
	}
	all := available()
	want := map[string]string{"": all[0].name, "off": "go", "avx512": all[0].name, "avx2": all[max(0, len(all)-2)].name}
	for _, k := range all[:len(all)-1] {
		want[k.name] = k.name
	}
	for env, name := range want {
		file := t.TempDir() + "/name"
		cmd := exec.Command(os.Args[0], "-test.run=^TestForcedPath$")
		cmd.Env = append(os.Environ(), "LATERAL_SIMD="+env, "SIMD_TEST_NAME_FILE="+file, "GORACE=atexit_sleep_ms=0")
		if out, err := cmd.CombinedOutput(); errors.Is(err, syscall.ENOEXEC) {
			t.Skip("an emulator runs this test, and cannot start it again")
		} else if err != nil {
			t.Fatalf("LATERAL_SIMD=%s: %v\n%s", env, err, out)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != name {
			t.Errorf("LATERAL_SIMD=%s runs %s, want %s", env, got, name)
		}
	}
}

// TestImplementationsAreComplete fails if an implementation lacks a kernel.
func TestImplementationsAreComplete(t *testing.T) {
	for _, k := range available() {
		if s := fmt.Sprintf("%+v", *k); strings.Contains(s, "<nil>") {
			t.Errorf("%s: a kernel is missing in %s", k.name, s)
		}
		for _, kernels := range [][][2]tileKernel{k.gemm.normal, k.gemm.transposed} {
			for rows, pair := range kernels {
				if pair[0] == nil || pair[1] == nil {
					t.Errorf("%s: no tile kernel for %d rows", k.name, rows+1)
				}
			}
		}
		if n := len(k.gemm.normal); n == 0 || n > k.gemm.rows || len(k.gemm.transposed) != k.gemm.rows {
			t.Errorf("%s: %d and %d tile kernels for %d rows", k.name, len(k.gemm.normal), len(k.gemm.transposed), k.gemm.rows)
		}
	}
}

// TestAVX2UsesNoAVX512 reads the assembly: the assembler would accept registers that AVX2 processors do not have.
func TestAVX2UsesNoAVX512(t *testing.T) {
	text, err := os.ReadFile("zz_avx2_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`Requires:.*`).FindAllString(string(text), -1)
	if len(required) == 0 {
		t.Fatal("no kernel was found")
	}
	for _, line := range required {
		if strings.Contains(line, "AVX512") {
			t.Errorf("an AVX2 kernel %s", line)
		}
	}
	if bad := regexp.MustCompile(`\b(Z[0-9]+|K[0-7]|[XY](1[6-9]|2[0-9]|3[01]))\b`).FindString(string(text)); bad != "" {
		t.Errorf("an AVX2 kernel uses register %s", bad)
	}
}

// assemblyAgrees runs something on every assembly path and expects the same bits of all, whatever the payload of a NaN.
// Processors have either those of amd64 or that of arm64: the digest of the bits stands for the others.
func assemblyAgrees(t *testing.T, digest string, run func() []float32) {
	t.Helper()
	chosen := active
	defer func() { active = chosen }()
	var first []float32
	for _, k := range available() {
		if k.name == "go" {
			continue
		}
		active = k
		results := run()
		hash := sha256.New()
		for i, x := range results {
			if x != x {
				results[i] = float32(math.NaN())
			}
			_ = binary.Write(hash, binary.LittleEndian, results[i])
		}
		if got := fmt.Sprintf("%.8x", hash.Sum(nil)); got[:16] != digest {
			t.Errorf("the results of %s have the digest %s, not %s", k.name, got[:16], digest)
		}
		if first == nil {
			first = results
		}
		for i, x := range first {
			if y := results[i]; math.Float32bits(x) != math.Float32bits(y) {
				t.Fatalf("result %d is %g with %s and %g with the path before", i, y, k.name, x)
			}
		}
	}
	if first == nil {
		t.Skip("there is no assembly here")
	}
}

// TestAssemblyPathsAgree compares the bits of the assembly paths over every vector kernel.
func TestAssemblyPathsAgree(t *testing.T) {
	assemblyAgrees(t, "0ca1d130c98624d2", func() (results []float32) {
		for n := range 300 {
			results = append(results, everyKernel(n, func(n int) []float32 { return make([]float32, n) })...)
		}
		return results
	})
}

// everyKernel runs all vector kernels on the same n random numbers and returns their results in one slice.
// alloc makes the slices that the kernels see.
func everyKernel(n int, alloc func(n int) []float32) (results []float32) {
	rng := rand.New(rand.NewPCG(uint64(n), 8))
	a, b, d, dst := alloc(n), alloc(n), make([]float32, n), alloc(n)
	keep := func(run func(dst []float32)) {
		copy(dst, d)
		run(dst)
		results = append(results, dst...)
	}
	fillMixed(rng, a, true)
	fillMixed(rng, b, true)
	fillMixed(rng, d, true)
	for _, e := range elementwise {
		keep(func(dst []float32) { e.run(dst, a, b) })
	}
	fillNormal(rng, a)
	fillNormal(rng, b)
	fillNormal(rng, d)
	keep(func(dst []float32) { MulAdd(dst, a, b) })
	keep(func(dst []float32) { Axpy(dst, 0.3, a) })
	keep(func(dst []float32) { SoftmaxRows(dst, a, 1, n) })
	keep(func(dst []float32) { AddRowVector(dst, a, b, 1, n) })
	keep(func(dst []float32) { AddRowVectorRelu(dst, a, b, 1, n) })
	keep(func(dst []float32) { SumRows(dst, a, 1, n, true) })
	keep(func(dst []float32) { ScaleU8(dst, make([]byte, n), 2) })
	results = append(results, Sum(a), AbsSum(a), SumSquares(a), Dot(a, b), LogSumExp(dst, a))
	results = append(results, float32(CountNonZero(a)), float32(CountPositive(a)), float32(CountAtLeast(a, -0.2)))
	if n > 0 {
		results = append(results, Max(a), float32(ArgMax(a)), KthLargest(a, (n+1)/2))
	}
	keep(func(dst []float32) { Normalize(dst, a, 0.5, 1.3, -0.2) })
	keep(func(dst []float32) { NormalizeGrad(dst, a, b, 0.5, 1.3, -0.7, 0.1, false) })
	keep(func(dst []float32) { NormalizeGrad(dst, a, b, 0.5, 1.3, -0.7, 0.1, true) })
	results = append(results, CentredSquares(a, 0.5), CentredDot(a, b, 0.5))
	keep(func(dst []float32) { AddToRows(dst, n, a, n, 1, n) })
	keep(func(dst []float32) { CopyRowsAdd(dst, n, a, n, 1, n, 0.3) })
	m, v := alloc(n), alloc(n)
	for _, wd := range []float32{0, 0.1} {
		copy(m, b)
		Abs(v, a)
		keep(func(w []float32) { SGD(w, a, 0.1, wd) })
		keep(func(w []float32) { Momentum(w, a, m, 0.1, 0.9, wd, false) })
		keep(func(w []float32) { Momentum(w, a, m, 0.1, 0.9, wd, true) })
		keep(func(w []float32) { Adam(w, a, m, v, 0.1, 0.9, 0.999, 1e-8, 0.1, 0.001, wd) })
		keep(func(w []float32) { RMSProp(w, a, v, 0.1, 0.99, 1e-8, wd) })
		results = append(append(results, m...), v...)
	}
	return results
}
