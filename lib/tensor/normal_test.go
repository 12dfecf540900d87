// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// Where math's logarithm is the one that ours is written after, all draws are those of math/rand/v2.
func TestNormalsAreThoseOfRand(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the last bit of math.Log differs")
	}
	ours, theirs := Stream(3, "normals"), rand.New(Stream(3, "normals").pcg)
	for i := range 20_000_000 {
		if a, b := ours.NormFloat64(), theirs.NormFloat64(); a != b {
			t.Fatalf("draw %d is %v, want %v", i, a, b)
		}
	}
}

// The numbers are the same on every machine, to the last bit.
func TestNormalsNeverChange(t *testing.T) {
	r, sum := Stream(0, "normals"), fnv.New64a()
	var b [8]byte
	for range 1_000_000 {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(r.NormFloat64()))
		sum.Write(b[:])
	}
	if got := sum.Sum64(); got != 0xdbba991a70f55806 {
		t.Errorf("check sum %#x", got)
	}
}

func TestLogAndExp(t *testing.T) {
	r := Stream(0, "arguments")
	for range 1_000_000 {
		x := math.Ldexp(r.Float64(), -r.IntN(60))
		if a, b := log(x), math.Log(x); math.Abs(a-b) > 2.3e-16*math.Abs(b) {
			t.Fatalf("log(%v) = %v, want %v", x, a, b)
		}
		y := 700 * r.Float64()
		if a, b := expMinus(y), math.Exp(-y); math.Abs(a-b) > 6.7e-16*b {
			t.Fatalf("exp(-%v) = %v, want %v", y, a, b)
		}
	}
	if !math.IsInf(log(0), -1) {
		t.Error("log(0)", log(0))
	}
}

func BenchmarkNormal(b *testing.B) {
	r := Stream(0, "normals")
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			r.NormFloat64()
		}
	})
	b.Run("rand", func(b *testing.B) {
		for b.Loop() {
			r.Rand.NormFloat64()
		}
	})
}
