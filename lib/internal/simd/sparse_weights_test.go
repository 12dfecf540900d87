// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// compressed lists the elements of a [m,k] that are not zero, row by row.
func compressed(a []float32, m, k int) (bounds, index []int32, value []float32) {
	bounds = []int32{0}
	for i := range m {
		for p, v := range a[i*k:][:k] {
			if v != 0 {
				index, value = append(index, int32(p)), append(value, v)
			}
		}
		bounds = append(bounds, int32(len(index)))
	}
	return bounds, index, value
}

// TestSparseWeights multiplies matrices that share their elements with the caller, by few columns and by many.
func TestSparseWeights(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, m := range []int{1, 7, 8, 9, 16, 33, 100} {
			for _, k := range []int{1, 20, 300} {
				for _, density := range densities {
					a := make([]float32, m*k)
					fillSparse(rng, a, density)
					var s Sparse
					bounds, index, value := compressed(a, m, k)
					s.Share(k, bounds, index, make([]float32, len(value)))
					other := s.With(value)
					if other.Len() != len(value) {
						t.Fatalf("%d elements of %d", other.Len(), len(value))
					}
					for _, n := range []int{1, 2, 3, 4, 17} {
						b := make([]float32, k*n)
						fillSparse(rng, b, 0.8)
						for layout := range 8 {
							op := SparseProduct{TransB: layout&1 != 0, TransC: layout&2 != 0, Acc: layout&4 != 0}
							ldb, ldc := n, n
							if op.TransB {
								ldb = k
							}
							c := guarded(t, m*n)
							if op.TransC {
								ldc = m
							}
							fillSparse(rng, c.x, 0.8)
							want := make([]float32, m*n)
							for i := range m {
								for j := range n {
									want[i*n+j] = c.x[storedAt(i, j, ldc, op.TransC)]
								}
							}
							Batch{Count: 1}.Gemm(false, op.TransB, m, n, k, a, k, b, ldb, want, n, op.Acc)
							lo := rng.IntN(m)
							other.Mul(op, lo, m, n, b, ldb, c.x, ldc)
							other.Mul(op, 0, lo, n, b, ldb, c.x, ldc)
							c.check(t, "product")
							got := make([]float32, m*n)
							for i := range m {
								for j := range n {
									got[i*n+j] = c.x[storedAt(i, j, ldc, op.TransC)]
								}
							}
							if !sameBits(got, want) {
								t.Fatalf("m=%d n=%d k=%d %+v: differs from the dense product", m, n, k, op)
							}
						}
					}
				}
			}
		}
	})
}

// TestSampled compares a few elements of a product with the same ones of the whole.
func TestSampled(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 40 {
			const k, rows = 37, 50
			ldb := k + n%3
			a, b := make([]float32, k), make([]float32, (rows-1)*ldb+k)
			fillSparse(rng, a, 0.9)
			fillSparse(rng, b, 0.9)
			index := make([]int32, n)
			for e := range index {
				index[e] = rng.Int32N(rows)
			}
			for _, acc := range []bool{false, true} {
				dst, want := guarded(t, n), make([]float32, n)
				fillNormal(rng, dst.x)
				for e, r := range index {
					want[e] = dst.x[e]
					GemmNT(1, 1, k, a, k, b[int(r)*ldb:], ldb, want[e:], 1, acc)
				}
				Sampled(dst.x, index, a, b, ldb, acc)
				dst.check(t, "Sampled")
				if !sameBits(dst.x, want) {
					t.Fatalf("%d elements, acc=%v: %v, want %v", n, acc, dst.x, want)
				}
			}
		}
	})
}

// TestSparseStencil compares filters with few weights with the same ones filled up by zeros.
func TestSparseStencil(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		list := stencils()
		var offsets, pairs []int32
		for p := range int32(25) {
			offsets = append(offsets, p/5*28+p%5)
		}
		for r := range int32(40) {
			pairs = append(pairs, 16*r, 16*r+Run)
		}
		list["25 taps, many pairs"] = NewStencil(offsets, pairs)
		list["25 taps, many anywhere"] = NewStencil(offsets, pairs[1:])
		for name, s := range list {
			for _, m := range []int{1, 3, 20} {
				for _, density := range densities {
					x, w := guarded(t, s.Span()), make([]float32, m*s.taps)
					fillNormal(rng, x.x)
					fillSparse(rng, w, density)
					packed := make([]float32, PackedFilters(m, s.taps))
					PackFilters(packed, w, m, s.taps)
					bounds, index, value := compressed(w, m, s.taps)
					for e, tap := range index {
						index[e] = s.offsets[tap]
					}
					bias := make([]float32, m)
					fillNormal(rng, bias)
					for _, runs := range []int{1, 2, 5, 6, len(s.starts) - 3} {
						ld := RowLen(runs) + m%3
						got, want := guarded(t, (m-1)*ld+runs*Run), make([]float32, (m-1)*ld+RowLen(runs))
						Correlate(want, ld, packed, m, x.x, s, runs)
						NewSparseStencil(bounds, index, s.starts[:runs]).Correlate(got.x, ld, value, bias, x.x)
						for i := range want {
							want[i] += bias[min(i/ld, m-1)]
						}
						got.check(t, name)
						for i := range m {
							if !slices.Equal(got.x[i*ld:][:runs*Run], want[i*ld:][:runs*Run]) {
								t.Fatalf("%s, %d filters, density %g, %d runs: filter %d differs",
									name, m, density, runs, i)
							}
						}
					}
				}
			}
		}
	})
}

func TestSparseWeightsPanics(t *testing.T) {
	x4, i4 := make([]float32, 4), make([]int32, 4)
	var s Sparse
	s.Share(4, []int32{0, 2, 4}, i4, x4)
	for want, run := range map[string]func(){
		"simd: Sparse.Share: 4 columns, bounds [0 5], 4 places, 4 values": func() { s.Share(4, []int32{0, 5}, i4, x4) },
		"simd: Sparse.With: 3 values for 4":                               func() { s.With(x4[:3]) },
		"simd: Sampled: 3 elements of 4 rows, 4 factors, stride 4": func() {
			Sampled(x4[:3], i4, x4, x4, 4, false)
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %s", got, want)
				}
			}()
			run()
		}()
	}
}

func TestSparseWeightsAllocateNothing(t *testing.T) {
	x4, i4 := make([]float32, 4), make([]int32, 4)
	var s, other Sparse
	s.Share(4, []int32{0, 2, 4}, i4, x4)
	c := make([]float32, 2)
	if got := testing.AllocsPerRun(10, func() {
		other = s.With(x4)
		other.Mul(SparseProduct{TransB: true, Finite: true}, 0, 2, 1, x4, 4, c, 1)
		Sampled(x4[:3], i4[:3], x4[:1], x4, 1, true)
	}); got != 0 {
		t.Errorf("%g allocations", got)
	}
}
