// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"sync"
)

// A product is cut into blocks of at most blockK steps of the inner dimension. Within a block, B is packed one panel
// (the columns of one tile) at a time, which stays in the first-level cache while all rows of A pass by.
//
// A is read where it lies unless there is much of it and it is used often: then its rows would keep missing the
// caches, and blocks of at most blockM rows are packed tile by tile. B is read where it lies if one tile uses it.
//
// What is not in the second-level cache comes from far away: while the tiles of one panel are computed, the kernels
// ask for the next panel of B, and when that is done for the next tile of C, a little at a time (see scout).
const (
	blockK = 256
	blockM = 448

	cachedA      = 1 << 17 // elements of A that stay in the cache while panel after panel uses them
	packedA      = 1 << 16 // elements of A in a block from which it is packed
	packedPanels = 6       // and panels of B that use it
)

// gemmKernels are the tile kernels of an implementation. A tile of C has at most rows x cols elements.
type gemmKernels struct {
	rows, cols int // the largest tile; normal may have fewer rows
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
	// prefetch asks for rows > 0 rows of a tile of C to be brought into the first-level cache.
	prefetch func(c []float32, ldc, rows int)
}

// A tileKernel also asks for memory to be brought into the cache: two lines at ahead, two more step elements further
// on, and so on until last, for every four steps of k. It never asks beyond: lines that another core is writing would
// go back and forth.
type tileKernel func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool,
	ahead *float32, step int, last *float32)

// workspace is the packing memory of one running product: a panel of B, a block of A, or the list of its elements.
type workspace struct {
	b, a   []float32
	list   Sparse
	places []int32
	words  [2][]uint32 // A and B in bfloat16
	edge   []float32   // a tile of C
}

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
// instruction.) A zero at the end is +0. The result is therefore the same for every way of splitting a product by rows
// or columns, and for one that leaves out the terms whose factor from A is zero ([Sparse]).
func GemmNN(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmNN", m, n, k, len(a), lda, m, k, len(b), ldb, k, n, len(c), ldc)
	p := product{&active.gemm, false, false, m, n, k, a, lda, b, ldb, c, ldc, acc, scout{}}
	p.run()
}

// GemmNT is GemmNN with B stored transposed, [n,k]: C = A*transpose(B). A dense layer's forward pass x*transpose(W),
// one row of W a unit, is such a product.
func GemmNT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmNT", m, n, k, len(a), lda, m, k, len(b), ldb, n, k, len(c), ldc)
	p := product{&active.gemm, false, true, m, n, k, a, lda, b, ldb, c, ldc, acc, scout{}}
	p.run()
}

// GemmTN is GemmNN with A stored transposed, [k,m]: C = transpose(A)*B. A dense layer's weight gradient
// transpose(dy)*x is such a product.
func GemmTN(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmTN", m, n, k, len(a), lda, k, m, len(b), ldb, k, n, len(c), ldc)
	p := product{&active.gemm, true, false, m, n, k, a, lda, b, ldb, c, ldc, acc, scout{}}
	p.run()
}

// GemmTT is GemmNN with both factors stored transposed, A [k,m] and B [n,k]: C = transpose(A)*transpose(B).
func GemmTT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool) {
	fitGemm("GemmTT", m, n, k, len(a), lda, k, m, len(b), ldb, n, k, len(c), ldc)
	p := product{&active.gemm, true, true, m, n, k, a, lda, b, ldb, c, ldc, acc, scout{}}
	p.run()
}

// A Batch is many small products of one shape: factors and results lie the steps apart. A step of 0 is the same factor
// for all products.
type Batch struct {
	Count               int
	StepA, StepB, StepC int
}

// Gemm computes C = A*B, or C = C + A*B with acc, for each product of a batch, in the precision of [Matmul]. The
// factors are stored transposed if transA and transB say so, as in GemmTT. It panics if the last product does not fit;
// results must not overlap.
func (g Batch) Gemm(
	transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool,
) {
	g.gemm(matmul, transA, transB, m, n, k, a, lda, b, ldb, c, ldc, acc)
}

func (g Batch) gemm(precision Precision,
	transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, acc bool,
) {
	if g.Count < 1 {
		return
	}
	if min(g.StepA, g.StepB, g.StepC) < 0 {
		panic(fmt.Sprintf("simd: Batch: negative step in %+v", g))
	}
	ar, ac, br, bc := m, k, k, n
	if transA {
		ar, ac = k, m
	}
	if transB {
		br, bc = n, k
	}
	last := g.Count - 1
	fitGemm("Batch", m, n, k, len(a)-last*g.StepA, lda, ar, ac, len(b)-last*g.StepB, ldb, br, bc, len(c)-last*g.StepC, ldc)
	for i := range g.Count {
		p := product{&active.gemm, transA, transB, m, n, k,
			a[i*g.StepA:], lda, b[i*g.StepB:], ldb, c[i*g.StepC:], ldc, acc, scout{}}
		if precision == Float32 || min(m, n, k) == 0 {
			p.run()
		} else {
			p.bfloat(precision)
		}
	}
}

// fitGemm panics unless the stored matrices A [ar,ac], B [br,bc] and C [m,n] lie within their slices.
func fitGemm(op string, m, n, k, lenA, lda, ar, ac, lenB, ldb, br, bc, lenC, ldc int) {
	if m < 0 || n < 0 || k < 0 || !fits(lenA, lda, ar, ac) || !fits(lenB, ldb, br, bc) || !fits(lenC, ldc, m, n) {
		panic(fmt.Sprintf("simd: %s: m=%d n=%d k=%d: A [%d,%d] with stride %d in %d elements, "+
			"B [%d,%d] with stride %d in %d, C [%d,%d] with stride %d in %d",
			op, m, n, k, ar, ac, lda, lenA, br, bc, ldb, lenB, m, n, ldc, lenC))
	}
}

// fits reports whether a matrix of rows x cols elements, rows ld apart, lies within a slice.
func fits(length, ld, rows, cols int) bool {
	return ld >= cols && (rows == 0 || cols == 0 || length >= (rows-1)*ld+cols)
}

// A product is the arguments of one call.
type product struct {
	*gemmKernels
	transA, transB bool
	m, n, k        int
	a              []float32
	lda            int
	b              []float32
	ldb            int
	c              []float32
	ldc            int
	acc            bool
	ahead          scout
}

func (p *product) run() {
	if p.m == 0 || p.n == 0 {
		return
	}
	if p.k == 0 {
		p.clear()
		return
	}
	w := takeWorkspace()
	defer w.giveBack()
	w.b = resize(w.b, blockK*p.cols)

	if p.m*min(p.k, blockK) >= packedA && p.n > packedPanels*p.cols {
		p.blocks(w)
	} else {
		p.panels(w)
	}
}

// panels computes the product panel by panel. Each panel sees all of A, or so many columns of it as stay in the cache.
func (p *product) panels(w *workspace) {
	depth := evenly(p.k, blockK, 16)
	span := max(1, cachedA/(p.m*depth)) * depth
	for s0 := 0; s0 < p.k; s0 += span {
		for j0 := 0; j0 < p.n; j0 += p.cols {
			nc := min(p.cols, p.n-j0)
			if j0+nc < p.n {
				p.scout(s0, min(span, p.k-s0), j0+nc)
			} else if next := s0 + span; next < p.k {
				p.scout(next, min(span, p.k-next), 0)
			}
			for p0 := s0; p0 < min(s0+span, p.k); p0 += depth {
				kc := min(depth, p.k-p0)
				if !p.transB && nc == p.cols && p.m <= len(p.normal) {
					p.tiles(p.b[p0*p.ldb+j0:], p.ldb, p0, kc, j0, nc)
					continue
				}
				p.packB(w.b, p0, kc, j0, nc)
				p.tiles(w.b, p.cols, p0, kc, j0, nc)
			}
		}
	}
}

// blocks computes it block by block of A, packed.
func (p *product) blocks(w *workspace) {
	rows := evenly(p.m, blockM, p.rows)
	w.a = resize(w.a, (rows+p.rows-1)/p.rows*blockK*p.width)
	depth := evenly(p.k, blockK, 16)
	for p0 := 0; p0 < p.k; p0 += depth {
		kc := min(depth, p.k-p0)
		for i0 := 0; i0 < p.m; i0 += rows {
			mc := min(rows, p.m-i0)
			p.packA(w.a, i0, mc, p0, kc)
			for j0 := 0; j0 < p.n; j0 += p.cols {
				nc := min(p.cols, p.n-j0)
				p.packB(w.b, p0, kc, j0, nc)
				p.scout(p0, kc, j0+p.cols)
				p.packedTiles(w, i0, mc, p0, kc, j0, nc)
			}
		}
	}
}

// A scout walks through a panel of B that will be needed after the present one, for the tile kernels to bring it into
// the cache. A whole panel asked for at once would hold up what the kernels load themselves.
type scout struct {
	panel    []float32
	rows, n  int  // of the panel as it is stored
	row, col int  // what to ask for next; past the last row or column if nothing is left
	down     bool // the way is from row to row; else along the rows
}

// scout begins a walk through the panel of columns from j0 on, kc steps from p0 on.
func (p *product) scout(p0, kc, j0 int) {
	switch {
	case j0 >= p.n:
		p.ahead = scout{}
	case p.transB:
		p.ahead = scout{panel: p.b[j0*p.ldb+p0:], rows: min(p.cols, p.n-j0), n: kc}
	default:
		p.ahead = scout{panel: p.b[p0*p.ldb+j0:], rows: kc, n: min(p.cols, p.n-j0), down: true}
	}
}

// next returns where a tile kernel of kc steps shall look ahead, how far apart its looks are and where the last one is:
// at the panel to come and, once that has been seen, at the tile of C whose rows from i on are at most so many.
func (p *product) next(kc, i, rows, j0 int) (from *float32, step int, last *float32) {
	const width = 32 // elements in the two cache lines of a look
	s, looks := &p.ahead, kc/4
	switch {
	case s.row >= s.rows || s.col >= s.n:
		end := min(i+rows, p.m) - 1
		return &p.c[min(i, end)*p.ldc+j0], p.ldc, &p.c[end*p.ldc+j0]
	case s.down:
		from, last = &s.panel[s.row*p.ldb+s.col], &s.panel[(s.rows-1)*p.ldb+s.col]
		if s.row += looks; s.row >= s.rows {
			s.row, s.col = 0, s.col+width
		}
		return from, p.ldb, last
	default:
		from, last = &s.panel[s.row*p.ldb+s.col], &s.panel[s.row*p.ldb+max(s.col, s.n-width)]
		if s.col += looks * width; s.col >= s.n {
			s.row, s.col = s.row+1, 0
		}
		return from, width, last
	}
}

// clear sets C to zero unless it accumulates: the product without inner dimension.
func (p *product) clear() {
	if p.acc {
		return
	}
	for i := range p.m {
		clear(p.c[i*p.ldc : i*p.ldc+p.n])
	}
}

// tiles computes the tiles of nc columns of C from A as it lies and a panel of B.
func (p *product) tiles(panel []float32, ldb, p0, kc, j0, nc int) {
	kernels, row, first := p.normal, p.lda, p0
	if p.transA {
		kernels, row, first = p.transposed, 1, p0*p.lda
	}
	rows := evenly(p.m, len(kernels), 1)
	for i := 0; i < p.m; i += rows {
		from, step, last := p.next(kc, i+rows, rows, j0)
		kernel := kernels[min(rows, p.m-i)-1][p.vectors(nc)]
		kernel(kc, p.a[first+i*row:], p.lda, panel, ldb, p.c[i*p.ldc+j0:], p.ldc, nc, p.acc || p0 > 0, from, step, last)
	}
}

// packedTiles is tiles for a packed block of A.
func (p *product) packedTiles(w *workspace, i0, mc, p0, kc, j0, nc int) {
	rows := evenly(mc, p.rows, 1)
	tile := w.a
	for i := i0; i < i0+mc; i += rows {
		if next := i + rows; next < i0+mc {
			p.prefetch(p.c[next*p.ldc+j0:], p.ldc, min(rows, i0+mc-next))
		}
		from, step, last := p.next(kc, i+rows, rows, j0)
		kernel := p.transposed[min(rows, i0+mc-i)-1][p.vectors(nc)]
		kernel(kc, tile, p.width, w.b, p.cols, p.c[i*p.ldc+j0:], p.ldc, nc, p.acc || p0 > 0, from, step, last)
		tile = tile[kc*p.width:]
	}
}

// vectors selects the narrow or the wide kernel for nc columns.
func (g *gemmKernels) vectors(nc int) int {
	if nc > g.width {
		return 1
	}
	return 0
}

// packA packs rows i0..i0+mc of columns p0..p0+kc of A, tile by tile: element (i, p) of a tile is at p*width+i.
func (p *product) packA(dst []float32, i0, mc, p0, kc int) {
	step := evenly(mc, p.rows, 1)
	for i := i0; i < i0+mc; i += step {
		rows := min(step, i0+mc-i)
		if p.transA {
			p.copyRows(dst, p.width, p.a[p0*p.lda+i:], p.lda, kc, rows)
		} else {
			p.packTransposed(dst, p.width, p.a[i*p.lda+p0:], p.lda, kc, rows)
		}
		dst = dst[kc*p.width:]
	}
}

// packB packs rows p0..p0+kc of columns j0..j0+nc of B: element (p, j) of the panel is at p*cols+j.
func (p *product) packB(dst []float32, p0, kc, j0, nc int) {
	if !p.transB {
		p.copyRows(dst, p.cols, p.b[p0*p.ldb+j0:], p.ldb, kc, nc)
		return
	}
	for j := 0; j < nc; j += p.width {
		p.packTransposed(dst[j:], p.cols, p.b[(j0+j)*p.ldb+p0:], p.ldb, kc, min(p.width, nc-j))
	}
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

// evenly returns the step that cuts n into the fewest pieces of at most limit, of nearly equal size, a multiple of
// unit.
func evenly(n, limit, unit int) int {
	return pieces(pieces(n, pieces(n, limit)), unit) * unit
}

// pieces returns how many pieces of at most size cover n.
func pieces(n, size int) int { return (n + size - 1) / size }

// resize returns a slice of n elements, x itself if that is long enough.
func resize[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
