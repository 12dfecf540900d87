// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// available lists the implementations that run here, best first. Every processor of arm64 has NEON.
func available() []*kernels { return []*kernels{&neonKernels, &goKernels} }

var neonKernels = kernels{
	name: "neon",
	gemm: neonGemm,
	conv: neonConv,

	bfloat: goBfloat,

	sparse: neonSparse,

	winograd: neonWinograd,

	add:         neonAdd,
	sub:         neonSub,
	mul:         neonMul,
	div:         neonDiv,
	mulAdd:      neonMulAdd,
	scale:       neonScale,
	addScalar:   neonAddScalar,
	axpy:        neonAxpy,
	addSign:     neonAddSign,
	relu:        neonRelu,
	reluGrad:    neonReluGrad,
	reluGradAdd: neonReluGradAdd,
	addRelu:     neonAddRelu,
	sqrt:        neonSqrt,
	abs:         neonAbs,
	recip:       neonRecip,
	sign:        neonSign,
	clamp:       neonClamp,
	scaleU8:     neonScaleU8,
	exp:         neonExp,
	log:         neonLog,
	tanh:        neonTanh,
	sigmoid:     neonSigmoid,

	sum:           neonSum,
	absSum:        neonAbsSum,
	sumSquares:    neonSumSquares,
	zeroTimes:     neonZeroTimes,
	dot:           neonDot,
	max:           neonMax,
	index:         neonIndex,
	countNonZero:  neonCountNonZero,
	countPositive: neonCountPositive,
	countAtLeast:  neonCountAtLeast,
	hamming:       neonHamming,
	hammingBelow:  neonHammingBelow,
	hammingBelow4: fourTimes(neonHammingBelow),
	repel:         neonRepel,

	pursue:          neonPursue,
	pursueOptimized: neonPursueOptimized,

	multiplyAdds:        neonMultiplyAdds,
	multiplyAddsPerStep: 96,

	expSum:      neonExpSum,
	sumRows:     neonSumRows,
	copyRowsAdd: neonCopyRowsAdd,
	addToRows:   neonAddToRows,
	maxPool2:    neonMaxPool,

	centredSquares:   neonCentredSquares,
	centredDot:       neonCentredDot,
	normalize:        neonNormalize,
	normalizeGrad:    neonNormalizeGrad,
	normalizeGradAdd: neonNormalizeGradAdd,

	sgd:      neonSGD,
	momentum: neonMomentum,
	nesterov: neonNesterov,
	adam:     neonAdam,
	rmsProp:  neonRMSProp,
}

// The following are assembled from kernels.

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

// neonMaxPool leaves rows shorter than a vector to the Go body.
func neonMaxPool(dst []float32, index []int32, stride, rows, cols int, x []float32, first, rowStep,
	height, width, pitch int) {
	if cols < 4 {
		goMaxPool2(dst, index, stride, rows, cols, x, first, rowStep, height, width, pitch)
		return
	}
	neonMaxPool2(dst, index, stride, rows, cols, x, first, rowStep, height, width, pitch)
}
