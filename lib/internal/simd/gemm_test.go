// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// layouts are the four ways a product's factors may be stored.
var layouts = []struct {
	name           string
	transA, transB bool
	gemm           func(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool)
}{
	{"NN", false, false, GemmNN},
	{"NT", false, true, GemmNT},
	{"TN", true, false, GemmTN},
	{"TT", true, true, GemmTT},
}

// storedAt is the position of element (i, j) of a matrix, which may be stored transposed.
func storedAt(i, j, stride int, trans bool) int {
	if trans {
		i, j = j, i
	}
	return i*stride + j
}

// TestGemm compares every element with a float64 oracle and, on the assembly paths, bit for bit with the chain of
// fused multiply-adds that the documentation promises.
func TestGemm(t *testing.T) {
	// The last size is one of which A does not stay in the cache and is used column block by column block.
	sizes := [][3]int{{1, 1, 1}, {2, 3, 4}, {14, 32, 256}, {15, 33, 257},
		{100, 70, 784}, {29, 784, 5}, {601, 205, 300}, {50, 40, 3000}}
	for rows := 1; rows <= 29; rows++ {
		sizes = append(sizes, [3]int{rows, 1 + rows*7%40, 1 + rows*11%37})
	}
	for cols := 1; cols <= 66; cols++ {
		sizes = append(sizes, [3]int{1 + cols*5%17, cols, 1 + cols*3%23})
	}
	eachImplementation(t, func(t *testing.T) {
		checked := 0
		for _, l := range layouts {
			for n, size := range sizes {
				checked += checkGemm(t, l.name, size[0], size[1], size[2], n%2 == 0)
			}
		}
		if checked == 0 {
			t.Fatal("no element was checked")
		}
	})
}

func checkGemm(t *testing.T, layout string, m, n, k int, acc bool) (checked int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(m*1000+n), uint64(k)))
	for _, l := range layouts {
		if l.name != layout {
			continue
		}
		ar, ac := m, k
		if l.transA {
			ar, ac = k, m
		}
		br, bc := k, n
		if l.transB {
			br, bc = n, k
		}
		lda, ldb, ldc := ac+rng.IntN(4), bc+rng.IntN(4), n+rng.IntN(4)
		a := guarded(t, (ar-1)*lda+ac)
		b := guarded(t, (br-1)*ldb+bc)
		c := guarded(t, (m-1)*ldc+n)
		fillNormal(rng, a.x)
		fillNormal(rng, b.x)
		fillNormal(rng, c.x)
		before := append([]float32(nil), c.x...)
		l.gemm(m, n, k, a.x, lda, b.x, ldb, c.x, ldc, acc)
		name := fmt.Sprintf("%s m=%d n=%d k=%d acc=%v", l.name, m, n, k, acc)
		a.check(t, name)
		b.check(t, name)
		c.check(t, name)
		for i := range m {
			for j := n; j < ldc && i*ldc+j < len(c.x); j++ {
				if c.x[i*ldc+j] != before[i*ldc+j] {
					t.Fatalf("%s: wrote between the rows at (%d, %d)", name, i, j)
				}
			}
		}
		elements := rng.Perm(m * n) // all of a small product, a sample of a large one
		for _, e := range elements[:min(m*n, 2000, 1+300_000/k)] {
			i, j := e/n, e%n
			var want, size float64
			var chain float32
			if acc {
				chain = before[i*ldc+j]
				want = float64(chain)
				size = math.Abs(want)
			}
			for p := range k {
				x, y := a.x[storedAt(i, p, lda, l.transA)], b.x[storedAt(p, j, ldb, l.transB)]
				want += float64(x) * float64(y)
				size += math.Abs(float64(x) * float64(y))
				chain = fma32(x, y, chain)
			}
			got := c.x[i*ldc+j]
			if !(math.Abs(float64(got)-want) <= float64(k+1)*0x1p-23*size) {
				t.Fatalf("%s: element (%d, %d) is %g, want %g", name, i, j, got, want)
			}
			if Name() != "go" && got != chain {
				t.Fatalf("%s: element (%d, %d) is %g, a chain of fused multiply-adds gives %g", name, i, j, got, chain)
			}
			checked++
		}
	}
	return checked
}

// fma32 is x*y + z with one rounding. The product is exact in float64; where the float64 sum is not, it is rounded
// to odd, so that the rounding to float32 that follows is the correct one.
func fma32(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	s := p + float64(z)
	bb := s - p
	err := (p - (s - bb)) + (float64(z) - bb)
	if bits := math.Float64bits(s); err != 0 && bits&1 == 0 {
		if (err > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// TestGemmInParts computes products whole and in parts, cut by rows and by columns at any place, and expects the
// same bits: workers may share a product.
func TestGemmInParts(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		parts := 0
		for _, l := range layouts {
			for _, size := range [][3]int{{37, 45, 29}, {5, 70, 300}, {61, 33, 513}} {
				m, n, k := size[0], size[1], size[2]
				rng := rand.New(rand.NewPCG(uint64(m), uint64(n)))
				a, b, old := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				fillNormal(rng, a)
				fillNormal(rng, b)
				fillNormal(rng, old)
				lda, ldb := k, n
				if l.transA {
					lda = m
				}
				if l.transB {
					ldb = k
				}
				for _, acc := range []bool{false, true} {
					whole := copied(old)
					l.gemm(m, n, k, a, lda, b, ldb, whole, n, acc)
					for range 12 {
						i, j := rng.IntN(m), rng.IntN(n)
						rows, cols := 1+rng.IntN(m-i), 1+rng.IntN(n-j)
						part := copied(old)
						l.gemm(rows, cols, k, a[storedAt(i, 0, lda, l.transA):], lda,
							b[storedAt(0, j, ldb, l.transB):], ldb, part[i*n+j:], n, acc)
						for r := i; r < i+rows; r++ {
							if !sameBits(part[r*n+j:r*n+j+cols], whole[r*n+j:r*n+j+cols]) {
								t.Fatalf("%s %v acc=%v: rows %d+%d, columns %d+%d differ from the whole", l.name, size, acc, i, rows, j, cols)
							}
						}
						parts++
					}
				}
			}
		}
		if parts == 0 {
			t.Fatal("no part was compared")
		}
	})
}

// TestBatch compares a batch with its products one by one, with one factor that all share.
func TestBatch(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const count, m, n, k = 5, 3, 7, 4
		rng := rand.New(rand.NewPCG(1, 2))
		for _, l := range layouts {
			lda, ldb := k, n
			if l.transA {
				lda = m
			}
			if l.transB {
				ldb = k
			}
			a, b, got := make([]float32, count*m*k), make([]float32, k*n), guarded(t, count*m*n)
			fillNormal(rng, a)
			fillNormal(rng, b)
			fillNormal(rng, got.x)
			want := copied(got.x)
			Batch{Count: count, StepA: m * k, StepC: m * n}.Gemm(l.transA, l.transB, m, n, k, a, lda, b, ldb, got.x, n, true)
			got.check(t, l.name)
			for i := range count {
				l.gemm(m, n, k, a[i*m*k:], lda, b, ldb, want[i*m*n:], n, true)
			}
			if !sameBits(got.x, want) {
				t.Errorf("%s: a batch differs from its products", l.name)
			}
		}
	})
}

// TestGemmEmpty has sizes of zero: without k the product is zero, without rows or columns nothing happens.
func TestGemmEmpty(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, l := range layouts {
			c := []float32{1, 2, 3, 4, 5, 6}
			l.gemm(2, 2, 0, nil, 2, nil, 2, c, 3, true)
			l.gemm(0, 2, 3, nil, 3, make([]float32, 9), 3, c, 3, false)
			l.gemm(2, 0, 3, make([]float32, 9), 3, nil, 3, c, 3, false)
			if !sameBits(c, []float32{1, 2, 3, 4, 5, 6}) {
				t.Fatalf("%s: an empty product wrote: %v", l.name, c)
			}
			l.gemm(2, 2, 0, nil, 2, nil, 2, c, 3, false)
			if !sameBits(c, []float32{0, 0, 3, 0, 0, 6}) {
				t.Fatalf("%s: k=0: %v", l.name, c)
			}
		}
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const m, n, k = 20, 40, 270
		a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		run := func() {
			GemmNN(m, n, k, a, k, b, n, c, n, false)
			GemmNT(m, n, k, a, k, b, k, c, n, true)
			GemmTN(m, n, k, a, m, b, n, c, n, true)
		}
		run()
		if got := testing.AllocsPerRun(20, run); got != 0 {
			t.Errorf("%g allocations for three products", got)
		}
	})
}

// TestGemmConcurrently runs products side by side; the race detector and the comparison watch the packing memory.
func TestGemmConcurrently(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		const m, n, k = 33, 65, 270
		rng := rand.New(rand.NewPCG(1, 2))
		a, b, want := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		fillNormal(rng, a)
		fillNormal(rng, b)
		GemmNN(m, n, k, a, k, b, n, want, n, false)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 10 {
					c := make([]float32, m*n)
					GemmNN(m, n, k, a, k, b, n, c, n, false)
					if !sameBits(c, want) {
						t.Error("a concurrent product differs")
					}
				}
			})
		}
		wait.Wait()
	})
}

// TestPanics makes mistakes and expects messages that name the function and the sizes, with nothing written.
func TestPanics(t *testing.T) {
	x3, x4 := make([]float32, 3), []float32{1, 2, 3, 4}
	for _, test := range []struct {
		want string
		run  func()
	}{
		{"simd: Add: lengths differ: 4, 3 and 4", func() { Add(x4, x3, x4) }},
		{"simd: Exp: lengths differ: 4 and 3", func() { Exp(x4, x3) }},
		{"simd: Dot: lengths differ: 3 and 4", func() { Dot(x3, x4) }},
		{"simd: Clamp: empty interval [1, 0]", func() { Clamp(x4, x4, 1, 0) }},
		{"simd: Max of no elements", func() { Max(nil) }},
		{"simd: ArgMax of no elements", func() { ArgMax(nil) }},
		{"simd: ScaleU8: lengths differ: 4 and 2", func() { ScaleU8(x4, make([]byte, 2), 1) }},
		{"simd: AddRowVector: 2 columns, bias of length 3", func() { AddRowVector(x4, x4, x3, 2, 2) }},
		{"simd: SoftmaxRows: 2 x 3 elements wanted, lengths 4 and 4", func() { SoftmaxRows(x4, x4, 2, 3) }},
		{"simd: SumRows: 2 x 3 elements with stride 3, lengths 3 and 4", func() { SumRows(x3, x4, 2, 3, true) }},
		{"simd: Adam: 4 weights, lengths of gradient and moments [4 3 4]",
			func() { Adam(x4, x4, x3, x4, 1, 0, 0, 0, 1, 1, 0) }},
		{"simd: GemmNT: m=2 n=2 k=2: A [2,2] with stride 2 in 4 elements, " +
			"B [2,2] with stride 2 in 3, C [2,2] with stride 2 in 4",
			func() { GemmNT(2, 2, 2, x4, 2, x3, 2, x4, 2, false) }},
		{"simd: GemmNN: m=2 n=2 k=2: A [2,2] with stride 1 in 4 elements, " +
			"B [2,2] with stride 2 in 4, C [2,2] with stride 2 in 4",
			func() { GemmNN(2, 2, 2, x4, 1, x4, 2, x4, 2, false) }},
		{"simd: GemmTN: m=-1 n=2 k=2: A [2,-1] with stride 2 in 4 elements, " +
			"B [2,2] with stride 2 in 4, C [-1,2] with stride 2 in 4",
			func() { GemmTN(-1, 2, 2, x4, 2, x4, 2, x4, 2, false) }},
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
	if !sameBits(x4, []float32{1, 2, 3, 4}) {
		t.Errorf("a refused call wrote: %v", x4)
	}
}
