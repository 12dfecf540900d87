// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

var neonGemm = gemmKernels{
	rows: 6, cols: 16, width: 8,
	normal: [][2]tileKernel{
		{neonTileN1x1, neonTileN1x2},
		{neonTileN2x1, neonTileN2x2},
		{neonTileN3x1, neonTileN3x2},
		{neonTileN4x1, neonTileN4x2},
		{neonTileN5x1, neonTileN5x2},
	},
	transposed: [][2]tileKernel{
		{neonTileT1x1, neonTileT1x2},
		{neonTileT2x1, neonTileT2x2},
		{neonTileT3x1, neonTileT3x2},
		{neonTileT4x1, neonTileT4x2},
		{neonTileT5x1, neonTileT5x2},
		{neonTileT6x1, neonTileT6x2},
	},
	copyRows:  neonCopyRows,
	transpose: neonTranspose,
	prefetch:  func(c []float32, ldc, rows int) {},
}

var neonSparse = sparseKernels{
	cost: 1.4, // instructions, counted: 25 for 16 multiplications of a strip of 64 columns, 26 for 24 of a tile
	strips: []stripKernel{
		neonStrip1, neonStrip2, neonStrip3, neonStrip4,
		neonStrip5, neonStrip6, neonStrip7, neonStrip8,
	},
	strided:   neonStrided,
	eightRows: neonEightRows,
	sampled:   neonSampled,
	taps: []tapsKernel{
		neonSparseTaps1, neonSparseTaps2, neonSparseTaps3, neonSparseTaps4,
		neonSparseTaps5, neonSparseTaps6, neonSparseTaps7, neonSparseTaps8,
	},
	compress: neonCompress,
}

var (
	neonCorrelate = []correlateKernel{
		neonCorrelate1, neonCorrelate2, neonCorrelate3,
		neonCorrelate4, neonCorrelate5, neonCorrelate6,
	}
	neonSpread        = []spreadKernel{neonSpread1, neonSpread2, neonSpread3, neonSpread4, neonSpread5, neonSpread6}
	neonCorrelateGrad = []correlateGradKernel{neonCorrelateGrad1, neonCorrelateGrad2, neonCorrelateGrad3}
)

var neonConv = convKernels{
	runs: 2, gradRows: 3, gradTaps: 2,
	correlate:     [2][]correlateKernel{neonCorrelate, neonCorrelate},
	spread:        [2][]spreadKernel{neonSpread, neonSpread},
	correlateGrad: [2][]correlateGradKernel{neonCorrelateGrad, neonCorrelateGrad},
}

var neonWinograd = [4]winogradMaps{
	{neonWinogradInput4, neonWinogradOutput23, neonWinogradOutputT23, neonWinogradFilter23, neonWinogradFilterT23},
	{neonWinogradInput6, neonWinogradOutput43, neonWinogradOutputT43, neonWinogradFilter43, neonWinogradFilterT43},
	{neonWinogradInput6, neonWinogradOutput25, neonWinogradOutputT25, neonWinogradFilter25, neonWinogradFilterT25},
	{neonWinogradInput8, neonWinogradOutput45, neonWinogradOutputT45, neonWinogradFilter45, neonWinogradFilterT45},
}
