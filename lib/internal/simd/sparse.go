// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
)

// bandRows is how many consecutive rows of a sparse matrix are listed together. Goroutines may fill different bands at
// the same time.
const bandRows = 16

// sparseKernels are the kernels of products that skip zeros.
type sparseKernels struct {
	cost float64 // of multiplying an element of A with a vector of B, where a dense product takes 1

	// strips compute rows of a strip of C, [v] for v+1 vectors of columns, from the entries of as many rows of A and a
	// panel of B: row i of A has the entries from bounds[i] to bounds[i+1]; an entry is an element, value, and the row
	// of the panel to be multiplied with it, index. The rows of the panel are read as whole vectors. The sums are
	// added to C with acc. A result that is zero is +0.
	strips []stripKernel

	// strided computes stridedRows elements of a row of C from the entries of that row of A and B stored transposed,
	// of which it reads as many rows.
	strided func(index []int32, value, b []float32, ldb int, sums []float32, acc bool)

	// eightRows computes the products of stridedRows rows of A with x, from their entries as for strips.
	eightRows func(bounds, index []int32, value, x, sums []float32)

	// sampled computes the inner products of a with stridedRows rows of b, or adds them to sums.
	sampled func(rows []int32, a, b []float32, ldb int, sums []float32, acc bool)

	// taps are the kernels of a convolution with few weights, [r] for r+1 runs of outputs. The entries of a filter are
	// as those of a row for strips; an index is the offset of a tap. The bias of a filter is added to the sums.
	taps []tapsKernel

	// compress lists len(bounds)-1 rows of cols elements: those that are not zero and their places, from entry
	// bounds[0] on, and in bounds where each row ends. Up to a vector may be written past the last entry.
	compress func(index []int32, value []float32, bounds []int32, x []float32, ldx, cols int)
}

// stridedRows is how many sums of single elements a kernel computes side by side.
const stridedRows = 8

type tapsKernel func(bounds, index []int32, value, bias, x []float32, starts []int32, c []float32, ldc int)

type stripKernel func(bounds, index []int32, value, b []float32, ldb int, c []float32, ldc, cols int, acc bool)

// A Sparse is a matrix A [m,k] of which only the elements that are not zero are kept, with their places.
//
// Rows are listed in bands of 16; within a band, the rows' elements in the first columns come first (as many columns as
// rows of B stay in the first-level cache during a product), then those in the next ones. Its memory is kept for the
// next matrix.
type Sparse struct {
	m, k  int
	depth int // columns that are listed together
	bands []band
	index []int32
	value []float32
	bound []int32
}

// A band is where the entries of some rows are. Those of row r in panel p lie from bounds[p*rows+r] to the next bound,
// counted from start.
type band struct {
	rows, start int
	bounds      []int32
}

// Reset makes s an m x k matrix whose rows are still to be listed, all of them, by [Sparse.FillRows] or
// [Sparse.FillColumns]. About a share density of the elements is expected not to be zero.
func (s *Sparse) Reset(m, k int, density float64) {
	if m < 0 || k < 0 {
		panic(fmt.Sprintf("simd: Sparse: m=%d k=%d", m, k))
	}
	s.m, s.k = m, k
	panels, bands := pieces(k, panelDepth(m, density)), pieces(m, bandRows)
	s.depth = pieces(k, max(panels, 1))
	size := bandRows*k + maxLanes // of a band without zeros, and what is written past its end
	s.index = resize(s.index, bands*size)
	s.value = resize(s.value, bands*size)
	s.bound = resize(s.bound, bands*(panels*bandRows+1))
	s.bands = resize(s.bands, bands)
	for i := range s.bands {
		rows := min(bandRows, m-i*bandRows)
		bounds := s.bound[i*(panels*bandRows+1):][:panels*rows+1]
		bounds[0] = 0
		s.bands[i] = band{rows, i * size, bounds}
	}
}

// panelDepth is how many columns of A are listed together: so many that a row has a dozen entries or two there, and no
// more, so that the panel of B which they are multiplied with stays near. A panel that is hardly used again need not.
func panelDepth(m int, density float64) int {
	const least, most, entries, uses = 64, 1024, 8, 2
	if float64(m)*density < uses {
		return math.MaxInt32
	}
	return int(min(max(entries/max(density, 1e-6), least), most))
}

// maxLanes is the number of floats in the widest vector.
const maxLanes = 16

// Bands returns how many bands of rows s has, which goroutines may fill at the same time.
func (s *Sparse) Bands() int { return len(s.bands) }

// Width returns the number of columns.
func (s *Sparse) Width() int { return s.k }

// FillRows lists the rows of the bands from lo to hi: A = x [m,k], whose rows lie ldx elements apart.
func (s *Sparse) FillRows(lo, hi int, x []float32, ldx int) {
	s.fitFill("FillRows", lo, hi, len(x), ldx, s.m, s.k)
	if s.k == 0 {
		return
	}
	for i := lo; i < hi; i++ {
		s.compress(&s.bands[i], x[i*bandRows*ldx:], ldx)
	}
}

// FillColumns lists the rows of the bands from lo to hi: A = transpose(x), x [k,m], whose rows lie ldx elements apart.
func (s *Sparse) FillColumns(lo, hi int, x []float32, ldx int) {
	s.fitFill("FillColumns", lo, hi, len(x), ldx, s.k, s.m)
	if s.k == 0 {
		return
	}
	w := takeWorkspace()
	defer w.giveBack()
	ld := pieces(s.k, maxLanes) * maxLanes
	w.a = resize(w.a, bandRows*ld)
	for i := lo; i < hi; i++ {
		b := &s.bands[i]
		active.gemm.columnsToRows(w.a, ld, x[i*bandRows:], ldx, s.k, b.rows)
		s.compress(b, w.a, ld)
	}
}

func (s *Sparse) fitFill(op string, lo, hi, length, ld, rows, cols int) {
	if lo < 0 || hi < lo || hi > len(s.bands) || !fits(length, ld, rows, cols) {
		panic(fmt.Sprintf("simd: Sparse.%s: bands %d to %d of %d: x [%d,%d] with stride %d in %d elements",
			op, lo, hi, len(s.bands), rows, cols, ld, length))
	}
}

// compress lists the rows of a band, panel by panel.
func (s *Sparse) compress(b *band, x []float32, ldx int) {
	index, value := s.index[b.start:], s.value[b.start:]
	for p, p0 := 0, 0; p0 < s.k; p, p0 = p+1, p0+s.depth {
		active.sparse.compress(index, value, b.bounds[p*b.rows:][:b.rows+1], x[p0:], ldx, min(s.depth, s.k-p0))
	}
}

// Len returns the number of elements that are kept.
func (s *Sparse) Len() (n int) {
	for _, b := range s.bands {
		n += int(b.bounds[len(b.bounds)-1])
	}
	return n
}

// A SparseProduct says how the product of a sparse matrix A [m,k] and a dense one B [k,n] is to be computed.
type SparseProduct struct {
	TransA  bool    // A is stored transposed, [k,m]; for Gemm
	TransB  bool    // B is stored transposed, [n,k]
	TransC  bool    // C is to be stored transposed, [n,m]
	Acc     bool    // C = C + A*B instead of C = A*B
	Finite  bool    // B is known to be finite
	Density float64 // the share of A that is not zero, about; for Gemm
}

// Mul computes rows lo to hi of C = A*B, or C = C + A*B, and reports whether B is finite. If it is not, the products
// that are left out would be NaN instead of zero, and a dense product is to be computed: C is what it was with Acc,
// and undefined otherwise.
//
// If B is finite, the result has the bits of the dense product ([GemmNN]).
func (s *Sparse) Mul(op SparseProduct, lo, hi, n int, b []float32, ldb int, c []float32, ldc int) bool {
	s.fit(op, lo, hi, n, len(b), ldb, len(c), ldc)
	if lo == hi || n == 0 {
		return true
	}
	p := sparseProduct{s, op, lo, hi, n, b, ldb, c, ldc}
	if s.k == 0 {
		p.clear()
		return true
	}
	if op.Acc && !op.Finite { // before C changes
		if p.Finite = op.finite(n, s.k, b, ldb); !p.Finite {
			return false
		}
	}
	w := takeWorkspace()
	defer w.giveBack()
	if op.TransB && n < fewColumns && !op.Acc && s.depth >= s.k {
		return p.columnByColumn(w)
	}
	if op.TransB && p.uses() < worthTransposing {
		return p.pick(w)
	}
	return p.run(w)
}

// fit panics unless the product's matrices lie within their slices.
func (s *Sparse) fit(op SparseProduct, lo, hi, n, lenB, ldb, lenC, ldc int) {
	br, bc, cr, cc := s.k, n, s.m, n
	if op.TransB {
		br, bc = n, s.k
	}
	if op.TransC {
		cr, cc = n, s.m
	}
	if lo < 0 || hi < lo || hi > s.m || n < 0 || !fits(lenB, ldb, br, bc) || !fits(lenC, ldc, cr, cc) {
		panic(fmt.Sprintf("simd: Sparse.Mul: rows %d to %d of A [%d,%d], n=%d: "+
			"B [%d,%d] with stride %d in %d elements, C [%d,%d] with stride %d in %d",
			lo, hi, s.m, s.k, n, br, bc, ldb, lenB, cr, cc, ldc, lenC))
	}
}

// A sparseProduct is the arguments of one call.
type sparseProduct struct {
	*Sparse
	SparseProduct
	lo, hi, n int
	b         []float32
	ldb       int
	c         []float32
	ldc       int
}

// clear is the product without inner dimension.
func (p *sparseProduct) clear() {
	from, to, rows := p.lo*p.ldc, p.n, p.hi-p.lo
	if p.TransC {
		from, to, rows = p.lo, p.hi-p.lo, p.n
	}
	for r := 0; r < rows && !p.Acc; r++ {
		clear(p.c[from+r*p.ldc:][:to])
	}
}

// worthTransposing is how often an element of B must be used for it to pay to transpose the panels of B.
const worthTransposing = 0.6

// uses returns how often an element of B is used.
func (p *sparseProduct) uses() float64 {
	return float64(p.Len()) / float64(p.k) * float64(p.hi-p.lo) / float64(p.m)
}

// pick computes the product from single elements of B, which is stored transposed and stays as it is.
func (p *sparseProduct) pick(w *workspace) bool {
	w.a, w.b = resize(w.a, stridedRows), resize(w.b, stridedRows*p.k)
	for j := 0; j < p.n; j += stridedRows {
		b, ldb, n := p.b[j*p.ldb:], p.ldb, min(stridedRows, p.n-j)
		if n < stridedRows { // the kernel needs as many
			goCopyRows(w.b, p.k, b, ldb, n, p.k)
			b, ldb = w.b, p.k
		}
		if !p.Finite && !finiteRows(b, ldb, n, p.k) {
			return false
		}
		for r := p.lo; r < p.hi; r++ {
			p.pickRow(r, j, n, b, ldb, w.a)
		}
	}
	return true
}

// pickRow computes n elements of row r of C, those from column j on.
func (p *sparseProduct) pickRow(r, j, n int, b []float32, ldb int, sums []float32) {
	first, step := r*p.ldc+j, 1
	if p.TransC {
		first, step = j*p.ldc+r, p.ldc
	}
	for i := 0; i < n && p.Acc; i++ {
		sums[i] = p.c[first+i*step]
	}
	band := &p.bands[r/bandRows]
	for i, p0 := r%bandRows, 0; p0 < p.k; i, p0 = i+band.rows, p0+p.depth {
		lo, hi := band.start+int(band.bounds[i]), band.start+int(band.bounds[i+1])
		active.sparse.strided(p.index[lo:hi], p.value[lo:hi], b[p0:], ldb, sums, p.Acc || p0 > 0)
	}
	for i := range n {
		p.c[first+i*step] = sums[i]
	}
}

// run computes the product strip by strip of its columns.
func (p *sparseProduct) run(w *workspace) bool {
	vector := active.gemm.width
	width := evenly(p.n, vector*len(active.sparse.strips), vector)
	w.b = resize(w.b, p.depth*width)
	if p.TransC {
		w.a = resize(w.a, (p.tileRows()+maxLanes)*width)
	}
	for j0 := 0; j0 < p.n; j0 += width {
		nc := min(width, p.n-j0)
		for p0 := 0; p0 < p.k; p0 += p.depth {
			panel, ld, finite := p.panel(w.b, p0, min(p.depth, p.k-p0), j0, nc, width)
			if !finite {
				return false
			}
			p.strip(w.a, panel, ld, p0/p.depth, j0, nc, width)
		}
	}
	return true
}

// tileRows is how many rows of a strip of C are held back if it is to be transposed: all of them, unless each is
// complete after one panel.
func (p *sparseProduct) tileRows() int {
	if p.depth < p.k {
		return p.hi - p.lo + bandRows
	}
	return bandRows
}

// panel returns kc rows of B, nc columns wide, as the kernels read them, and whether they are finite. They are packed
// unless they lie well as they are.
func (p *sparseProduct) panel(dst []float32, p0, kc, j0, nc, ld int) (panel []float32, stride int, finite bool) {
	g := &active.gemm
	switch {
	case p.TransB:
		for j := 0; j < nc; j += g.width {
			g.packTransposed(dst[j:], ld, p.b[(j0+j)*p.ldb+p0:], p.ldb, kc, min(g.width, nc-j))
		}
	case nc%g.width == 0 && p.readsInPlace(nc):
		dst, ld = p.b[p0*p.ldb+j0:], p.ldb
	default:
		for j := 0; j < nc; j += g.cols {
			g.copyRows(dst[j:], ld, p.b[p0*p.ldb+j0+j:], p.ldb, kc, min(g.cols, nc-j))
		}
	}
	return dst, ld, p.Finite || finiteRows(dst, ld, kc, nc)
}

// readsInPlace reports whether packing B would take longer than it helps: where rows lie side by side they are as good
// as packed, and few uses do not repay it.
func (p *sparseProduct) readsInPlace(nc int) bool {
	const worthPacking = 8 // uses of an element of B
	return p.ldb == nc || p.uses() < worthPacking
}

// finite reports whether all of B is.
func (op SparseProduct) finite(n, k int, b []float32, ldb int) bool {
	if op.TransB {
		return finiteRows(b, ldb, n, k)
	}
	return finiteRows(b, ldb, k, n)
}

func finiteRows(x []float32, ld, rows, cols int) bool {
	if ld == cols {
		return Finite(x[:rows*cols])
	}
	for r := range rows {
		if !Finite(x[r*ld:][:cols]) {
			return false
		}
	}
	return true
}

// strip adds the products with panel number i to a strip of C, band by band.
func (p *sparseProduct) strip(tile, panel []float32, ld, i, j0, nc, width int) {
	g := &active.gemm
	kernel := active.sparse.strips[pieces(nc, g.width)-1]
	acc := p.Acc || i > 0
	for r, rows := p.lo, 0; r < p.hi; r += rows {
		b, from := &p.bands[r/bandRows], r%bandRows
		rows = min(b.rows-from, p.hi-r)
		bounds, index, value := b.bounds[i*b.rows+from:][:rows+1], p.index[b.start:], p.value[b.start:]
		if !p.TransC {
			kernel(bounds, index, value, panel, ld, p.c[r*p.ldc+j0:], p.ldc, nc, acc)
			continue
		}
		held, ct := tile, p.c[j0*p.ldc+r:]
		if p.depth < p.k {
			held = tile[(r-p.lo)*width:]
		}
		if i == 0 && p.Acc {
			g.columnsToRows(held, width, ct, p.ldc, nc, rows)
		}
		kernel(bounds, index, value, panel, ld, held, width, nc, acc)
		if (i+1)*p.depth >= p.k {
			spare := tile[p.tileRows()*width:]
			g.rowsToColumns(ct, p.ldc, held, width, rows, nc, spare)
		}
	}
}

// columnsToRows turns n columns of x [k,n] into rows: dst[j*ld+p] = x[p*ldx+j]. A row of dst has room for k elements
// rounded up to whole vectors.
func (g *gemmKernels) columnsToRows(dst []float32, ld int, x []float32, ldx, k, n int) {
	for p := 0; p < k; p += g.width {
		g.packTransposed(dst[p:], ld, x[p*ldx:], ldx, n, min(g.width, k-p))
	}
}

// rowsToColumns turns rows of n elements into columns: dst[j*ld+r] = x[r*ldx+j]. It writes nothing else to dst, but to
// spare, which has room for n vectors.
func (g *gemmKernels) rowsToColumns(dst []float32, ld int, x []float32, ldx, rows, n int, spare []float32) {
	for r := 0; r < rows; r += g.width {
		if rows-r >= g.width {
			g.packTransposed(dst[r:], ld, x[r*ldx:], ldx, n, g.width)
			continue
		}
		g.packTransposed(spare, g.width, x[r*ldx:], ldx, n, rows-r)
		for j := range n {
			copy(dst[j*ld+r:][:rows-r], spare[j*g.width:])
		}
	}
}
