// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// Share makes s the matrix of so many columns whose row i has the elements value[bounds[i]:bounds[i+1]], in the columns
// index[bounds[i]:bounds[i+1]], which ascend. It keeps index and value.
func (s *Sparse) Share(columns int, bounds, index []int32, value []float32) {
	m := len(bounds) - 1
	if m < 0 || columns < 0 || bounds[0] != 0 || int(bounds[m]) > min(len(index), len(value)) {
		panic(fmt.Sprintf("simd: Sparse.Share: %d columns, bounds %v, %d places, %d values",
			columns, bounds, len(index), len(value)))
	}
	*s = Sparse{m: m, k: columns, depth: columns, index: index, value: value}
	for i := 0; i < m; i += bandRows {
		rows := min(bandRows, m-i)
		b := band{rows: rows, start: int(bounds[i]), bounds: make([]int32, rows+1)}
		for r := range b.bounds {
			b.bounds[r] = bounds[i+r] - bounds[i]
		}
		s.bands = append(s.bands, b)
	}
}

// With returns the matrix that has other values in the same places.
func (s *Sparse) With(value []float32) Sparse {
	if len(value) != len(s.value) {
		panic(fmt.Sprintf("simd: Sparse.With: %d values for %d", len(value), len(s.value)))
	}
	other := *s
	other.value = value
	return other
}

// fewColumns is the number of columns of B from which on a strip takes less time than each column by itself.
const fewColumns = 4

// columnByColumn computes the product with few columns of B, stored transposed, from rows that are listed as a whole.
func (p *sparseProduct) columnByColumn(w *workspace) bool {
	if !p.Finite && !finiteRows(p.b, p.ldb, p.n, p.k) {
		return false
	}
	w.a = resize(w.a, stridedRows)
	w.places = resize(w.places, stridedRows+1)
	for r, rows := p.lo, 0; r < p.hi; r += rows {
		b, from := &p.bands[r/bandRows], r%bandRows
		rows = min(stridedRows, b.rows-from, p.hi-r)
		bounds := b.bounds[from:][:rows+1]
		if rows < stridedRows { // the others have no entries
			n := copy(w.places, bounds)
			for i := n; i <= stridedRows; i++ {
				w.places[i] = bounds[rows]
			}
			bounds = w.places
		}
		for j := range p.n {
			active.sparse.eightRows(bounds, p.index[b.start:], p.value[b.start:], p.b[j*p.ldb:], w.a)
			if p.TransC {
				copy(p.c[j*p.ldc+r:][:rows], w.a)
				continue
			}
			for i, sum := range w.a[:rows] {
				p.c[(r+i)*p.ldc+j] = sum
			}
		}
	}
	return true
}

// Sampled computes a few elements of a product, dst[e] = sum over i of a[i]*b[rows[e]*ldb+i], or adds to dst with acc.
// Each is one chain of fused multiply-adds from first to last, as in [GemmNT].
func Sampled(dst []float32, rows []int32, a, b []float32, ldb int, acc bool) {
	if len(dst) != len(rows) || ldb < len(a) {
		panic(fmt.Sprintf("simd: Sampled: %d elements of %d rows, %d factors, stride %d",
			len(dst), len(rows), len(a), ldb))
	}
	e := 0
	for ; e+stridedRows <= len(dst); e += stridedRows {
		active.sparse.sampled(rows[e:], a, b, ldb, dst[e:], acc)
	}
	if e == len(dst) {
		return
	}
	w := takeWorkspace()
	defer w.giveBack()
	w.a, w.places = resize(w.a, stridedRows), resize(w.places, stridedRows)
	copy(w.a, dst[e:])
	for i := copy(w.places, rows[e:]); i < stridedRows; i++ {
		w.places[i] = rows[e]
	}
	active.sparse.sampled(w.places, a, b, ldb, w.a, acc)
	copy(dst[e:], w.a)
}

// Offset returns how far from its start an output sees through a tap.
func (s *Stencil) Offset(tap int) int32 { return s.offsets[tap] }

// CorrelateSparse is [Correlate] for filters of which only few weights exist: filter i has the weights
// value[bounds[i]:bounds[i+1]], at the offsets index[bounds[i]:bounds[i+1]] of their taps. Each output is one chain of
// fused multiply-adds over these, in their order.
func CorrelateSparse(dst []float32, ld int, bounds, index []int32, value, x []float32, s *Stencil, runs int) {
	m := len(bounds) - 1
	if runs < 1 || runs > len(s.starts) || m < 1 || ld < RowLen(runs) || len(dst) < (m-1)*ld+RowLen(runs) ||
		len(x) < s.span || int(bounds[m]) > min(len(index), len(value)) {
		panic(fmt.Sprintf("simd: CorrelateSparse: %d filters, %d offsets, %d weights, %d of %d runs, "+
			"x %d of %d elements, dst %d with stride %d",
			m, len(index), len(value), runs, len(s.starts), len(x), s.span, len(dst), ld))
	}
	taps := &active.sparse.taps[s.wholeIndex()]
	for r := 0; r < runs; {
		vectors := min(pieces(runs-r, taps.runs), len(taps.kernels))
		taps.kernels[vectors-1](bounds, index, value, x, s.starts[r:], dst[r*Run:], ld)
		r += vectors * taps.runs
	}
}
