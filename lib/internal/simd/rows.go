// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// rowBounds[n] are the bounds of one row of n entries: the kernels take a slice, which must not be allocated.
var rowBounds = func() (b [257][2]int32) {
	for n := range b {
		b[n][1] = int32(n)
	}
	return b
}()

// AddRows adds multiples of rows of a matrix, ld elements apart, to y [n]:
//
//	y_j += sum_e value[e] rows[index[e]*ld + j]
//
// It panics if the lengths do not fit or a row is not within rows.
func AddRows(y []float32, index []int32, value, rows []float32, ld int) {
	if len(index) != len(value) || ld < len(y) {
		panic(fmt.Sprintf("simd: AddRows: %d rows with %d factors, of %d elements, %d apart", len(index), len(value), len(y),
			ld))
	}
	last := len(rows) - len(y)
	for _, i := range index {
		if i < 0 || int(i)*ld > last {
			panic(fmt.Sprintf("simd: AddRows: row %d of %d elements, %d apart, of %d", i, len(y), ld, len(rows)))
		}
	}
	width := active.gemm.width
	whole := len(y) - len(y)%width // the kernels read whole vectors, which could reach beyond the last row
	for from := 0; from < len(index); from += len(rowBounds) - 1 {
		n := min(len(rowBounds)-1, len(index)-from)
		for j := 0; j < whole; {
			vectors := min((whole-j)/width, len(active.sparse.strips))
			active.sparse.strips[vectors-1](rowBounds[n][:], index[from:from+n], value[from:from+n], rows[j:], ld, y[j:],
				len(y), vectors*width, true)
			j += vectors * width
		}
	}
	for j := whole; j < len(y); j++ {
		for e, i := range index {
			y[j] += value[e] * rows[int(i)*ld+j]
		}
	}
}
