// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"slices"
)

// Share makes s the matrix of so many columns whose row i has the elements value[bounds[i]:bounds[i+1]], in the columns
// index[bounds[i]:bounds[i+1]], each at most once. Products add in this order: they have the bits of the dense product
// if the columns ascend. It keeps index and value.
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

// A SparseStencil says what the outputs of filters see of which only few weights exist: filter i has the weights from
// bounds[i] to bounds[i+1]. Output j of run r sees x[starts[r]+j+offsets[e]] through weight e.
type SparseStencil struct {
	bounds, offsets, starts []int32
	span                    int // elements of x that are seen
}

// NewSparseStencil returns the stencil with these tables, which it keeps. It panics if there is no filter or run, or a
// negative number.
func NewSparseStencil(bounds, offsets, starts []int32) *SparseStencil {
	s := &SparseStencil{bounds: bounds, offsets: offsets, starts: starts}
	if len(bounds) < 2 || len(starts) == 0 || int(bounds[len(bounds)-1]) != len(offsets) || bounds[0] != 0 ||
		slices.Min(starts) < 0 || len(offsets) > 0 && slices.Min(offsets) < 0 {
		panic(fmt.Sprintf("simd: NewSparseStencil: bounds %v, %d offsets, starts %v", bounds, len(offsets), starts))
	}
	s.span = int(slices.Max(starts)) + Run
	if len(offsets) > 0 {
		s.span += int(slices.Max(offsets))
	}
	return s
}

// Span returns how many elements of x the stencil needs.
func (s *SparseStencil) Span() int { return s.span }

// Correlate computes rows of outputs, one for each filter, from the weights w and a bias for each filter:
//
//	dst[i*ld + Run*r + j] = bias[i] + sum over weights e of filter i of w[e] * x[starts[r] + j + offsets[e]]
//
// The sum is one chain of fused multiply-adds in the order of the weights, to which the bias is added. It is fastest if
// few runs cross a cache line.
func (s *SparseStencil) Correlate(dst []float32, ld int, w, bias, x []float32) {
	m, runs := len(s.bounds)-1, len(s.starts)
	if ld < runs*Run || len(dst) < (m-1)*ld+runs*Run || len(w) != len(s.offsets) || len(bias) != m || len(x) < s.span {
		panic(fmt.Sprintf("simd: SparseStencil: %d filters of %d weights, %d weights and %d biases given, %d runs, "+
			"%d of %d inputs, dst %d with stride %d",
			m, len(s.offsets), len(w), len(bias), runs, len(x), s.span, len(dst), ld))
	}
	kernels := active.sparse.taps
	for r := 0; r < runs; {
		n := min(runs-r, len(kernels))
		kernels[n-1](s.bounds, s.offsets, w, bias, x, s.starts[r:], dst[r*Run:], ld)
		r += n
	}
}
