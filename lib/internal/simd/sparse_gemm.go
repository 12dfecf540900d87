// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"os"
)

// What a sparse product takes besides its multiplications ([sparseKernels].cost), in units of the time of one vector
// multiply-add of a dense product. They are fitted to times on Zen 4, with AVX-512 and AVX2; the bench with -density
// measures at which density the two paths cross. Loads weigh more on processors that multiply two of the widest vectors
// a cycle; there dense products are further from the ceiling.
const (
	entryCost     = 2    // of an entry, for each strip of C
	rowsCost      = 0.4  // of listing an element by rows
	columnsCost   = 1.2  // and by columns
	transposeCost = 0.45 // of an element of C
	margin        = 0.95 // of the dense product's time from which a sparse one is not worth the difference
)

// bfloatDensity is the share of A from which a dense product is faster if its precision is not float32. Then the two
// have different results, so that the choice must not depend on the size of a worker's part, nor on the processor.
const bfloatDensity = 0.25

// sparseMode is LATERAL_SPARSE: sparse products wherever there is one ("on"), nowhere ("off") or where they are faster.
var sparseMode = sparseModeOf(os.Getenv("LATERAL_SPARSE"))

func sparseModeOf(env string) string {
	switch env {
	case "", "on", "off":
		return env
	}
	fmt.Fprintf(os.Stderr, "simd: LATERAL_SPARSE=%s: not one of on, off: using what is faster\n", env)
	return ""
}

// SparseMode tells when products leave out zeros: "on" is always, "off" never, "" where that is faster.
func SparseMode() string { return sparseMode }

// Cost estimates the time of a product that leaves out the zeros of A as a share of the dense product's: it pays below
// 1. The environment variable LATERAL_SPARSE makes it 0, with "on", or infinite, with "off".
func (op SparseProduct) Cost(m, n, k int) float64 {
	switch sparseMode {
	case "on":
		return 0
	case "off":
		return math.Inf(1)
	}
	if matmul != Float32 {
		return op.Density / bfloatDensity
	}
	vectors := float64(pieces(n, active.gemm.width))
	strips := float64(pieces(n, active.gemm.width*len(active.sparse.strips)))
	cost := rowsCost
	if op.TransA {
		cost = columnsCost
	}
	cost += op.Density * (vectors*active.sparse.cost + strips*entryCost)
	if op.TransC {
		cost += transposeCost * float64(n) / float64(max(k, 1))
	}
	return cost / max(vectors, 1) / margin
}

// Gemm computes C = A*B, or C = C + A*B, and leaves out the zeros of A if that takes less time ([SparseProduct.Cost]).
// The result then has the bits of [GemmNN], and otherwise those of [Gemm]: the same, unless LATERAL_MATMUL asks for
// another precision. Gemm reports whether B is known to be finite.
func (op SparseProduct) Gemm(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) bool {
	ar, ac, br, bc, cr, cc := m, k, k, n, m, n
	if op.TransA {
		ar, ac = k, m
	}
	if op.TransB {
		br, bc = n, k
	}
	if op.TransC {
		cr, cc = n, m
	}
	if min(m, n, k) < 0 || !fits(len(a), lda, ar, ac) || !fits(len(b), ldb, br, bc) || !fits(len(c), ldc, cr, cc) {
		panic(fmt.Sprintf("simd: SparseProduct: m=%d n=%d k=%d: A [%d,%d] with stride %d in %d elements, "+
			"B [%d,%d] with stride %d in %d, C [%d,%d] with stride %d in %d",
			m, n, k, ar, ac, lda, len(a), br, bc, ldb, len(b), cr, cc, ldc, len(c)))
	}
	precision := matmul
	if m > 0 && n > 0 && k > 0 && op.Cost(m, n, k) < 1 {
		if op.sparse(m, n, k, a, lda, b, ldb, c, ldc) {
			return true
		}
		precision = Float32 // for parts of B that are finite, sparse products give the result
	}
	if op.TransC {
		Batch{Count: 1}.gemm(precision, !op.TransB, !op.TransA, n, m, k, b, ldb, a, lda, c, ldc, op.Acc)
	} else {
		Batch{Count: 1}.gemm(precision, op.TransA, op.TransB, m, n, k, a, lda, b, ldb, c, ldc, op.Acc)
	}
	return op.Finite
}

// A list of rows of A has at least listedRows, so that a transposition of B pays, and about listedElements otherwise,
// so that it stays in the cache.
const (
	listedRows     = 128
	listedElements = 1 << 17
)

// sparse is Gemm without the zeros of A, unless B is not finite; see [Sparse.Mul].
func (op SparseProduct) sparse(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) bool {
	if op.Acc && !op.Finite { // before C changes
		if op.Finite = op.finite(n, k, b, ldb); !op.Finite {
			return false
		}
	}
	w := takeWorkspace()
	defer w.giveBack()
	list := &w.list
	rows := evenly(m, max(listedRows, listedElements/k), bandRows)
	stepA, stepC := lda, ldc
	if op.TransA {
		stepA = 1
	}
	if op.TransC {
		stepC = 1
	}
	for i := 0; i < m; i += rows {
		count := min(rows, m-i)
		list.Reset(count, k, op.Density)
		if op.TransA {
			list.FillColumns(0, list.Bands(), a[i*stepA:], lda)
		} else {
			list.FillRows(0, list.Bands(), a[i*stepA:], lda)
		}
		if !list.Mul(op, 0, count, n, b, ldb, c[i*stepC:], ldc) {
			return false
		}
	}
	return true
}

// Density estimates which share of x [rows,cols] is not zero, from one row in eight.
func Density(x []float32, rows, cols int) float64 {
	const step = 8
	if rows*cols == 0 {
		return 1
	}
	seen, count := 0, 0
	for r := min(step/2, rows-1); r < rows; r += step {
		count += active.countNonZero(x[r*cols:][:cols])
		seen += cols
	}
	return float64(count) / float64(seen)
}
