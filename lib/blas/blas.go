// SPDX-License-Identifier: Apache-2.0

// Package blas makes gonum multiply float32 matrices with this library's kernels:
//
//	blas32.Use(blas.Implementation{})
//
// From then on blas32 uses them for matrix products, products of a matrix and a vector, and the simple vector
// operations; for everything else it still uses gonum's.
package blas

import (
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Implementation implements blas.Float32. Its methods follow the BLAS standard, as gonum's own do, and may be called
// concurrently. Two differences can be observed: sums are added in another order, so their last digits differ; and the
// product of zero and NaN or an infinity is NaN in matrix products, too, where gonum's skip zeros.
//
// Sgemv and Sger accept vectors of any increment; in gonum v0.17's Sger, negative ones read outside of the slices.
//
// For arguments that gonum's methods refuse, they panic with gonum's messages.
type Implementation struct{ gonum.Implementation }

var _ blas.Float32 = Implementation{}

// Sgemm computes
//
//	C = alpha * A * B + beta * C
//
// where A [m,k] and B [k,n] are stored transposed if tA or tB is set. C is not read if beta is 0; A and B are not read
// if alpha is 0. Large products use all cores; the result does not depend on their number. The environment variable
// LATERAL_MATMUL, set to bf16x3 or bf16, lowers the precision of A * B as it does for layers (autograd.Backend).
func (i Implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32,
	ldb int, beta float32, c []float32, ldc int) {
	ar, ac, br, bc := m, k, k, n
	if tA != blas.NoTrans {
		ar, ac = k, m
	}
	if tB != blas.NoTrans {
		br, bc = n, k
	}
	if !isTranspose(tA) || !isTranspose(tB) || min(m, n, k) < 1 ||
		!holds(len(a), lda, ar, ac) || !holds(len(b), ldb, br, bc) || !holds(len(c), ldc, m, n) {
		i.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	p := product{tA != blas.NoTrans, tB != blas.NoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc}
	p.share()
}

func isTranspose(t blas.Transpose) bool {
	return t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans
}

// holds reports whether a matrix of rows with a stride fits into length elements.
func holds(length, stride, rows, cols int) bool {
	return stride >= cols && length >= (rows-1)*stride+cols
}

// A product holds the arguments of Sgemm.
type product struct {
	transA, transB bool
	m, n, k        int
	alpha          float32
	a              []float32
	lda            int
	b              []float32
	ldb            int
	beta           float32
	c              []float32
	ldc            int
}

// share splits a product that is large enough into one part per core, by rows or by columns, whichever are more.
func (p product) share() {
	const worthSharing = 1 << 21 // minimum multiply-adds of a goroutine
	long := max(p.m, p.n)
	parts := min(runtime.GOMAXPROCS(0), int(int64(p.m)*int64(p.n)*int64(p.k)/worthSharing), (long+15)/16)
	if parts < 2 {
		p.run()
		return
	}
	var wait sync.WaitGroup
	for i := range parts {
		lo, hi := i*long/parts, (i+1)*long/parts
		wait.Go(func() {
			if p.m >= p.n {
				p.rows(lo, hi).run()
			} else {
				p.columns(lo, hi).run()
			}
		})
	}
	wait.Wait()
}

// rows returns the part of the product that computes rows lo to hi of C.
func (p product) rows(lo, hi int) product {
	if p.transA {
		p.a = p.a[lo:]
	} else {
		p.a = p.a[lo*p.lda:]
	}
	p.c, p.m = p.c[lo*p.ldc:], hi-lo
	return p
}

// columns returns the part that computes columns lo to hi.
func (p product) columns(lo, hi int) product {
	if p.transB {
		p.b = p.b[lo*p.ldb:]
	} else {
		p.b = p.b[lo:]
	}
	p.c, p.n = p.c[lo:], hi-lo
	return p
}

// run computes the product. If both alpha and beta matter, it computes some rows of A*B in separate memory first.
func (p product) run() {
	switch {
	case p.alpha == 0:
		p.scale(p.beta)
		return
	case p.alpha == 1 && (p.beta == 0 || p.beta == 1):
		p.multiply(p.c, p.ldc, p.beta == 1)
		return
	case p.beta == 0:
		p.multiply(p.c, p.ldc, false)
		p.scale(p.alpha)
		return
	}
	p.scale(p.beta)
	const most = 128
	for lo := 0; lo < p.m; lo += most {
		part := p.rows(lo, min(lo+most, p.m))
		buffer := buffers.Get().(*[]float32)
		if cap(*buffer) < part.m*p.n {
			*buffer = make([]float32, part.m*p.n)
		}
		ab := (*buffer)[:part.m*p.n]
		part.multiply(ab, p.n, false)
		for r := range part.m {
			simd.Axpy(part.c[r*p.ldc:][:p.n], p.alpha, ab[r*p.n:][:p.n])
		}
		buffers.Put(buffer)
	}
}

// scale multiplies C by s; if s is 0 it sets C to zero, even where C is NaN.
func (p product) scale(s float32) {
	for r := range p.m {
		scale(p.c[r*p.ldc:][:p.n], s)
	}
}

func scale(x []float32, s float32) {
	switch s {
	case 0:
		clear(x)
	case 1:
	default:
		simd.Scale(x, s, x)
	}
}

var buffers = sync.Pool{New: func() any { return new([]float32) }}

// multiply sets c to A*B, or adds A*B to it.
func (p product) multiply(c []float32, ldc int, acc bool) {
	simd.Gemm(p.transA, p.transB, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, c, ldc, acc)
}

// Sgemv computes y = alpha * A * x + beta * y for A [m,n], or with transpose(A) if t is set. y is not read if beta is
// 0.
func (i Implementation) Sgemv(t blas.Transpose, m, n int, alpha float32, a []float32, lda int, x []float32, incX int,
	beta float32, y []float32, incY int) {
	lenX, lenY := n, m
	if t != blas.NoTrans {
		lenX, lenY = m, n
	}
	if !isTranspose(t) || min(m, n) < 1 || !holds(len(a), lda, m, n) || !reaches(len(x), incX, lenX) ||
		!reaches(len(y), incY, lenY) {
		i.Implementation.Sgemv(t, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	if incX != 1 {
		x = elements(x, incX, lenX)
	}
	if incY != 1 {
		spread := y
		y = elements(y, incY, lenY)
		defer func() {
			for j, v := range y {
				spread[at(j, incY, lenY)] = v
			}
		}()
	}
	x, y = x[:lenX], y[:lenY]
	scale(y, beta)
	if alpha == 0 {
		return
	}
	for r := range m {
		row := a[r*lda:][:n]
		if t == blas.NoTrans {
			y[r] += alpha * simd.Dot(row, x)
		} else {
			simd.Axpy(y, alpha*x[r], row)
		}
	}
}

// Sger computes A = A + alpha * x * transpose(y) for A [m,n].
func (i Implementation) Sger(
	m, n int, alpha float32, x []float32, incX int, y []float32, incY int, a []float32, lda int,
) {
	if min(m, n) < 1 || alpha == 0 || !holds(len(a), lda, m, n) || !reaches(len(x), incX, m) || !reaches(len(y), incY, n) {
		i.Implementation.Sger(m, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	if incY != 1 {
		y = elements(y, incY, n)
	}
	for r := range m {
		simd.Axpy(a[r*lda:][:n], alpha*x[at(r, incX, m)], y[:n])
	}
}

// at returns the index of element j of a vector of n elements with the increment inc. A negative increment counts from
// the end.
func at(j, inc, n int) int {
	if inc < 0 {
		return (j - n + 1) * inc
	}
	return j * inc
}

// reaches reports whether a slice holds n elements with this increment.
func reaches(length, inc, n int) bool { return inc != 0 && length > (n-1)*max(inc, -inc) }

// elements returns the n elements of a vector contiguously.
func elements(x []float32, inc, n int) []float32 {
	y := make([]float32, n)
	for j := range y {
		y[j] = x[at(j, inc, n)]
	}
	return y
}

// Sdot returns the inner product of x and y.
func (i Implementation) Sdot(n int, x []float32, incX int, y []float32, incY int) float32 {
	if n < 1 || incX != 1 || incY != 1 || len(x) < n || len(y) < n {
		return i.Implementation.Sdot(n, x, incX, y, incY)
	}
	return simd.Dot(x[:n], y[:n])
}

// Saxpy computes y = y + alpha * x.
func (i Implementation) Saxpy(n int, alpha float32, x []float32, incX int, y []float32, incY int) {
	if n < 1 || alpha == 0 || incX != 1 || incY != 1 || len(x) < n || len(y) < n {
		i.Implementation.Saxpy(n, alpha, x, incX, y, incY)
		return
	}
	simd.Axpy(y[:n], alpha, x[:n])
}

// Sscal computes x = alpha * x; with alpha 0 it sets x to zero.
func (i Implementation) Sscal(n int, alpha float32, x []float32, incX int) {
	if n < 1 || alpha == 0 || incX != 1 || len(x) < n {
		i.Implementation.Sscal(n, alpha, x, incX)
		return
	}
	simd.Scale(x[:n], alpha, x[:n])
}

// Sasum returns the sum of |x|.
func (i Implementation) Sasum(n int, x []float32, incX int) float32 {
	if n < 1 || incX != 1 || len(x) < n {
		return i.Implementation.Sasum(n, x, incX)
	}
	return simd.AbsSum(x[:n])
}

// Snrm2 returns the Euclidean length of x, even if the squares of its elements overflow or underflow.
func (i Implementation) Snrm2(n int, x []float32, incX int) float32 {
	if n >= 1 && incX == 1 && len(x) >= n {
		if s := simd.SumSquares(x[:n]); s > 1e-20 && s <= math.MaxFloat32 {
			return float32(math.Sqrt(float64(s)))
		}
	}
	return i.Implementation.Snrm2(n, x, incX)
}
