// SPDX-License-Identifier: Apache-2.0

package blas_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"

	lateral "github.com/lateral-ml/lateral/lib/blas"
)

var (
	ours   lateral.Implementation
	theirs gonum.Implementation
)

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// near fails the test unless got equals want within the rounding error of float32 sums of so many terms.
func near(t *testing.T, name string, got, want []float32, terms int) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= 2e-6*math.Sqrt(float64(terms+1))*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: element %d is %g, gonum's %g", name, i, got[i], want[i])
		}
	}
}

func TestSgemm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, size := range [][3]int{{1, 1, 1}, {3, 5, 7}, {17, 33, 20}, {64, 10, 128}, {300, 150, 70}, {40, 400, 300}} {
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans} {
			for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for _, scalars := range [][2]float32{{1, 0}, {1, 1}, {-1, 1}, {0.5, 0}, {2, -0.5}, {0, 2}, {0, 0}} {
					m, n, k := size[0], size[1], size[2]
					ar, ac, br, bc := m, k, k, n
					if tA != blas.NoTrans {
						ar, ac = k, m
					}
					if tB != blas.NoTrans {
						br, bc = n, k
					}
					lda, ldb, ldc := ac+rng.IntN(3), bc+rng.IntN(3), n+rng.IntN(3)
					a, b := random(rng, (ar-1)*lda+ac), random(rng, (br-1)*ldb+bc)
					c := random(rng, (m-1)*ldc+n)
					want := append([]float32(nil), c...)
					alpha, beta := scalars[0], scalars[1]
					ours.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
					theirs.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, want, ldc)
					name := fmt.Sprintf("%c%c m=%d n=%d k=%d alpha=%g beta=%g", tA, tB, m, n, k, alpha, beta)
					near(t, name, c, want, k)
					for i := range m - 1 {
						for j := n; j < ldc; j++ {
							if c[i*ldc+j] != want[i*ldc+j] {
								t.Fatalf("%s: wrote between the rows", name)
							}
						}
					}
				}
			}
		}
	}
}

// A product that is shared among cores has the same bits as one that is not.
func TestSgemmDoesNotDependOnCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range [][3]int{{301, 97, 205}, {97, 301, 205}} {
		m, n, k := size[0], size[1], size[2]
		a, b := random(rng, m*k), random(rng, k*n)
		var want []float32
		for _, cores := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(cores)
			c := make([]float32, m*n)
			for i := range c {
				c[i] = float32(i % 7)
			}
			ours.Sgemm(blas.Trans, blas.Trans, m, n, k, 0.5, a, m, b, k, 2, c, n)
			if want == nil {
				want = c
			}
			if !slices.Equal(c, want) {
				t.Errorf("%v: the product on %d cores differs from that on one", size, cores)
			}
		}
	}
}

// With beta 0 the old C does not matter, even if it is NaN; with alpha 0 A and B do not.
func TestNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, k := range []int{0, 1, 4} {
		for _, alpha := range []float32{0, 1, 3} {
			a, b, c := []float32{1, 1, 1, 1}, []float32{1, 1, 1, 1}, []float32{nan}
			if alpha == 0 {
				a[0], b[0] = nan, nan
			}
			ours.Sgemm(blas.NoTrans, blas.NoTrans, 1, 1, k, alpha, a, 4, b, 1, 0, c, 1)
			if want := alpha * float32(k); c[0] != want {
				t.Errorf("k=%d, alpha=%g, beta=0: %g, want %g", k, alpha, c[0], want)
			}
		}
	}
	c := []float32{2}
	ours.Sgemm(blas.NoTrans, blas.NoTrans, 1, 1, 2, 1, []float32{0, 1}, 2, []float32{nan, 1}, 1, 0, c, 1)
	if c[0] == c[0] {
		t.Errorf("0 times NaN disappeared: %g", c[0])
	}
	x := []float32{nan, 1}
	ours.Sscal(2, 0, x, 1)
	if x[0] != 0 || x[1] != 0 {
		t.Errorf("Sscal by zero gives %v", x)
	}
	y := []float32{nan}
	ours.Sgemv(blas.NoTrans, 1, 2, 1, []float32{1, 2}, 2, []float32{3, 4}, 1, 0, y, 1)
	if y[0] != 11 {
		t.Errorf("Sgemv with beta 0 gives %g, want 11", y[0])
	}
}

// element is element j of a vector of n as BLAS counts them.
func element(x []float32, j, inc, n int) float32 {
	if inc < 0 {
		j = n - 1 - j
	}
	return x[j*max(inc, -inc)]
}

func TestVectorsAndMatrixVector(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{0, 1, 2, 15, 64, 333} {
		for _, inc := range []int{1, 2, -1} {
			step := max(inc, -inc)
			x, y := random(rng, max(n*step, 1)), random(rng, max(n*step, 1))
			x2, y2 := append([]float32(nil), x...), append([]float32(nil), y...)
			name := fmt.Sprintf("n=%d inc=%d", n, inc)
			near(t, "Sdot "+name, []float32{ours.Sdot(n, x, inc, y, inc)}, []float32{theirs.Sdot(n, x, inc, y, inc)}, 10*n)
			ours.Saxpy(n, 0.7, x, inc, y, inc)
			theirs.Saxpy(n, 0.7, x2, inc, y2, inc)
			near(t, "Saxpy "+name, y, y2, 1)
			if inc > 0 {
				near(t, "Sasum "+name, []float32{ours.Sasum(n, x, inc)}, []float32{theirs.Sasum(n, x, inc)}, n)
				near(t, "Snrm2 "+name, []float32{ours.Snrm2(n, x, inc)}, []float32{theirs.Snrm2(n, x, inc)}, n)
				ours.Sscal(n, -1.5, x, inc)
				theirs.Sscal(n, -1.5, x2, inc)
				near(t, "Sscal "+name, x, x2, 1)
			}
			const m = 5
			for _, tr := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for _, beta := range []float32{0, 1, 0.5} {
					if n == 0 {
						continue
					}
					a := random(rng, m*(n+2))
					lenX, lenY := n*step, m*step
					if tr == blas.Trans {
						lenX, lenY = lenY, lenX
					}
					x, y := random(rng, lenX), random(rng, lenY)
					y2 := append([]float32(nil), y...)
					ours.Sgemv(tr, m, n, 2, a, n+2, x, inc, beta, y, inc)
					theirs.Sgemv(tr, m, n, 2, a, n+2, x, inc, beta, y2, inc)
					near(t, fmt.Sprintf("Sgemv %c %s", tr, name), y, y2, 10*(n+m))
					a2 := append([]float32(nil), a...)
					// Not gonum's: with negative increments its kernel reads outside of the slices.
					x, y = random(rng, m*step), random(rng, n*step)
					for r := range m {
						for j := range n {
							a2[r*(n+2)+j] += 0.3 * element(x, r, inc, m) * element(y, j, inc, n)
						}
					}
					ours.Sger(m, n, 0.3, x, inc, y, inc, a, n+2)
					near(t, "Sger "+name, a, a2, 1)
				}
			}
		}
	}
	for _, size := range []float32{1e-30, 1e30} {
		got, want := ours.Snrm2(2, []float32{3 * size, 4 * size}, 1), 5*size
		if !(math.Abs(float64(got-want)) <= 1e-6*float64(want)) {
			t.Errorf("Snrm2 of (3, 4)·%g is %g", size, got)
		}
	}
}

// TestRefusals makes mistakes and expects gonum's messages.
func TestRefusals(t *testing.T) {
	message := func(f func()) (msg any) {
		defer func() { msg = recover() }()
		f()
		return nil
	}
	x := make([]float32, 8)
	for name, call := range map[string]func(impl blas.Float32){
		"transpose": func(i blas.Float32) { i.Sgemm('x', blas.NoTrans, 2, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		"negative":  func(i blas.Float32) { i.Sgemm(blas.NoTrans, blas.NoTrans, -1, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		"stride":    func(i blas.Float32) { i.Sgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, x, 1, x, 2, 0, x, 2) },
		"short":     func(i blas.Float32) { i.Sgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, x, 2, x[:3], 2, 0, x, 2) },
		"dot":       func(i blas.Float32) { i.Sdot(9, x, 1, x, 1) },
		"increment": func(i blas.Float32) { i.Saxpy(2, 1, x, 0, x, 1) },
		"gemv":      func(i blas.Float32) { i.Sgemv(blas.NoTrans, 2, 2, 1, x, 2, x, 1, 0, x[:1], 1) },
		"ger":       func(i blas.Float32) { i.Sger(3, 3, 1, x, 1, x, 1, x, 3) },
	} {
		got, want := message(func() { call(ours) }), message(func() { call(theirs) })
		if want == nil || got != want {
			t.Errorf("%s: panic %v, gonum's %v", name, got, want)
		}
	}
}

func BenchmarkSgemm(b *testing.B) {
	for _, size := range []int{32, 128, 512} {
		for name, impl := range map[string]blas.Float32{"lateral": ours, "gonum": theirs} {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				x, y, z := random(rng, size*size), random(rng, size*size), make([]float32, size*size)
				for b.Loop() {
					impl.Sgemm(blas.NoTrans, blas.NoTrans, size, size, size, 1, x, size, y, size, 0, z, size)
				}
				b.ReportMetric(2*float64(size*size*size)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

func Example() {
	blas32.Use(lateral.Implementation{})
	a := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: []float32{1, 2, 3, 4}}
	c := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float32, 4)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, a, a, 0, c)
	fmt.Println(c.Data)
	// Output: [5 11 11 25]
}
