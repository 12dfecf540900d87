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
				threshold, above := Threshold(g.x, k)
				apart := k == n || sorted[k-1] > sorted[k]
				switch {
				case math.IsInf(float64(sorted[k-1]), -1):
					if !math.IsInf(float64(threshold), -1) || above != -1 {
						t.Fatalf("threshold of %d of %d: %g, %d above", k, n, threshold, above)
					}
				case above != CountAtLeast(g.x, threshold) || apart != (above == k) || !apart && threshold != sorted[k-1]:
					t.Fatalf("threshold of %d of %d: %g, %d above", k, n, threshold, above)
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

// withoutAMX runs a test on an implementation as it is and, if it compares codes in tiles, also without them.
func withoutAMX(t *testing.T, test func(t *testing.T)) {
	test(t)
	if !active.amx {
		return
	}
	saved := active
	plain := *active
	plain.amx = false
	active = &plain
	defer func() { active = saved }()
	t.Run("without AMX", test)
}

func TestHammingBelow(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		withoutAMX(t, func(t *testing.T) {
			var block HammingBlock
			for _, words := range []int{1, 2, 3, 5, 16, 33} {
				for _, n := range []int{1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130} {
					for _, queries := range []int{1, 2, 31, 32, 33, 70} {
						if queries > 2 && n > 33 && words > 3 {
							continue // for time
						}
						checkBelow(t, &block, words, n, queries)
					}
				}
			}
		})
	})
}

func checkBelow(t *testing.T, block *HammingBlock, words, n, queries int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(words), uint64(1000*n+queries)))
	query, codes := make([]uint64, words*queries), make([]uint64, n*words)
	for i := range query {
		query[i] = rng.Uint64()
	}
	for i := range codes {
		codes[i] = rng.Uint64()
		switch rng.IntN(6) {
		case 0:
			codes[i] = ^query[i%words] // all bits differ
		case 1:
			codes[i] = query[i%words]
		}
	}
	limits := make([]int32, queries)
	for i := range limits {
		limits[i] = int32(32*words - 5 + rng.IntN(11))
		switch rng.IntN(8) {
		case 0:
			limits[i] = math.MaxInt32
		case 1:
			limits[i] = math.MinInt32
		case 2:
			limits[i] = int32(rng.IntN(64*words + 2))
		}
	}
	block.Load(codes, words)
	row := (n + 63) / 64
	below := make([]uint64, queries*row+1)
	below[queries*row] = 7
	block.Below(below[:queries*row], query, limits)
	if below[queries*row] != 7 {
		t.Fatalf("%d queries, %d codes of %d words: wrote past the end", queries, n, words)
	}
	for q, limit := range limits {
		want := make([]uint64, row)
		for c := range n {
			distance := 0
			for j := range words {
				distance += bits.OnesCount64(query[q*words+j] ^ codes[c*words+j])
			}
			if distance < int(limit) {
				want[c/64] |= 1 << (c % 64)
			}
		}
		if !slices.Equal(below[q*row:(q+1)*row], want) {
			t.Fatalf("%d queries, %d codes of %d words: query %d with limit %d: %x, want %x",
				queries, n, words, q, limit, below[q*row:(q+1)*row], want)
		}
	}
}

func BenchmarkHammingBelow(b *testing.B) {
	for _, words := range []int{4, 16} {
		b.Run(fmt.Sprintf("bits=%d", 64*words), func(b *testing.B) {
			eachImplementationBench(b, func(b *testing.B) {
				const n, queries = 256, 64
				query, codes := make([]uint64, queries*words), make([]uint64, n*words)
				below, limits := make([]uint64, queries*n/64), make([]int32, queries)
				var block HammingBlock
				block.Load(codes, words)
				for b.Loop() {
					block.Below(below, query, limits)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n/queries, "ns/code")
			})
		})
	}
}
