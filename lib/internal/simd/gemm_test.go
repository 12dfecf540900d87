// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// layouts are the three ways a product's factors may be stored.
var layouts = []struct {
	name           string
	transA, transB bool
	gemm           func(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool)
}{
	{"NN", false, false, GemmNN},
	{"NT", false, true, GemmNT},
	{"TN", true, false, GemmTN},
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
	sizes := [][3]int{{1, 1, 1}, {2, 3, 4}, {14, 32, 256}, {15, 33, 257}, {100, 128, 784}, {128, 50, 100}, {29, 784, 5}}
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
			for j := range n {
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
