// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHamming(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for words := range 34 {
			for _, n := range []int{0, 1, 2, 7, 8, 9, 17, 64} {
				rng := rand.New(rand.NewPCG(uint64(words), uint64(n)))
				query, codes := make([]uint64, words), make([]uint64, n*words)
				for i := range query {
					query[i] = rng.Uint64()
				}
				for i := range codes {
					codes[i] = rng.Uint64()
					if rng.IntN(5) == 0 {
						codes[i] = ^query[i%words] // all bits differ
					}
				}
				dst := make([]int32, n+1)
				dst[n] = -7
				Hamming(dst[:n], query, codes)
				if dst[n] != -7 {
					t.Fatalf("%d codes of %d words: wrote past the end", n, words)
				}
				for i, got := range dst[:n] {
					want := 0
					for j, q := range query {
						want += bits.OnesCount64(q ^ codes[i*words+j])
					}
					if int(got) != want {
						t.Fatalf("%d codes of %d words: distance %d is %d, want %d", n, words, i, got, want)
					}
					checked++
				}
			}
		}
		if checked == 0 {
			t.Fatal("nothing was checked")
		}
	})
}

func TestKthLargest(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range lengths()[1:] {
			rng := rand.New(rand.NewPCG(uint64(n), 9))
			g := guarded(t, n)
			fillMixed(rng, g.x, true)
			sorted := copied(g.x)
			for i, v := range sorted {
				if v != v {
					sorted[i] = float32(math.Inf(-1))
				}
			}
			slices.Sort(sorted)
			slices.Reverse(sorted)
			for _, k := range []int{1, (n + 1) / 2, n} {
				if got := KthLargest(g.x, k); got != sorted[k-1] {
					t.Fatalf("element %d of %d is %g, want %g", k, n, got, sorted[k-1])
				}
			}
			for _, s := range []float32{0, -1, 0.5, float32(math.Inf(1)), float32(math.NaN())} {
				want := 0
				for _, v := range g.x {
					if v >= s {
						want++
					}
				}
				if got := CountAtLeast(g.x, s); got != want {
					t.Fatalf("%d of %d elements are %g or more, want %d", got, n, s, want)
				}
			}
		}
	})
}

func TestMultiplyAdds(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{-1, 0, 1, 1000, 100_000} {
			if got := MultiplyAdds(n); got < n || got > max(n, 0)+1024 {
				t.Errorf("%d multiply-adds wanted, %d done", n, got)
			}
		}
	})
}

func BenchmarkHamming(b *testing.B) {
	for _, words := range []int{4, 16} {
		b.Run(fmt.Sprintf("bits=%d", 64*words), func(b *testing.B) {
			eachImplementationBench(b, func(b *testing.B) {
				const n = 256
				dst, query, codes := make([]int32, n), make([]uint64, words), make([]uint64, n*words)
				for b.Loop() {
					Hamming(dst, query, codes)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/code")
			})
		})
	}
}

// BenchmarkMultiplyAdds measures the ceiling of one core.
func BenchmarkMultiplyAdds(b *testing.B) {
	eachImplementationBench(b, func(b *testing.B) {
		done := 0
		for b.Loop() {
			done += MultiplyAdds(1_000_000)
		}
		b.ReportMetric(2*float64(done)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	})
}
