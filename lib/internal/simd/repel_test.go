// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRepel(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 100} {
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			sums, points, cells := make([]float32, 3*RepelPoints), make([]float32, 2*RepelPoints), make([]float32, 3*n)
			for _, x := range [][]float32{sums, points, cells} {
				for i := range x {
					x[i] = float32(rng.NormFloat64() * math.Pow(10, 4*rng.Float64()-2))
				}
			}
			var want [3][RepelPoints]float64
			var size [3][RepelPoints]float64 // of the terms
			for i := range RepelPoints {
				for s := range want {
					want[s][i] = float64(sums[s*RepelPoints+i])
					size[s][i] = math.Abs(want[s][i])
				}
				for c := range n {
					dx, dy := float64(points[i]-cells[3*c]), float64(points[RepelPoints+i]-cells[3*c+1])
					q := 1 / (1 + dx*dx + dy*dy)
					m := float64(cells[3*c+2])
					for s, term := range []float64{m * q, m * q * q * dx, m * q * q * dy} {
						want[s][i] += term
						size[s][i] += math.Abs(term)
					}
				}
			}
			Repel(sums, points, cells)
			for s := range want {
				for i, w := range want[s] {
					got := float64(sums[s*RepelPoints+i])
					if !(math.Abs(got-w) <= size[s][i]*1e-6) {
						t.Fatalf("%d cells: sum %d of point %d is %g, want %g", n, s, i, got, w)
					}
				}
			}
		}
	})
}

func BenchmarkRepel(b *testing.B) {
	eachImplementationBench(b, func(b *testing.B) {
		const n = 1000
		sums, points, cells := make([]float32, 3*RepelPoints), make([]float32, 2*RepelPoints), make([]float32, 3*n)
		for b.Loop() {
			Repel(sums, points, cells)
		}
		b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n/RepelPoints, "ns/pair")
	})
}

// TestRepelPathsAgree compares the bits of the assembly paths.
func TestRepelPathsAgree(t *testing.T) {
	assemblyAgrees(t, "a7482d0bcf83bba8", func() []float32 {
		rng := rand.New(rand.NewPCG(5, 3))
		sums, points, cells := make([]float32, 3*RepelPoints), make([]float32, 2*RepelPoints), make([]float32, 3*50)
		for _, x := range [][]float32{sums, points, cells} {
			fillNormal(rng, x)
		}
		Repel(sums, points, cells)
		return sums
	})
}
