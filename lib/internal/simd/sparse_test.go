// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var densities = []float64{0, 0.02, 0.05, 0.1, 0.19, 0.25, 0.5, 0.9, 1}

// fillSparse sets about a share density of x to normal numbers, some of them tiny and some of the zeros negative, so
// that products underflow to zeros of either sign.
func fillSparse(rng *rand.Rand, x []float32, density float64) {
	for i := range x {
		x[i] = 0
		switch {
		case rng.Float64() < density:
			x[i] = float32(rng.NormFloat64())
			if rng.IntN(4) == 0 {
				x[i] *= 1e-30
			}
		case rng.IntN(2) == 0:
			x[i] = float32(math.Copysign(0, -1))
		}
	}
}

// TestSparseEqualsDense multiplies whole matrices and parts of them, in every layout, and expects the dense product's
// bits.
func TestSparseEqualsDense(t *testing.T) {
	defer func(before string) { sparseMode = before }(sparseMode)
	eachImplementation(t, func(t *testing.T) {
		shapes := [][3]int{
			{1, 1, 1}, {1, 130, 70}, {1, 8, 300}, {2, 23, 100}, {2, 3, 4}, {16, 128, 64}, {17, 129, 65},
			{100, 70, 784}, {100, 10, 128}, {31, 784, 5}, {33, 256, 300}, {1000, 16, 9}, {300, 20, 1000},
		}
		for cols := 1; cols <= 140; cols += 9 {
			shapes = append(shapes, [3]int{1 + cols*5%37, cols, 1 + cols*11%203})
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for i, shape := range shapes {
			for layout := range 8 {
				for range 3 {
					density := densities[rng.IntN(len(densities))]
					op := SparseProduct{TransB: layout&1 != 0, TransC: layout&2 != 0, Acc: i%2 == 0, Finite: i%3 == 0}
					compareSparse(t, op, layout&4 != 0, shape[0], shape[1], shape[2], density)
				}
			}
		}
	})
}

// compareSparse compares C = A*B whole and in parts with the dense product. A is stored transposed with transA.
func compareSparse(t *testing.T, op SparseProduct, transA bool, m, n, k int, density float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(m*1000+n), uint64(k)))
	name := fmt.Sprintf("%+v transA=%v m=%d n=%d k=%d density=%g", op, transA, m, n, k, density)
	matrix := func(rows, cols int, trans bool, fill func(rng *rand.Rand, x []float32)) (x guardedSlice, ld int) {
		if trans {
			rows, cols = cols, rows
		}
		ld = cols + rng.IntN(4)*rng.IntN(2)
		x = guarded(t, (rows-1)*ld+cols)
		fill(rng, x.x)
		return x, ld
	}
	part := func(share float64) func(rng *rand.Rand, x []float32) {
		return func(rng *rand.Rand, x []float32) { fillSparse(rng, x, share) }
	}
	a, lda := matrix(m, k, transA, part(density))
	b, ldb := matrix(k, n, op.TransB, part(0.9))
	c, ldc := matrix(m, n, op.TransC, part(0.7))
	old := copied(c.x)
	s := listed(m, k, density*rng.Float64()*2, transA, a.x, lda)

	want := make([]float32, m*n)
	if op.Acc {
		for i := range m {
			for j := range n {
				want[i*n+j] = old[storedAt(i, j, ldc, op.TransC)]
			}
		}
	}
	Batch{Count: 1}.Gemm(transA, op.TransB, m, n, k, a.x, lda, b.x, ldb, want, n, op.Acc)

	copy(c.x, old)
	op.TransA, op.Density = transA, density
	sparseMode = []string{"on", "", "off"}[rng.IntN(3)]
	if finite := op.Gemm(m, n, k, a.x, lda, b.x, ldb, c.x, ldc); sparseMode == "on" && !finite {
		t.Fatalf("%s: Gemm: B is not said to be finite", name)
	}
	for i := range m {
		for j := range n {
			if got := c.x[storedAt(i, j, ldc, op.TransC)]; math.Float32bits(got) != math.Float32bits(want[i*n+j]) {
				t.Fatalf("%s: Gemm: element (%d, %d) is %g, the dense product's %g", name, i, j, got, want[i*n+j])
			}
		}
	}

	for range 3 {
		copy(c.x, old)
		lo, j := rng.IntN(m), rng.IntN(n)
		hi, cols := lo+1+rng.IntN(m-lo), 1+rng.IntN(n-j)
		if rng.IntN(2) == 0 {
			lo, hi, j, cols = 0, m, 0, n
		}
		bj, cj := b.x[storedAt(0, j, ldb, op.TransB):], c.x[storedAt(0, j, ldc, op.TransC):]
		if !s.Mul(op, lo, hi, cols, bj, ldb, cj, ldc) {
			t.Fatalf("%s: B is said not to be finite", name)
		}
		a.check(t, name)
		b.check(t, name)
		c.check(t, name)
		touched := make([]bool, len(c.x))
		for i := lo; i < hi; i++ {
			for q := j; q < j+cols; q++ {
				at := storedAt(i, q, ldc, op.TransC)
				touched[at] = true
				if got, want := c.x[at], want[i*n+q]; math.Float32bits(got) != math.Float32bits(want) {
					t.Fatalf("%s: rows %d to %d, columns %d to %d: element (%d, %d) is %g, the dense product's %g",
						name, lo, hi, j, j+cols, i, q, got, want)
				}
			}
		}
		for at, v := range c.x {
			if !touched[at] && math.Float32bits(v) != math.Float32bits(old[at]) {
				t.Fatalf("%s: rows %d to %d, columns %d to %d: wrote outside, at %d", name, lo, hi, j, j+cols, at)
			}
		}
	}
}

// listed returns the matrix a [m,k] or, with trans, transpose(a [k,m]).
func listed(m, k int, density float64, trans bool, a []float32, lda int) *Sparse {
	s := new(Sparse)
	s.Reset(m, k, density)
	for i := s.Bands() - 1; i >= 0; i-- { // in any order
		if trans {
			s.FillColumns(i, i+1, a, lda)
		} else {
			s.FillRows(i, i+1, a, lda)
		}
	}
	return s
}

// TestSparseLists compares the lists with the matrix they were made of.
func TestSparseLists(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for m := range 40 {
			for _, k := range []int{0, 1, 7, 8, 9, 15, 16, 17, 100, 333} {
				for _, density := range densities {
					rng := rand.New(rand.NewPCG(uint64(m), uint64(k)))
					a := make([]float32, m*k)
					fillSparse(rng, a, density)
					if m > 0 && k > 0 {
						a[rng.IntN(len(a))] = float32(math.NaN())
					}
					for _, trans := range []bool{false, true} {
						lda := max(k, 1)
						if trans {
							lda = max(m, 1)
						}
						s := listed(m, k, density, trans, a, lda)
						got, n := make([]float32, m*k), 0
						for i, b := range s.bands {
							for p := 0; p*s.depth < k; p++ {
								for r := range b.rows {
									last := int32(-1)
									for e := b.bounds[p*b.rows+r]; e < b.bounds[p*b.rows+r+1]; e++ {
										place, v := s.index[b.start+int(e)], s.value[b.start+int(e)]
										if place <= last || v == 0 {
											t.Fatalf("m=%d k=%d: place %d after %d, value %g", m, k, place, last, v)
										}
										last = place
										got[storedAt(i*bandRows+r, p*s.depth+int(place), lda, trans)] = v
										n++
									}
								}
							}
						}
						for i, v := range a {
							if v != got[i] && v == v {
								t.Fatalf("m=%d k=%d: element %d is %g instead of %g", m, k, i, got[i], v)
							}
						}
						if n != CountNonZero(a) || n != s.Len() {
							t.Fatalf("m=%d k=%d: %d entries, Len %d, of %d", m, k, n, s.Len(), CountNonZero(a))
						}
					}
				}
			}
		}
	})
}

// TestStripKernels compares the kernels with the Go body and watches what they write.
func TestStripKernels(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		if Name() == "go" {
			return // it is the Go body
		}
		width := active.gemm.width
		rng := rand.New(rand.NewPCG(3, 4))
		for v, kernel := range active.sparse.strips {
			for _, rows := range []int{1, 2, 16} {
				for cols := v*width + 1; cols <= (v+1)*width; cols++ {
					const k = 20
					ldb, ldc := (v+1)*width+rng.IntN(3), cols+rng.IntN(3)
					b, c := guarded(t, k*ldb), guarded(t, (rows-1)*ldc+cols)
					// With integers the sums are exact, fused or not.
					for _, x := range [][]float32{b.x, c.x} {
						for i := range x {
							x[i] = float32(rng.IntN(99) - 50)
						}
					}
					bounds := []int32{3}
					var index []int32
					var value []float32
					for range 3 {
						index, value = append(index, math.MaxInt32), append(value, guard)
					}
					for range rows {
						for p := range k {
							if rng.IntN(3) == 0 {
								index, value = append(index, int32(p)), append(value, float32(rng.IntN(99)-50))
							}
						}
						bounds = append(bounds, int32(len(index)))
					}
					acc := cols%2 == 0
					want := slices.Clone(c.x)
					kernel(bounds, index, value, b.x, ldb, c.x, ldc, cols, acc)
					goStrip(bounds, index, value, b.x, ldb, want, ldc, cols, acc)
					c.check(t, fmt.Sprint("strip ", v))
					if !sameBits(c.x, want) {
						t.Fatalf("strip of %d vectors, %d rows, %d columns: differs from the Go body", v+1, rows, cols)
					}
				}
			}
		}
	})
}

// TestStridedKernel compares the kernel with the Go body.
func TestStridedKernel(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 40 {
			const k = 50
			ldb := k + n%3
			b, sums := guarded(t, (stridedRows-1)*ldb+k), guarded(t, stridedRows)
			var index []int32
			var value []float32
			for range n {
				index, value = append(index, int32(rng.IntN(k))), append(value, float32(rng.IntN(99)-50))
			}
			for _, x := range [][]float32{b.x, sums.x} {
				for i := range x {
					x[i] = float32(rng.IntN(99) - 50)
				}
			}
			want := slices.Clone(sums.x)
			active.sparse.strided(index, value, b.x, ldb, sums.x, n%2 == 0)
			goStrided(index, value, b.x, ldb, want, n%2 == 0)
			sums.check(t, "strided")
			if !sameBits(sums.x, want) {
				t.Fatalf("%d entries: %v, want %v", n, sums.x, want)
			}
		}
	})
}

// TestCompressKernel compares the kernel with the Go body at every length, and watches how far it writes.
func TestCompressKernel(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for cols := 1; cols < 70; cols++ {
			for _, density := range densities {
				rows, ldx := 1+rng.IntN(5), cols+rng.IntN(3)
				x := guarded(t, (rows-1)*ldx+cols)
				fillSparse(rng, x.x, density)
				x.x[rng.IntN(len(x.x))] = float32(math.NaN())
				first := rng.IntN(3)
				value := guarded(t, first+rows*cols+maxLanes)
				index, bounds := make([]int32, len(value.x)), make([]int32, rows+1)
				bounds[0] = int32(first)
				wantIndex, wantValue, wantBounds := slices.Clone(index), slices.Clone(value.x), slices.Clone(bounds)
				active.sparse.compress(index, value.x, bounds, x.x, ldx, cols)
				goCompress(wantIndex, wantValue, wantBounds, x.x, ldx, cols)
				value.check(t, "compress")
				end := int(wantBounds[rows])
				if !slices.Equal(bounds, wantBounds) || !slices.Equal(index[:end], wantIndex[:end]) {
					t.Fatalf("%d rows of %d: bounds %v, want %v; places %v, want %v",
						rows, cols, bounds, wantBounds, index[:end], wantIndex[:end])
				}
				for i, v := range value.x[:end] {
					if math.Float32bits(v) != math.Float32bits(wantValue[i]) {
						t.Fatalf("%d rows of %d: value %d is %g, want %g", rows, cols, i, v, wantValue[i])
					}
				}
			}
		}
	})
}

// TestSparseNeedsFinite puts one NaN or infinity into B, wherever it is.
func TestSparseNeedsFinite(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const m, n, k = 5, 150, 90
		rng := rand.New(rand.NewPCG(3, 4))
		a, c := make([]float32, m*k), make([]float32, m*n)
		fillSparse(rng, a, 0.2)
		s := listed(m, k, 0.2, false, a, k)
		for i := range 60 {
			op := SparseProduct{TransB: i%2 == 0, Acc: i%4 < 2, Density: 0.2}
			fillNormal(rng, c)
			before := slices.Clone(c)
			ldb := n
			if op.TransB {
				ldb = k
			}
			b := make([]float32, n*k)
			fillNormal(rng, b)
			if !s.Mul(op, 0, m, n, b, ldb, c, n) {
				t.Fatal("finite numbers are refused")
			}
			copy(c, before)
			b[rng.IntN(len(b))] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[i%3]
			if s.Mul(op, 0, m, n, b, ldb, c, n) {
				t.Fatalf("%+v: what is not finite is accepted", op)
			}
			if op.Acc && !sameBits(c, before) {
				t.Fatalf("%+v: a refused product wrote", op)
			}
			want := slices.Clone(c)
			Batch{Count: 1}.Gemm(false, op.TransB, m, n, k, a, k, b, ldb, want, n, op.Acc)
			if op.Gemm(m, n, k, a, k, b, ldb, c, n) {
				t.Fatalf("%+v: what is not finite is said to be", op)
			}
			for j, v := range c {
				if v != want[j] && (v == v || want[j] == want[j]) {
					t.Fatalf("%+v: element %d is %g, the dense product's %g", op, j, v, want[j])
				}
			}
			op.Finite = true
			copy(c, before)
			if !s.Mul(op, 0, m, n, b, ldb, c, n) {
				t.Fatalf("%+v: refused though said to be finite", op)
			}
		}
		for n := range 200 {
			x := make([]float32, n)
			fillNormal(rng, x)
			if !Finite(x) {
				t.Fatalf("%d finite numbers are not finite", n)
			}
			if n > 0 {
				x[rng.IntN(n)] = float32(math.Inf(n%2*2 - 1))
				if Finite(x) {
					t.Fatalf("an infinity among %d numbers is finite", n)
				}
			}
		}
	})
}

// TestSparseEmpty has sizes of zero: without k the product is zero, without rows or columns nothing happens.
func TestSparseEmpty(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, transC := range []bool{false, true} {
			c := []float32{1, 2, 3, 4, 5, 6}
			listed(2, 0, 1, false, nil, 0).Mul(SparseProduct{TransC: transC, Acc: true}, 0, 2, 2, nil, 2, c, 3)
			listed(0, 3, 1, false, nil, 3).Mul(SparseProduct{TransC: transC}, 0, 0, 2, make([]float32, 9), 3, c, 3)
			listed(2, 3, 1, false, make([]float32, 6), 3).Mul(SparseProduct{TransC: transC}, 0, 2, 0, nil, 3, c, 3)
			SparseProduct{TransC: transC, Acc: true}.Gemm(2, 2, 0, nil, 2, nil, 2, c, 3)
			SparseProduct{TransC: transC}.Gemm(0, 2, 3, nil, 3, make([]float32, 9), 3, c, 3)
			if !sameBits(c, []float32{1, 2, 3, 4, 5, 6}) {
				t.Fatalf("an empty product wrote: %v", c)
			}
			listed(2, 0, 1, false, nil, 0).Mul(SparseProduct{TransC: transC}, 0, 2, 2, nil, 2, c, 3)
			if !sameBits(c, []float32{0, 0, 3, 0, 0, 6}) {
				t.Fatalf("k=0: %v", c)
			}
		}
	})
}

func TestSparseAllocatesNothing(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const m, n, k = 20, 140, 270
		rng := rand.New(rand.NewPCG(3, 4))
		a, b, c, d := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n), make([]float32, k*n)
		var s Sparse
		run := func() {
			density := rng.Float64() / 2
			fillSparse(rng, a, density)
			s.Reset(m, k, density)
			s.FillRows(0, s.Bands(), a, k)
			s.Mul(SparseProduct{TransB: true}, 0, m, n, b, k, c, n)
			s.Mul(SparseProduct{TransC: true}, 0, m, n, b, n, c, m)
			SparseProduct{TransA: true, Density: density}.Gemm(k, n, m, a, k, b, n, d, n)
		}
		for range 50 {
			run()
		}
		if got := testing.AllocsPerRun(20, run); got != 0 {
			t.Errorf("%g allocations", got)
		}
	})
}

func TestSparsePanics(t *testing.T) {
	x4 := make([]float32, 4)
	s := listed(2, 2, 1, false, x4, 2)
	for _, test := range []struct {
		want string
		run  func()
	}{
		{"simd: Sparse: m=-1 k=2", func() { new(Sparse).Reset(-1, 2, 1) }},
		{"simd: Sparse.FillRows: bands 0 to 1 of 1: x [2,2] with stride 2 in 3 elements",
			func() { s.FillRows(0, 1, x4[:3], 2) }},
		{"simd: Sparse.FillColumns: bands 0 to 2 of 1: x [2,2] with stride 2 in 4 elements",
			func() { s.FillColumns(0, 2, x4, 2) }},
		{"simd: SparseProduct: m=2 n=2 k=2: A [2,2] with stride 2 in 3 elements, " +
			"B [2,2] with stride 2 in 4, C [2,2] with stride 2 in 4",
			func() { SparseProduct{TransA: true}.Gemm(2, 2, 2, x4[:3], 2, x4, 2, x4, 2) }},
		{"simd: Sparse.Mul: rows 0 to 3 of A [2,2], n=2: " +
			"B [2,2] with stride 2 in 4 elements, C [2,2] with stride 2 in 4",
			func() { s.Mul(SparseProduct{}, 0, 3, 2, x4, 2, x4, 2) }},
		{"simd: Sparse.Mul: rows 0 to 2 of A [2,2], n=3: " +
			"B [3,2] with stride 2 in 4 elements, C [3,2] with stride 2 in 4",
			func() { s.Mul(SparseProduct{TransB: true, TransC: true}, 0, 2, 3, x4, 2, x4, 2) }},
	} {
		func() {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("panic %v, want %s", got, test.want)
				}
			}()
			test.run()
		}()
	}
}

func TestSparseModes(t *testing.T) {
	defer func(before string) { sparseMode = before }(sparseMode)
	few, many := SparseProduct{Density: 0.1}, SparseProduct{Density: 0.9}
	for env, want := range map[string][2]bool{
		"": {true, false}, "fast": {true, false}, "on": {true, true}, "off": {false, false},
	} {
		sparseMode = sparseModeOf(env)
		if got := [2]bool{few.Cost(100, 128, 784) < 1, many.Cost(100, 128, 784) < 1}; got != want {
			t.Errorf("LATERAL_SPARSE=%s: sparse at 10 %% and at 90 %%: %v, want %v", env, got, want)
		}
	}
}

func TestDensity(t *testing.T) {
	for rows := range 40 {
		x := make([]float32, rows*100)
		for i := range x {
			x[i] = float32(i % 4)
		}
		want := 0.75
		if rows == 0 {
			want = 1
		}
		if got := Density(x, rows, 100); got != want {
			t.Errorf("%d rows: %g, want %g", rows, got, want)
		}
	}
}
