// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

var avx512Gemm = gemmKernels{
	rows: 14, cols: 32, width: 16,
	normal: [][2]tileKernel{
		{avx512TileN1x1, avx512TileN1x2},
		{avx512TileN2x1, avx512TileN2x2},
		{avx512TileN3x1, avx512TileN3x2},
		{avx512TileN4x1, avx512TileN4x2},
		{avx512TileN5x1, avx512TileN5x2},
		{avx512TileN6x1, avx512TileN6x2},
		{avx512TileN7x1, avx512TileN7x2},
		{avx512TileN8x1, avx512TileN8x2},
		{avx512TileN9x1, avx512TileN9x2},
		{avx512TileN10x1, avx512TileN10x2},
		{avx512TileN11x1, avx512TileN11x2},
		{avx512TileN12x1, avx512TileN12x2},
		{avx512TileN13x1, avx512TileN13x2},
		{avx512TileN14x1, avx512TileN14x2},
	},
	transposed: [][2]tileKernel{
		{avx512TileT1x1, avx512TileT1x2},
		{avx512TileT2x1, avx512TileT2x2},
		{avx512TileT3x1, avx512TileT3x2},
		{avx512TileT4x1, avx512TileT4x2},
		{avx512TileT5x1, avx512TileT5x2},
		{avx512TileT6x1, avx512TileT6x2},
		{avx512TileT7x1, avx512TileT7x2},
		{avx512TileT8x1, avx512TileT8x2},
		{avx512TileT9x1, avx512TileT9x2},
		{avx512TileT10x1, avx512TileT10x2},
		{avx512TileT11x1, avx512TileT11x2},
		{avx512TileT12x1, avx512TileT12x2},
		{avx512TileT13x1, avx512TileT13x2},
		{avx512TileT14x1, avx512TileT14x2},
	},
	copyRows:  avx512CopyRows,
	transpose: avx512Transpose,
	prefetch:  avx512Prefetch,
}

var avx2Gemm = gemmKernels{
	rows: 6, cols: 16, width: 8,
	normal: [][2]tileKernel{
		{avx2TileN1x1, avx2TileN1x2},
		{avx2TileN2x1, avx2TileN2x2},
		{avx2TileN3x1, avx2TileN3x2},
		{avx2TileN4x1, avx2TileN4x2},
		{avx2TileN5x1, avx2TileN5x2},
		{avx2TileN6x1, avx2TileN6x2},
	},
	transposed: [][2]tileKernel{
		{avx2TileT1x1, avx2TileT1x2},
		{avx2TileT2x1, avx2TileT2x2},
		{avx2TileT3x1, avx2TileT3x2},
		{avx2TileT4x1, avx2TileT4x2},
		{avx2TileT5x1, avx2TileT5x2},
		{avx2TileT6x1, avx2TileT6x2},
	},
	copyRows:  avx2CopyRows,
	transpose: avx2Transpose,
	prefetch:  avx2Prefetch,
}

var avx512Sparse = sparseKernels{
	cost: 1.3,
	strips: []stripKernel{
		avx512Strip1, avx512Strip2, avx512Strip3, avx512Strip4,
		avx512Strip5, avx512Strip6, avx512Strip7, avx512Strip8,
	},
	strided:   avx512Strided,
	eightRows: avx512EightRows,
	sampled:   avx512Sampled,
	taps: []tapsKernel{
		avx512SparseTaps1, avx512SparseTaps2, avx512SparseTaps3, avx512SparseTaps4,
		avx512SparseTaps5, avx512SparseTaps6, avx512SparseTaps7, avx512SparseTaps8,
	},
	compress: avx512Compress,
}

var avx512Conv = convKernels{
	runs: 4, gradRows: 6, gradTaps: 4,
	correlate: [2][]correlateKernel{
		{
			avx512Correlate1, avx512Correlate2, avx512Correlate3,
			avx512Correlate4, avx512Correlate5, avx512Correlate6,
			avx512Correlate7, avx512Correlate8, avx512Correlate9,
			avx512Correlate10, avx512Correlate11, avx512Correlate12,
			avx512Correlate13, avx512Correlate14,
		},
		{
			avx512CorrelateWhole1, avx512CorrelateWhole2, avx512CorrelateWhole3,
			avx512CorrelateWhole4, avx512CorrelateWhole5, avx512CorrelateWhole6,
			avx512CorrelateWhole7, avx512CorrelateWhole8, avx512CorrelateWhole9,
			avx512CorrelateWhole10, avx512CorrelateWhole11, avx512CorrelateWhole12,
			avx512CorrelateWhole13, avx512CorrelateWhole14,
		},
	},
	spread: [2][]spreadKernel{
		{
			avx512Spread1, avx512Spread2, avx512Spread3, avx512Spread4,
			avx512Spread5, avx512Spread6, avx512Spread7, avx512Spread8,
			avx512Spread9, avx512Spread10, avx512Spread11, avx512Spread12,
			avx512Spread13, avx512Spread14,
		},
		{
			avx512SpreadWhole1, avx512SpreadWhole2, avx512SpreadWhole3, avx512SpreadWhole4,
			avx512SpreadWhole5, avx512SpreadWhole6, avx512SpreadWhole7, avx512SpreadWhole8,
			avx512SpreadWhole9, avx512SpreadWhole10, avx512SpreadWhole11, avx512SpreadWhole12,
			avx512SpreadWhole13, avx512SpreadWhole14,
		},
	},
	correlateGrad: [2][]correlateGradKernel{
		{
			avx512CorrelateGrad1, avx512CorrelateGrad2, avx512CorrelateGrad3,
			avx512CorrelateGrad4, avx512CorrelateGrad5, avx512CorrelateGrad6,
		},
		{
			avx512CorrelateGradWhole1, avx512CorrelateGradWhole2, avx512CorrelateGradWhole3,
			avx512CorrelateGradWhole4, avx512CorrelateGradWhole5, avx512CorrelateGradWhole6,
		},
	},
}

var avx2Sparse = sparseKernels{
	cost: 1.3,
	strips: []stripKernel{
		avx2Strip1, avx2Strip2, avx2Strip3, avx2Strip4,
		avx2Strip5, avx2Strip6, avx2Strip7, avx2Strip8,
	},
	strided:   avx2Strided,
	eightRows: avx2EightRows,
	sampled:   avx2Sampled,
	taps: []tapsKernel{
		avx2SparseTaps1, avx2SparseTaps2, avx2SparseTaps3, avx2SparseTaps4,
		avx2SparseTaps5, avx2SparseTaps6, avx2SparseTaps7, avx2SparseTaps8,
	},
	compress: avx2Compress,
}

var (
	avx2Correlate = []correlateKernel{
		avx2Correlate1, avx2Correlate2, avx2Correlate3,
		avx2Correlate4, avx2Correlate5, avx2Correlate6,
	}
	avx2Spread        = []spreadKernel{avx2Spread1, avx2Spread2, avx2Spread3, avx2Spread4, avx2Spread5, avx2Spread6}
	avx2CorrelateGrad = []correlateGradKernel{avx2CorrelateGrad1, avx2CorrelateGrad2, avx2CorrelateGrad3}
)

var avx2Conv = convKernels{
	runs: 2, gradRows: 3, gradTaps: 2,
	correlate:     [2][]correlateKernel{avx2Correlate, avx2Correlate},
	spread:        [2][]spreadKernel{avx2Spread, avx2Spread},
	correlateGrad: [2][]correlateGradKernel{avx2CorrelateGrad, avx2CorrelateGrad},
}

var avx512Winograd = [4]winogradMaps{
	{avx512WinogradInput4, avx512WinogradOutput23, avx512WinogradOutputT23,
		avx512WinogradFilter23, avx512WinogradFilterT23},
	{avx512WinogradInput6, avx512WinogradOutput43, avx512WinogradOutputT43,
		avx512WinogradFilter43, avx512WinogradFilterT43},
	{avx512WinogradInput6, avx512WinogradOutput25, avx512WinogradOutputT25,
		avx512WinogradFilter25, avx512WinogradFilterT25},
	{avx512WinogradInput8, avx512WinogradOutput45, avx512WinogradOutputT45,
		avx512WinogradFilter45, avx512WinogradFilterT45},
}

var avx2Winograd = [4]winogradMaps{
	{avx2WinogradInput4, avx2WinogradOutput23, avx2WinogradOutputT23,
		avx2WinogradFilter23, avx2WinogradFilterT23},
	{avx2WinogradInput6, avx2WinogradOutput43, avx2WinogradOutputT43,
		avx2WinogradFilter43, avx2WinogradFilterT43},
	{avx2WinogradInput6, avx2WinogradOutput25, avx2WinogradOutputT25,
		avx2WinogradFilter25, avx2WinogradFilterT25},
	{avx2WinogradInput8, avx2WinogradOutput45, avx2WinogradOutputT45,
		avx2WinogradFilter45, avx2WinogradFilterT45},
}
