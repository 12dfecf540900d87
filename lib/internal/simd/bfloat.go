// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"os"
)

// A Precision is the arithmetic of matrix products.
//
// A bfloat16 number is the upper half of a float32: the same exponents, but 8 instead of 24 significant bits.
// Processors multiply two or sixteen times as many of them. BF16 rounds both factors to bfloat16. BF16x3 splits each
// factor into two bfloat16 numbers, x = hi + lo, and adds three products: hi*lo + hi*hi + lo*hi. Sums are float32.
//
// The results of BF16 and BF16x3 are defined by the processor's instruction for tiles, TDPBF16PS, for 32 steps of k at
// a time, padded with zeros [Intel SDM, volume 2]. The products of even steps are one chain of fused multiply-adds that
// starts at zero, those of odd steps are another; the sum of both is added to C. With BF16x3, this is done three times
// for each 32 steps. All roundings are to the nearest number, to even in a tie. Numbers below 2^-126, the smallest
// normal float32, are zero when they are read, and results below it become zero. All implementations give the same
// bits, and these do not depend on how a product is split by rows or columns among workers.
//
// A product that meets an infinity, or with BF16x3 a number that rounds to one, 3.39e38 or more, is not finite.
type Precision string

const (
	Float32 Precision = ""
	BF16x3  Precision = "bf16x3" // relative error about 4e-6, see TestPrecision
	BF16    Precision = "bf16"   // relative error about 3e-3
)

// matmul is the precision of [Gemm], [Batch.Gemm] and [SparseProduct.Gemm]: LATERAL_MATMUL.
var matmul = precisionOf(os.Getenv("LATERAL_MATMUL"))

func precisionOf(env string) Precision {
	switch p := Precision(env); p {
	case Float32, BF16x3, BF16:
		return p
	}
	fmt.Fprintf(os.Stderr, "simd: LATERAL_MATMUL=%s: not one of bf16x3, bf16: using float32\n", env)
	return Float32
}

// Matmul returns the precision of the products of layers. The environment variable LATERAL_MATMUL sets it.
func Matmul() Precision { return matmul }

// SetMatmul changes the precision, while no product is running, and returns the one before: for tests and measurements.
func SetMatmul(p Precision) (before Precision) {
	before, matmul = matmul, p
	return before
}

// Gemm computes C = A*B, or C = C + A*B with acc, in the precision of [Matmul]. The factors are stored transposed if
// transA and transB say so, as in [GemmTT]. It panics as GemmTT does.
func Gemm(
	transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool,
) {
	Batch{Count: 1}.Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, acc)
}

// bfloatBlock is the number of steps of k that an instruction for tiles takes; a packed factor has a multiple of it.
const bfloatBlock = 32

// A panel of B has bfloatCols columns. A block of A has about bfloatRows rows; it stays in the second-level cache while
// panels of B pass by, and a panel of B of bfloatDepth steps in the first-level cache while the rows of A do.
const (
	bfloatCols  = 32
	bfloatRows  = 448
	bfloatDepth = 256
)

// bfloatKernels are the kernels of products of bfloat16 numbers. Two of them make a word: of two steps of k.
//
// A packed factor consists, for each panel of rows of A or columns of B and each block of 32 steps, of 16 words for
// each row or column, and with BF16x3 as many again: in A the upper parts come first, in B the lower parts.
type bfloatKernels struct {
	name  string
	rows  int  // of a panel of A, at most
	unit  int  // rows of all panels but the last are a multiple of it
	width int  // rows that a packed panel has room for
	tiled bool // a packed block of A is [rows][16 words]; otherwise it is as one of B, [16 words][rows]

	// pairs rounds a block of 32 steps, src [32,width], to words hi [16,width] and, unless lo is empty, what remains to
	// words lo; width is 16 or 32.
	pairs func(hi, lo []uint32, src []float32, width int)
	// lines does the same for src [32 rows, 32 steps] and hi, lo [32 rows, 16 words]; for tiled kernels.
	lines func(hi, lo []uint32, src []float32)
	// tiles computes rows x cols elements of C, cols at most 32, from the panels of A and one panel of B, or adds to
	// them with acc. If whole is set, rows is a multiple of 32 and cols is 32.
	whole bool
	tiles func(blocks, parts int, a, b []uint32, c []float32, ldc, rows, cols int, acc bool)
}

// bfloat computes the product in a precision other than Float32.
func (p *product) bfloat(precision Precision) {
	parts := 1
	if precision == BF16x3 {
		parts = 2
	}
	g := &active.bfloat
	w := takeWorkspace()
	defer w.giveBack()
	rows := evenly(p.m, bfloatRows, g.rows)
	most := pieces(min(p.k, bfloatDepth), bfloatBlock)
	w.b = resize(w.b, bfloatDepth*bfloatCols)
	w.words[0] = resize(w.words[0], pieces(rows, g.rows)*bfloatWords(most, parts, g.width))
	w.words[1] = resize(w.words[1], bfloatWords(most, parts, bfloatCols))
	for p0 := 0; p0 < p.k; p0 += bfloatDepth {
		kc := min(bfloatDepth, p.k-p0)
		for i0 := 0; i0 < p.m; i0 += rows {
			mc := min(rows, p.m-i0)
			p.bfloatA(w, parts, i0, mc, p0, kc)
			for j0 := 0; j0 < p.n; j0 += bfloatCols {
				nc := min(bfloatCols, p.n-j0)
				p.bfloatB(w, parts, p0, kc, j0, nc)
				w.bfloatTiles(pieces(kc, bfloatBlock), parts, p.c[i0*p.ldc+j0:], p.ldc, mc, nc, p.acc || p0 > 0)
			}
		}
	}
}

// bfloatWords is the size of a packed panel with room for so many rows of A or columns of B.
func bfloatWords(blocks, parts, width int) int { return blocks * parts * bfloatBlock / 2 * width }

// bfloatTiles computes rows x cols elements of C. Where the kernel cannot do so in their place, it computes whole
// tiles, of which rows and columns past the edge have any value, in memory of their own.
func (w *workspace) bfloatTiles(blocks, parts int, c []float32, ldc, rows, cols int, acc bool) {
	const side = bfloatCols
	g, a, b := &active.bfloat, w.words[0], w.words[1]
	inPlace := rows
	if g.whole {
		inPlace -= rows % side
		if cols < side {
			inPlace = 0
		}
	}
	if inPlace > 0 {
		g.tiles(blocks, parts, a, b, c, ldc, inPlace, cols, acc)
	}
	w.edge = resize(w.edge, side*side)
	for i := inPlace; i < rows; i += side {
		n := min(side, rows-i)
		for r := range n {
			copy(w.edge[r*side:][:cols], c[(i+r)*ldc:])
		}
		g.tiles(blocks, parts, a[i/side*bfloatWords(blocks, parts, side):], b, w.edge, side, side, side, acc)
		for r := range n {
			copy(c[(i+r)*ldc:][:cols], w.edge[r*side:])
		}
	}
}

// bfloatA packs rows i0..i0+mc of columns p0..p0+kc of A, panel by panel.
func (p *product) bfloatA(w *workspace, parts, i0, mc, p0, kc int) {
	g, blocks := &active.bfloat, pieces(kc, bfloatBlock)
	step, dst := evenly(mc, g.rows, g.unit), w.words[0]
	for i := i0; i < i0+mc; i += step {
		rows := min(step, i0+mc-i)
		if g.tiled {
			p.bfloatLines(w, dst, parts, i, rows, p0, kc)
		} else {
			p.columns(w.b, g.width, stored(p.a, p.lda, p.transA, i, p0), p.lda, kc, rows, !p.transA)
			clear(w.b[kc*g.width : blocks*bfloatBlock*g.width])
			g.pack(dst, w.b, blocks, parts, g.width, 0)
		}
		dst = dst[bfloatWords(blocks, parts, g.width):]
	}
}

// bfloatB packs rows p0..p0+kc of columns j0..j0+nc of B.
func (p *product) bfloatB(w *workspace, parts, p0, kc, j0, nc int) {
	blocks := pieces(kc, bfloatBlock)
	p.columns(w.b, bfloatCols, stored(p.b, p.ldb, p.transB, p0, j0), p.ldb, kc, nc, p.transB)
	clear(w.b[kc*bfloatCols : blocks*bfloatBlock*bfloatCols])
	active.bfloat.pack(w.words[1], w.b, blocks, parts, bfloatCols, 1)
}

// stored returns a matrix from element (i, j) on.
func stored(x []float32, ld int, trans bool, i, j int) []float32 {
	if trans {
		i, j = j, i
	}
	return x[i*ld+j:]
}

// columns copies k rows of n elements: dst[p*dstStride+j] = src[p*stride+j], or src[j*stride+p] with trans. It may
// write anything to the rest of a vector.
func (g *gemmKernels) columns(dst []float32, dstStride int, src []float32, stride, k, n int, trans bool) {
	if trans {
		for j := 0; j < n; j += g.width {
			g.packTransposed(dst[j:], dstStride, src[j*stride:], stride, k, min(g.width, n-j))
		}
		return
	}
	for j := 0; j < n; j += g.cols {
		g.copyRows(dst[j:], dstStride, src[j:], stride, k, min(g.cols, n-j))
	}
}

// pack rounds blocks of 32 steps, src [32*blocks,width]. The upper parts of a block come first if upper is 0, second if
// it is 1.
func (g *bfloatKernels) pack(dst []uint32, src []float32, blocks, parts, width, upper int) {
	size := bfloatBlock / 2 * width
	for range blocks {
		hi, lo := dst[:size], dst[:0]
		if parts == 2 {
			hi, lo = dst[upper*size:][:size], dst[(1-upper)*size:][:size]
		}
		g.pairs(hi, lo, src, width)
		dst, src = dst[parts*size:], src[bfloatBlock*width:]
	}
}

// bfloatLines packs a panel of rows of A for tiles.
func (p *product) bfloatLines(w *workspace, dst []uint32, parts, i, rows, p0, kc int) {
	const size = bfloatBlock * bfloatBlock / 2
	for q := 0; q < kc; q += bfloatBlock {
		steps := min(bfloatBlock, kc-q)
		p.columns(w.b, bfloatBlock, stored(p.a, p.lda, p.transA, i, p0+q), p.lda, rows, steps, p.transA)
		if steps < bfloatBlock {
			for r := range rows {
				clear(w.b[r*bfloatBlock+steps : (r+1)*bfloatBlock])
			}
		}
		active.bfloat.lines(dst[:size], dst[size:parts*size], w.b)
		dst = dst[parts*size:]
	}
}
