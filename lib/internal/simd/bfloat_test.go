// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/lateral-ml/lateral/lib/internal/race"
)

// bfloatParts are kernels of which a part runs on any processor of an architecture, for the tests.
var bfloatParts []bfloatKernels

// eachBfloat runs a test for every way to multiply bfloat16 numbers, and restores what was active.
func eachBfloat(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	chosen, before := active, matmul
	defer func() { active, matmul = chosen, before }()
	var list []kernels
	for _, k := range available() {
		list = append(list, *k)
	}
	for _, b := range bfloatParts {
		k := *available()[0]
		k.bfloat = b
		list = append(list, k)
	}
	for i := range list {
		active = &list[i]
		t.Run(active.name+" "+active.bfloat.name, test)
	}
}

// bfloatProduct is element (i, j) of a product as the documentation of Precision defines it; add is one fused
// multiply-add.
func bfloatProduct(p Precision, k int, a, b func(p int) float32, c float32, add func(x, y, z float32) float32) float32 {
	split := func(x float32) (hi, lo float32) {
		hi = roundedTo8(x)
		return hi, roundedTo8(x - hi)
	}
	type terms [bfloatBlock]float32
	for p0 := 0; p0 < k; p0 += bfloatBlock {
		var ah, al, bh, bl terms
		for q := range min(bfloatBlock, k-p0) {
			ah[q], al[q] = split(a(p0 + q))
			bh[q], bl[q] = split(b(p0 + q))
		}
		dot := func(x, y terms) {
			var sums [2]float32
			for q := range x {
				sums[q%2] = add(x[q], y[q], sums[q%2])
			}
			c = toZero(toZero(c) + toZero(sums[0]+sums[1]))
		}
		if p == BF16 {
			dot(ah, bh)
			continue
		}
		dot(ah, bl)
		dot(ah, bh)
		dot(al, bh)
	}
	return c
}

// roundedTo8 rounds to 8 significant bits, and to zero below the normal numbers.
func roundedTo8(x float32) float32 {
	if x != x || math.IsInf(float64(x), 0) || x == 0 || toZero(x) == 0 {
		return toZero(x)
	}
	r, _ := new(big.Float).SetPrec(8).SetMode(big.ToNearestEven).SetFloat64(float64(x)).Float32()
	return r
}

func toZero(x float32) float32 {
	if math.Abs(float64(x)) < 0x1p-126 {
		return float32(math.Copysign(0, float64(x)))
	}
	return x
}

// exactFMA is x*y + z, rounded once to 24 bits, and to zero below the normal numbers.
func exactFMA(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	sum := p + float64(z)
	if sum != sum || math.IsInf(sum, 0) || sum == 0 && (p == 0 || z == 0) {
		return float32(sum)
	}
	exact := new(big.Float).SetPrec(1000).SetFloat64(p)
	exact.Add(exact, new(big.Float).SetFloat64(float64(z)))
	r, _ := new(big.Float).SetPrec(24).SetMode(big.ToNearestEven).Set(exact).Float32()
	return toZero(r)
}

// TestBfloat compares the bits of elements with the definition.
func TestBfloat(t *testing.T) {
	sizes := [][3]int{{1, 1, 1}, {2, 3, 4}, {14, 32, 256}, {15, 33, 257}, {30, 70, 600}, {29, 90, 5}, {460, 33, 40}}
	step := 3
	if testing.Short() {
		step = 11
	}
	for i := 1; i <= 70; i += step {
		sizes = append(sizes, [3]int{1 + i*7%37, i, 1 + i*11%67})
	}
	eachBfloat(t, func(t *testing.T) {
		checked := 0
		for _, precision := range []Precision{BF16, BF16x3} {
			matmul = precision
			for i, size := range sizes {
				for _, l := range layouts {
					checked += checkBfloat(t, l.transA, l.transB, size[0], size[1], size[2], i%2 == 0)
				}
			}
		}
		if checked == 0 {
			t.Fatal("no element was checked")
		}
	})
}

// checkBfloat compares some elements of a product of random numbers.
func checkBfloat(t *testing.T, transA, transB bool, m, n, k int, acc bool) (checked int) {
	t.Helper()
	name := fmt.Sprintf("%s %v %v m=%d n=%d k=%d acc=%v", matmul, transA, transB, m, n, k, acc)
	rng := rand.New(rand.NewPCG(uint64(m*1000+n), uint64(k)))
	ar, ac, br, bc := m, k, k, n
	if transA {
		ar, ac = k, m
	}
	if transB {
		br, bc = n, k
	}
	lda, ldb, ldc := ac+rng.IntN(4), bc+rng.IntN(4), n+rng.IntN(4)
	a, b, c := guarded(t, (ar-1)*lda+ac), guarded(t, (br-1)*ldb+bc), guarded(t, (m-1)*ldc+n)
	fillNormal(rng, a.x)
	fillNormal(rng, b.x)
	fillNormal(rng, c.x)
	before := copied(c.x)
	Gemm(transA, transB, m, n, k, a.x, lda, b.x, ldb, c.x, ldc, acc)
	for _, x := range []guardedSlice{a, b, c} {
		x.check(t, name)
	}
	for i := range m {
		for j := n; j < ldc && i*ldc+j < len(c.x); j++ {
			if c.x[i*ldc+j] != before[i*ldc+j] {
				t.Fatalf("%s: wrote between the rows at (%d, %d)", name, i, j)
			}
		}
	}
	for _, e := range rng.Perm(m * n)[:min(m*n, 1+3000/k)] {
		i, j := e/n, e%n
		var start float32
		if acc {
			start = before[i*ldc+j]
		}
		row := func(p int) float32 { return a.x[storedAt(i, p, lda, transA)] }
		column := func(p int) float32 { return b.x[storedAt(p, j, ldb, transB)] }
		want := bfloatProduct(matmul, k, row, column, start, fma32)
		if got := c.x[i*ldc+j]; math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%s: element (%d, %d) is %g, want %g", name, i, j, got, want)
		}
		checked++
	}
	return checked
}

// TestBfloatExtremes multiplies numbers of all exponents, and what is not finite.
func TestBfloatExtremes(t *testing.T) {
	const m, n, k = 9, 37, 40
	eachBfloat(t, func(t *testing.T) {
		small, finite := 0, 0
		for round := range 12 {
			rng := rand.New(rand.NewPCG(uint64(round), 3))
			fill := func(size, centre, spread int) []float32 {
				x := make([]float32, size)
				for i := range x {
					exponent := max(0, min(255, centre+rng.IntN(2*spread+1)-spread))
					x[i] = math.Float32frombits(rng.Uint32()&(signBit|1<<23-1) | uint32(exponent)<<23)
				}
				return x
			}
			// Products of about 1, of about 2^-126, of any size; some factors are subnormal, infinite or NaN.
			centre, spread := []int{127, 64, 64, 127}[round%4], []int{30, 2, 64, 130}[round%4]
			a, b, c := fill(m*k, centre, spread), fill(k*n, centre, spread), fill(m*n, 2*centre-127, spread)
			for _, matmul = range []Precision{BF16, BF16x3} {
				got := copied(c)
				Gemm(false, false, m, n, k, a, k, b, n, got, n, true)
				for e, x := range got {
					i, j := e/n, e%n
					want := bfloatProduct(matmul, k, func(p int) float32 { return a[i*k+p] },
						func(p int) float32 { return b[p*n+j] }, c[e], exactFMA)
					if math.Float32bits(x) != math.Float32bits(want) && !(x != x && want != want) {
						t.Fatalf("%s, round %d: element (%d, %d) is %g, want %g", matmul, round, i, j, x, want)
					}
					if want-want == 0 {
						finite++
					}
					if want != 0 && math.Abs(float64(want)) < 0x1p-120 {
						small++
					}
				}
			}
		}
		if small < 50 || finite < 1000 {
			t.Errorf("only %d small and %d finite elements", small, finite)
		}
	})
}

// TestBfloatInParts computes products in parts, and expects the bits of the whole: also where zeros are left out.
func TestBfloatInParts(t *testing.T) {
	eachBfloat(t, func(t *testing.T) {
		for _, matmul = range []Precision{BF16, BF16x3} {
			for _, density := range []float64{1, 0.1} {
				const m, n, k = 41, 75, 300
				rng := rand.New(rand.NewPCG(1, 2))
				a, b, whole := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				fillSparse(rng, a, density)
				fillNormal(rng, b)
				b[7*n+70] = float32(math.Inf(1)) // only parts with this column know of it
				op := SparseProduct{Density: density}
				op.Gemm(m, n, k, a, k, b, n, whole, n)
				for range 30 {
					i, j := rng.IntN(m), rng.IntN(n)
					rows, cols := 1+rng.IntN(m-i), 1+rng.IntN(n-j)
					part := make([]float32, m*n)
					op.Gemm(rows, cols, k, a[i*k:], k, b[j:], n, part[i*n+j:], n)
					for r := i; r < i+rows; r++ {
						if !sameBits(part[r*n+j:r*n+j+cols], whole[r*n+j:r*n+j+cols]) {
							t.Fatalf("%s, density %g: rows %d+%d, columns %d+%d differ from the whole", matmul, density, i, rows, j, cols)
						}
					}
				}
			}
		}
	})
}

// TestPrecision measures the errors of products, relative to the root mean square of the results.
func TestPrecision(t *testing.T) {
	const m, n = 20, 30
	eachBfloat(t, func(t *testing.T) {
		for _, k := range []int{30, 784, 3000} {
			rng := rand.New(rand.NewPCG(uint64(k), 1))
			a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
			fillNormal(rng, a)
			fillNormal(rng, b)
			for _, test := range []struct {
				precision   Precision
				least, most float64
			}{{Float32, 0, 2e-6}, {BF16x3, 1e-6, 6e-6}, {BF16, 1e-3, 4e-3}} {
				matmul = test.precision
				Gemm(false, false, m, n, k, a, k, b, n, c, n, false)
				var errors, squares float64
				for e, got := range c {
					var want float64
					for p := range k {
						want += float64(a[e/n*k+p]) * float64(b[p*n+e%n])
					}
					errors += (float64(got) - want) * (float64(got) - want)
					squares += want * want
				}
				relative := math.Sqrt(errors / squares)
				t.Logf("k = %d, %q: %.2g", k, test.precision, relative)
				if !(relative >= test.least && relative <= test.most) {
					t.Errorf("k = %d, %q: the relative error is %.2g, not within %g and %g", k, test.precision, relative, test.least,
						test.most)
				}
			}
		}
	})
}

// TestBfloatAllocatesNothing multiplies again and again.
func TestBfloatAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	const m, n, k = 70, 45, 300
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	eachBfloat(t, func(t *testing.T) {
		for _, matmul = range []Precision{BF16, BF16x3} {
			if allocs := testing.AllocsPerRun(3, func() { Gemm(false, true, m, n, k, a, k, b, k, c, n, false) }); allocs > 0 {
				t.Errorf("%s: %g allocations in a product", matmul, allocs)
			}
		}
	})
}

func TestPrecisionOfEnvironment(t *testing.T) {
	for env, want := range map[string]Precision{
		"": Float32, "bf16": BF16, "bf16x3": BF16x3, "float32": Float32, "BF16": Float32,
	} {
		if got := precisionOf(env); got != want {
			t.Errorf("LATERAL_MATMUL=%s: %q, want %q", env, got, want)
		}
	}
}
