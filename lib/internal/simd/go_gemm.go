// SPDX-License-Identifier: Apache-2.0

package simd

// goGemm computes tiles of 4 x 4 elements.
var goGemm = gemmKernels{
	rows: 4, cols: 4, width: 4,
	normal:     goTiles(goTile),
	transposed: goTiles(goTileTransposed),
	copyRows:   goCopyRows,
	transpose:  goTranspose,
	prefetch:   func(c []float32, ldc, rows int) {},
}

// goTiles makes the table of tile kernels from one that is told its number of rows.
func goTiles(tile func(rows int, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int,
	acc bool)) [][2]tileKernel {
	table := make([][2]tileKernel, 4)
	for i := range table {
		kernel := func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool, _ *float32,
			_ int, _ *float32) {
			tile(i+1, k, a, lda, b, ldb, c, ldc, cols, acc)
		}
		table[i] = [2]tileKernel{kernel, kernel}
	}
	return table
}

// goTile reads A by rows.
func goTile(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool) {
	for i := 0; i < rows; i += 2 {
		t := loadPair(c[i*ldc:], ldc, rows-i, cols, acc)
		t.add(a[i*lda:], a[min(i+1, rows-1)*lda:], k, b, ldb)
		t.store(c[i*ldc:], ldc, rows-i, cols)
	}
}

// goTileTransposed reads A by columns.
func goTileTransposed(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool) {
	for i := 0; i < rows; i += 2 {
		t := loadPair(c[i*ldc:], ldc, rows-i, cols, acc)
		t.addTransposed(a[i:], min(1, rows-1-i), lda, k, b, ldb)
		t.store(c[i*ldc:], ldc, rows-i, cols)
	}
}

// A tilePair is two rows of a tile: as many sums as there are registers for. If the tile has only one more row, the
// second is computed from the same row of A and dropped.
type tilePair [2][4]float32

func loadPair(c []float32, ldc, rows, cols int, acc bool) (t tilePair) {
	if acc {
		for i := range min(rows, 2) {
			copy(t[i][:cols], c[i*ldc:])
		}
	}
	return t
}

func (t *tilePair) store(c []float32, ldc, rows, cols int) {
	for i := range min(rows, 2) {
		for j, sum := range t[i][:cols] {
			c[i*ldc+j] = sum + 0 // -0 becomes +0
		}
	}
}

// add adds the products of two rows of A with a panel of B. The compiler keeps variables in registers, but not arrays;
// and one element of B after the other, each with its check of bounds, keeps it from needing more registers than there
// are.
func (t *tilePair) add(a0, a1 []float32, k int, b []float32, ldb int) {
	s0, s1, s2, s3 := t[0][0], t[0][1], t[0][2], t[0][3]
	u0, u1, u2, u3 := t[1][0], t[1][1], t[1][2], t[1][3]
	a0, a1 = a0[:k], a1[:k]
	for p, x := range a0 {
		y, q := a1[p], p*ldb
		z := b[q]
		s0 += x * z
		u0 += y * z
		z = b[q+1]
		s1 += x * z
		u1 += y * z
		z = b[q+2]
		s2 += x * z
		u2 += y * z
		z = b[q+3]
		s3 += x * z
		u3 += y * z
	}
	t[0] = [4]float32{s0, s1, s2, s3}
	t[1] = [4]float32{u0, u1, u2, u3}
}

// addTransposed is add for rows of A that are its columns in memory, the second one apart from the first by an element
// or, if there is none, by nothing.
func (t *tilePair) addTransposed(a []float32, second, lda, k int, b []float32, ldb int) {
	s0, s1, s2, s3 := t[0][0], t[0][1], t[0][2], t[0][3]
	u0, u1, u2, u3 := t[1][0], t[1][1], t[1][2], t[1][3]
	for p := range k {
		x, y, q := a[p*lda], a[p*lda+second], p*ldb
		z := b[q]
		s0 += x * z
		u0 += y * z
		z = b[q+1]
		s1 += x * z
		u1 += y * z
		z = b[q+2]
		s2 += x * z
		u2 += y * z
		z = b[q+3]
		s3 += x * z
		u3 += y * z
	}
	t[0] = [4]float32{s0, s1, s2, s3}
	t[1] = [4]float32{u0, u1, u2, u3}
}

func goCopyRows(dst []float32, dstStride int, src []float32, stride, k, n int) {
	for p := range k {
		copy(dst[p*dstStride:], src[p*stride:][:n])
	}
}

func goTranspose(dst []float32, dstStride int, src []float32, stride, k, n int) {
	for j := range n {
		for p, v := range src[j*stride:][:k] {
			dst[p*dstStride+j] = v
		}
	}
}
