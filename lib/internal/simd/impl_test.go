// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// eachImplementation runs a test once for every implementation this processor supports, with that one active.
func eachImplementation(t *testing.T, test func(t *testing.T)) {
	chosen := active
	defer func() { active = chosen }()
	for _, k := range available() {
		active = k
		t.Run(k.name, func(t *testing.T) {
			if Name() != k.name {
				t.Fatalf("%s runs instead of %s", Name(), k.name)
			}
			test(t)
		})
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
