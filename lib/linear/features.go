// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Features are the samples of a problem, one row each, [N, D]. They are either dense or compressed: of compressed rows
// only the elements other than zero are kept, 8 bytes each, which saves memory and time below a density of about 30 %.
type Features struct {
	n, d  int
	dense []float32 // [n, d], unless the rows are compressed

	// Compressed row i has the elements value[bounds[i]:bounds[i+1]], in the columns index[bounds[i]:bounds[i+1]].
	compressed bool
	bounds     []int
	index      []int32
	value      []float32
}

// Dense returns the rows of x [N, ...], taken as [N, D], as features. They share the memory of x.
func Dense(x *tensor.Tensor) *Features {
	return &Features{n: x.Rows(), d: x.Width(), dense: x.Data()}
}

// Compressed returns features of the given width without rows, to which [Features.Append] adds. It panics unless width
// is positive.
func Compressed(width int) *Features {
	if width < 1 || width > math.MaxInt32 {
		panic(fmt.Sprintf("linear: Compressed: width %d", width))
	}
	return &Features{d: width, compressed: true, bounds: []int{0}}
}

// Append compresses the rows of x [N, ...], taken as [N, D], and adds them to f. A large data set can so be compressed
// batch by batch. It panics if f is dense or the widths differ.
func (f *Features) Append(x *tensor.Tensor) {
	if !f.compressed || x.Width() != f.d {
		panic(fmt.Sprintf("linear: Append: rows of shape %v to %v", x.Shape(), f))
	}
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			if v != 0 { // NaN is kept: Fit reports it
				f.index, f.value = append(f.index, int32(j)), append(f.value, v)
			}
		}
		f.bounds = append(f.bounds, len(f.value))
	}
	f.n += x.Rows()
}

// Len returns the number of samples N.
func (f *Features) Len() int { return f.n }

// Width returns the number of features D.
func (f *Features) Width() int { return f.d }

func (f *Features) String() string {
	if f.compressed {
		return fmt.Sprintf("compressed features [%d %d]", f.n, f.d)
	}
	return fmt.Sprintf("dense features [%d %d]", f.n, f.d)
}

// Subset returns a copy of the rows idx, in this order. It panics if an index is outside the features.
func (f *Features) Subset(idx []int) *Features {
	for _, i := range idx {
		if i < 0 || i >= f.n {
			panic(fmt.Sprintf("linear: Subset: row %d of %v", i, f))
		}
	}
	if !f.compressed {
		s := &Features{n: len(idx), d: f.d, dense: make([]float32, len(idx)*f.d)}
		for to, i := range idx {
			copy(s.dense[to*f.d:], f.dense[i*f.d:(i+1)*f.d])
		}
		return s
	}
	s, size := Compressed(f.d), 0
	for _, i := range idx {
		size += f.bounds[i+1] - f.bounds[i]
	}
	s.index, s.value = make([]int32, 0, size), make([]float32, 0, size)
	for _, i := range idx {
		lo, hi := f.bounds[i], f.bounds[i+1]
		s.index, s.value = append(s.index, f.index[lo:hi]...), append(s.value, f.value[lo:hi]...)
		s.bounds = append(s.bounds, len(s.value))
	}
	s.n = len(idx)
	return s
}

// check returns an error that names the first element that is not a finite number.
func (f *Features) check() error {
	values := f.dense
	if f.compressed {
		values = f.value
	}
	if simd.Finite(values) {
		return nil
	}
	for at, v := range values {
		if v-v == 0 {
			continue
		}
		row, column := 0, 0
		if f.compressed {
			for f.bounds[row+1] <= at {
				row++
			}
			column = int(f.index[at])
		} else {
			row, column = at/f.d, at%f.d
		}
		return fmt.Errorf("linear: feature %d of sample %d is %v: remove or replace it", column, row, v)
	}
	return nil
}

// A chunk is some consecutive rows of features, laid out for products in both directions.
type chunk struct {
	lo, hi        int
	x             []float32   // dense rows
	rows, columns simd.Sparse // compressed rows [hi-lo, D], and their transpose
}

// Sizes of a chunk. Their number depends on the number of samples alone, because sums are rounded chunk by chunk.
const (
	leastRows          = 64
	mostRows           = 1024
	mostCompressedRows = 4096
	manyChunks         = 16 // wanted, so that cores can share the work
)

// chunks divides the rows.
func (f *Features) chunks() []chunk {
	most := mostRows
	if f.compressed {
		most = mostCompressedRows
	}
	size := min(max((f.n+manyChunks-1)/manyChunks, leastRows), most)
	var list []chunk
	for lo := 0; lo < f.n; lo += size {
		c := chunk{lo: lo, hi: min(lo+size, f.n)}
		if f.compressed {
			f.list(&c)
		} else {
			c.x = f.dense[c.lo*f.d : c.hi*f.d]
		}
		list = append(list, c)
	}
	return list
}

// list makes the two lists of the elements of a chunk of compressed rows.
func (f *Features) list(c *chunk) {
	from, to := f.bounds[c.lo], f.bounds[c.hi]
	index, value := f.index[from:to], f.value[from:to]
	rows, columns := make([]int32, c.hi-c.lo+1), make([]int32, f.d+1)
	for i := range rows {
		rows[i] = int32(f.bounds[c.lo+i] - from)
	}
	for _, j := range index {
		columns[j+1]++
	}
	for j := range f.d {
		columns[j+1] += columns[j]
	}
	next, at, transposed := make([]int32, f.d), make([]int32, len(index)), make([]float32, len(value))
	copy(next, columns)
	for i := range c.hi - c.lo {
		for e := rows[i]; e < rows[i+1]; e++ {
			j := index[e]
			at[next[j]], transposed[next[j]] = int32(i), value[e]
			next[j]++
		}
	}
	c.rows.Share(f.d, rows, index, value)
	c.columns.Share(c.hi-c.lo, columns, at, transposed)
}

// block returns how many rows a pass takes at a time: so many dense ones that they stay in the second-level cache
// between its two products, and compressed ones all at once.
func (c *chunk) block() int {
	if c.x == nil {
		return c.hi - c.lo
	}
	return 256
}

// scores sets rows lo to hi of z [rows, k] to x v', for v [k, d+1], the last of whose columns is left out.
func (c *chunk) scores(d, lo, hi, k int, v, z []float32) {
	if c.x == nil {
		c.rows.Mul(simd.SparseProduct{TransB: true, Finite: true}, lo, hi, k, v, d+1, z, k)
		return
	}
	simd.GemmNT(hi-lo, k, d, c.x[lo*d:], d, v, d+1, z[lo*k:], k, false)
}

// gather sets g [k, d+1], but for its last column, to s' x for rows lo to hi of s [rows, k], or adds that to it.
func (c *chunk) gather(d, lo, hi, k int, s, g []float32, add bool) {
	if c.x == nil {
		c.columns.Mul(simd.SparseProduct{TransC: true, Finite: true, Acc: add}, 0, d, k, s, k, g, d+1)
		return
	}
	simd.GemmTN(k, d, hi-lo, s[lo*k:], k, c.x[lo*d:], d, g, d+1, add)
}
