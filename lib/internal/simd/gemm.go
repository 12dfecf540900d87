// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"sync"
)

// A product is cut into blocks of at most blockK steps of the inner dimension and blockM rows. For each block, B is
// packed 32 columns (one panel) at a time, so that the panel stays in the first-level cache while all rows of A pass
// by; A is read where it lies unless the product is large.
const (
	blockK = 256
	blockM = 448
)

// gemmKernels are the tile kernels of an implementation. A tile of C has at most rows x cols elements.
type gemmKernels struct {
	rows, cols int // the largest tile
	width      int // columns of the narrower kernels, and of a packed tile of A: cols or half of it

	// Tile kernels for 1, 2, ... rows; [r][0] computes up to width columns, [r][1] up to cols.
	// C tile = A tile * B panel, or added to C with acc. A tile element (i, p) is a[i*lda+p] for normal and
	// a[p*lda+i] for transposed; B panel element (p, j) is b[p*ldb+j].
	normal, transposed [][2]tileKernel

	// copyRows copies k rows of n elements: dst[p*dstStride+j] = src[p*stride+j], n <= cols.
	copyRows func(dst []float32, dstStride int, src []float32, stride, k, n int)
	// transpose copies n columns of k elements: dst[p*dstStride+j] = src[j*stride+p], n <= width, k a multiple of 4.
	// Both may write anything to the rest of the last vector of a row of dst.
	transpose func(dst []float32, dstStride int, src []float32, stride, k, n int)
}

type tileKernel func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool)

// workspace is the packing memory of one running product.
type workspace struct{ b []float32 }

// idle holds the workspaces that no product is using. Unlike a sync.Pool it never forgets one, so that a product
// allocates nothing once as many workspaces exist as products ever ran at the same time.
var idle struct {
	sync.Mutex
	list []*workspace
}

func takeWorkspace() *workspace {
	idle.Lock()
	defer idle.Unlock()
	last := len(idle.list) - 1
	if last < 0 {
		return new(workspace)
	}
	w := idle.list[last]
	idle.list = idle.list[:last]
	return w
}

func (w *workspace) giveBack() {
	idle.Lock()
	idle.list = append(idle.list, w)
	idle.Unlock()
}

// GemmNN computes C = A*B, or C = C + A*B with acc, for row-major A [m,k], B [k,n] and C [m,n] whose rows lie lda,
// ldb and ldc elements apart.
//
// Each element of C is one chain of fused multiply-adds over k, first to last, that starts at zero or, with acc, at
// the element's old value. (The Go bodies round the product before the addition where the processor has no fused
// instruction.) The result is therefore the same for every way of splitting a product by rows or columns.
func GemmNN(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmNN", m, n, k, len(a), lda, m, k, len(b), ldb, k, n, len(c), ldc)
	gemm(&active.gemm, false, false, m, n, k, a, lda, b, ldb, c, ldc, acc)
}

// GemmNT is GemmNN with B stored transposed, [n,k]: C = A*transpose(B). A dense layer's forward pass x*transpose(W),
// one row of W a unit, is such a product.
func GemmNT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmNT", m, n, k, len(a), lda, m, k, len(b), ldb, n, k, len(c), ldc)
	gemm(&active.gemm, false, true, m, n, k, a, lda, b, ldb, c, ldc, acc)
}

// GemmTN is GemmNN with A stored transposed, [k,m]: C = transpose(A)*B. A dense layer's weight gradient
// transpose(dy)*x is such a product.
func GemmTN(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmTN", m, n, k, len(a), lda, k, m, len(b), ldb, k, n, len(c), ldc)
	gemm(&active.gemm, true, false, m, n, k, a, lda, b, ldb, c, ldc, acc)
}

// fitGemm panics unless the stored matrices A [ar,ac], B [br,bc] and C [m,n] lie within their slices.
func fitGemm(op string, m, n, k, lenA, lda, ar, ac, lenB, ldb, br, bc, lenC, ldc int) {
	fits := func(length, ld, rows, cols int) bool {
		return ld >= cols && (rows == 0 || cols == 0 || length >= (rows-1)*ld+cols)
	}
	if m < 0 || n < 0 || k < 0 || !fits(lenA, lda, ar, ac) || !fits(lenB, ldb, br, bc) || !fits(lenC, ldc, m, n) {
		panic(fmt.Sprintf("simd: %s: m=%d n=%d k=%d: A [%d,%d] with stride %d in %d elements, "+
			"B [%d,%d] with stride %d in %d, C [%d,%d] with stride %d in %d",
			op, m, n, k, ar, ac, lda, lenA, br, bc, ldb, lenB, m, n, ldc, lenC))
	}
}

func gemm(g *gemmKernels, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !acc {
			for i := 0; i < m; i++ {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		return
	}
	w := takeWorkspace()
	tiles := g.normal
	if transA {
		tiles = g.transposed
	}
	stepK := evenly(k, blockK, 16)
	for p0 := 0; p0 < k; p0 += stepK {
		kc := min(stepK, k-p0)
		for j0 := 0; j0 < n; j0 += g.cols {
			nc := min(g.cols, n-j0)
			panel := w.panel(g, transB, b, ldb, p0, kc, j0, nc)
			wide := 0
			if nc > g.width {
				wide = 1
			}
			stepM := evenly(m, g.rows, 1)
			for i0 := 0; i0 < m; i0 += stepM {
				mc := min(stepM, m-i0)
				at := i0*lda + p0
				if transA {
					at = p0*lda + i0
				}
				tiles[mc-1][wide](kc, a[at:], lda, panel, g.cols, c[i0*ldc+j0:], ldc, nc, acc || p0 > 0)
			}
		}
	}
	w.giveBack()
}

// evenly returns the step that cuts n into the fewest pieces of at most limit, of nearly equal size, a multiple of unit.
func evenly(n, limit, unit int) int {
	pieces := (n + limit - 1) / limit
	return ((n+pieces-1)/pieces + unit - 1) / unit * unit
}

// panel packs rows p0..p0+kc of columns j0..j0+nc of B, row after row, g.cols elements apart.
func (w *workspace) panel(g *gemmKernels, transB bool, b []float32, ldb, p0, kc, j0, nc int) []float32 {
	if len(w.b) < blockK*g.cols {
		w.b = make([]float32, blockK*g.cols)
	}
	dst := w.b[:kc*g.cols]
	if !transB {
		g.copyRows(dst, g.cols, b[p0*ldb+j0:], ldb, kc, nc)
		return dst
	}
	for j := 0; j < nc; j += g.width {
		g.packTransposed(dst[j:], g.cols, b[(j0+j)*ldb+p0:], ldb, kc, min(g.width, nc-j))
	}
	return dst
}

// packTransposed is transpose for any k.
func (g *gemmKernels) packTransposed(dst []float32, dstStride int, src []float32, stride, k, n int) {
	whole := k &^ 3
	if whole > 0 {
		g.transpose(dst, dstStride, src, stride, whole, n)
	}
	for p := whole; p < k; p++ {
		for j := range n {
			dst[p*dstStride+j] = src[j*stride+p]
		}
	}
}
