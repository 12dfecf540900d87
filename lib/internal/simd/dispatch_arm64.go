// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// available lists the implementations that run here, best first. Every processor of arm64 has NEON.
func available() []*kernels { return []*kernels{&neonKernels, &goKernels} }

// neonKernels are the Go bodies where there is no assembly: for pooling and the filters of minimal convolutions.
var neonKernels = func() kernels {
	k := goKernels
	k.name = "neon"
	k.gemm, k.sparse, k.conv = neonGemm, neonSparse, neonConv

	k.add, k.sub, k.mul, k.div, k.mulAdd = neonAdd, neonSub, neonMul, neonDiv, neonMulAdd
	k.scale, k.addScalar, k.axpy, k.addSign = neonScale, neonAddScalar, neonAxpy, neonAddSign
	k.relu, k.reluGrad, k.reluGradAdd, k.addRelu = neonRelu, neonReluGrad, neonReluGradAdd, neonAddRelu
	k.sqrt, k.abs, k.recip, k.sign, k.clamp = neonSqrt, neonAbs, neonRecip, neonSign, neonClamp
	k.exp, k.log, k.tanh, k.sigmoid = neonExp, neonLog, neonTanh, neonSigmoid
	k.scaleU8 = neonScaleU8

	k.sum, k.absSum, k.sumSquares, k.dot = neonSum, neonAbsSum, neonSumSquares, neonDot
	k.zeroTimes, k.max, k.index = neonZeroTimes, neonMax, neonIndex
	k.countNonZero, k.countPositive, k.countAtLeast = neonCountNonZero, neonCountPositive, neonCountAtLeast
	k.expSum, k.sumRows = neonExpSum, neonSumRows
	k.copyRowsAdd, k.addToRows = neonCopyRowsAdd, neonAddToRows

	k.centredSquares, k.centredDot = neonCentredSquares, neonCentredDot
	k.normalize, k.normalizeGrad, k.normalizeGradAdd = neonNormalize, neonNormalizeGrad, neonNormalizeGradAdd

	k.sgd, k.momentum, k.nesterov, k.adam, k.rmsProp = neonSGD, neonMomentum, neonNesterov, neonAdam, neonRMSProp
	return k
}()

func neonCountNonZero(x []float32) int { return len(x) - neonCountZero(x) }

func neonExpSum(dst, x []float32, shift float32) float32 {
	neonExpShifted(dst, shift, x)
	return neonSum(dst)
}

func neonCopyRowsAdd(dst []float32, dstStride int, src []float32, stride, rows, n int, s float32) {
	for r := range rows {
		neonAddScalar(dst[r*dstStride:][:n], s, src[r*stride:])
	}
}

func neonAddToRows(dst []float32, dstStride int, src []float32, stride, rows, n int) {
	for r := range rows {
		d := dst[r*dstStride:][:n]
		neonAdd(d, d, src[r*stride:])
	}
}
