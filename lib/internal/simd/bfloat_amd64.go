// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// avx512Bfloat multiplies with VDPBF16PS. Of four steps of k, its words are the first and the third, the second and the
// fourth: so the even steps are one chain of sums and the odd steps another, as they are in tiles.
var avx512Bfloat = bfloatKernels{
	name: "avx512", rows: 2 * avx512BfloatRows, unit: 1, width: 16,
	pairs: avx512BfloatChains, lines: avx512BfloatLines, tiles: avx512BfloatTiles,
}

// amxBfloat multiplies with TDPBF16PS.
var amxBfloat = bfloatKernels{
	name: "amx", rows: 32, unit: 32, width: 32, tiled: true, whole: true,
	pairs: avx512BfloatPairs, lines: avx512BfloatLines, tiles: amxBfloatWhole,
}

// avx512BfloatRows is the number of rows of the largest tile; a panel of A has two of them.
const avx512BfloatRows = 7

var avx512BfloatTile = [avx512BfloatRows][2]func(
	passes, phases int, a, b []uint32, c []float32, ldc, cols int, acc bool){
	{avx512BfloatTile1x1, avx512BfloatTile1x2},
	{avx512BfloatTile2x1, avx512BfloatTile2x2},
	{avx512BfloatTile3x1, avx512BfloatTile3x2},
	{avx512BfloatTile4x1, avx512BfloatTile4x2},
	{avx512BfloatTile5x1, avx512BfloatTile5x2},
	{avx512BfloatTile6x1, avx512BfloatTile6x2},
	{avx512BfloatTile7x1, avx512BfloatTile7x2},
}

func avx512BfloatTiles(blocks, parts int, a, b []uint32, c []float32, ldc, rows, cols int, acc bool) {
	passes, phases := blocks, 0
	if parts == 2 {
		passes, phases = 3*blocks, 2
	}
	step := evenly(rows, 2*avx512BfloatRows, 1)
	for i := 0; i < rows; i += step {
		panel := min(step, rows-i)
		half := evenly(panel, avx512BfloatRows, 1)
		for r := 0; r < panel; r += half {
			tile := avx512BfloatTile[min(half, panel-r)-1][(cols-1)/16]
			tile(passes, phases, a[r:], b, c[(i+r)*ldc:], ldc, cols, acc)
		}
		a = a[bfloatWords(blocks, parts, 16):]
	}
}

// amxConfig is the configuration of tiles that all have 16 rows of 64 bytes.
var amxConfig = func() (config [64]byte) {
	config[0] = 1 // palette
	for tile := range 8 {
		config[16+2*tile] = 64
		config[48+tile] = 16
	}
	return config
}()

func amxBfloatWhole(blocks, parts int, a, b []uint32, c []float32, ldc, rows, _ int, acc bool) {
	add := 0
	if acc {
		add = 1
	}
	amxBfloatTiles(&amxConfig[0], a, b, c, 4*ldc, rows/bfloatCols, blocks, add, parts-1)
}
