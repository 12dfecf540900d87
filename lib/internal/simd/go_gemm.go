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
func goTiles(tile func(rows int, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool)) [][2]tileKernel {
	table := make([][2]tileKernel, 4)
	for i := range table {
		kernel := func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool, _ *float32, _ int) {
			tile(i+1, k, a, lda, b, ldb, c, ldc, cols, acc)
		}
		table[i] = [2]tileKernel{kernel, kernel}
	}
	return table
}

// goTile reads A by rows. Rows past the last are computed from the last one and dropped.
func goTile(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool) {
	var t [4][4]float32
	if acc {
		loadTile(&t, c, ldc, rows, cols)
	}
	last := rows - 1
	a0, a1 := a[:k], a[min(1, last)*lda:][:k]
	a2, a3 := a[min(2, last)*lda:][:k], a[min(3, last)*lda:][:k]
	for p := range k {
		tileStep(&t, a0[p], a1[p], a2[p], a3[p], (*[4]float32)(b[p*ldb:]))
	}
	storeTile(&t, c, ldc, rows, cols)
}

// goTileTransposed reads A by columns.
func goTileTransposed(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool) {
	var t [4][4]float32
	if acc {
		loadTile(&t, c, ldc, rows, cols)
	}
	last := rows - 1
	r1, r2, r3 := min(1, last), min(2, last), min(3, last)
	for p := range k {
		x := a[p*lda:][:rows]
		tileStep(&t, x[0], x[r1], x[r2], x[r3], (*[4]float32)(b[p*ldb:]))
	}
	storeTile(&t, c, ldc, rows, cols)
}

// tileStep adds the outer product of a column of A and a row of B to the tile.
func tileStep(t *[4][4]float32, x0, x1, x2, x3 float32, b *[4]float32) {
	b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
	t[0][0] += x0 * b0
	t[0][1] += x0 * b1
	t[0][2] += x0 * b2
	t[0][3] += x0 * b3
	t[1][0] += x1 * b0
	t[1][1] += x1 * b1
	t[1][2] += x1 * b2
	t[1][3] += x1 * b3
	t[2][0] += x2 * b0
	t[2][1] += x2 * b1
	t[2][2] += x2 * b2
	t[2][3] += x2 * b3
	t[3][0] += x3 * b0
	t[3][1] += x3 * b1
	t[3][2] += x3 * b2
	t[3][3] += x3 * b3
}

func loadTile(t *[4][4]float32, c []float32, ldc, rows, cols int) {
	for i := range rows {
		copy(t[i][:cols], c[i*ldc:])
	}
}

func storeTile(t *[4][4]float32, c []float32, ldc, rows, cols int) {
	for i := range rows {
		copy(c[i*ldc:], t[i][:cols])
	}
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
