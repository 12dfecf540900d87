// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// available lists the implementations that run here, best first.
func available() []*kernels {
	list := []*kernels{&goKernels}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasPOPCNT {
		list = append([]*kernels{&avx2Kernels}, list...)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
			best := avx512Kernels
			if !x.HasAVX512VPOPCNTDQ { // the first processors with AVX-512
				best.hamming, best.hammingBelow, best.hammingBelow4 = avx2Hamming, avx2HammingBelow, avx2Kernels.hammingBelow4
			}
			tiles := hasTiles()
			best.amx = tiles && x.HasAMXInt8
			switch {
			case x.HasAVX512BF16 && tiles && x.HasAMXBF16:
				best.bfloat = amxBfloat
			case x.HasAVX512BF16:
				best.bfloat = avx512Bfloat
			}
			list = append([]*kernels{&best}, list...)
		}
	}
	return list
}

var avx512Kernels = kernels{
	name: "avx512",
	gemm: avx512Gemm,
	conv: avx512Conv,

	bfloat: goBfloat, // unless the processor multiplies such numbers

	sparse: avx512Sparse,

	winograd: avx512Winograd,

	add:         avx512Add,
	sub:         avx512Sub,
	mul:         avx512Mul,
	div:         avx512Div,
	mulAdd:      avx512MulAdd,
	scale:       avx512Scale,
	addScalar:   avx512AddScalar,
	axpy:        avx512Axpy,
	addSign:     avx512AddSign,
	relu:        avx512Relu,
	reluGrad:    avx512ReluGrad,
	reluGradAdd: avx512ReluGradAdd,
	addRelu:     avx512AddRelu,
	sqrt:        avx512Sqrt,
	abs:         avx512Abs,
	recip:       avx512Recip,
	sign:        avx512Sign,
	clamp:       avx512Clamp,
	scaleU8:     avx512ScaleU8,
	exp:         avx512Exp,
	log:         avx512Log,
	tanh:        avx512Tanh,
	sigmoid:     avx512Sigmoid,

	sum:           avx512Sum,
	absSum:        avx512AbsSum,
	sumSquares:    avx512SumSquares,
	zeroTimes:     avx512ZeroTimes,
	dot:           avx512Dot,
	max:           avx512Max,
	index:         avx512Index,
	countNonZero:  avx512CountNonZero,
	countPositive: avx512CountPositive,
	countAtLeast:  avx512CountAtLeast,
	hamming:       avx512Hamming,
	hammingBelow:  avx512HammingBelow,
	hammingBelow4: avx512HammingBelow4,
	repel:         avx512Repel,

	pursue:          avx512Pursue,
	pursueOptimized: avx512PursueOptimized,

	multiplyAdds:        avx512MultiplyAdds,
	multiplyAddsPerStep: 256,

	expSum:      avx512ExpSum,
	sumRows:     avx512SumRows,
	copyRowsAdd: avx512CopyRowsAdd,
	addToRows:   avx512AddToRows,
	maxPool2:    avx512MaxPool2,

	centredSquares:   avx512CentredSquares,
	centredDot:       avx512CentredDot,
	normalize:        avx512Normalize,
	normalizeGrad:    avx512NormalizeGrad,
	normalizeGradAdd: avx512NormalizeGradAdd,

	sgd:      avx512SGD,
	momentum: avx512Momentum,
	nesterov: avx512Nesterov,
	adam:     avx512Adam,
	rmsProp:  avx512RMSProp,
}

var avx2Kernels = kernels{
	name: "avx2",
	gemm: avx2Gemm,
	conv: avx2Conv,

	bfloat: goBfloat,

	sparse: avx2Sparse,

	winograd: avx2Winograd,

	add:         avx2Add,
	sub:         avx2Sub,
	mul:         avx2Mul,
	div:         avx2Div,
	mulAdd:      avx2MulAdd,
	scale:       avx2Scale,
	addScalar:   avx2AddScalar,
	axpy:        avx2Axpy,
	addSign:     avx2AddSign,
	relu:        avx2Relu,
	reluGrad:    avx2ReluGrad,
	reluGradAdd: avx2ReluGradAdd,
	addRelu:     avx2AddRelu,
	sqrt:        avx2Sqrt,
	abs:         avx2Abs,
	recip:       avx2Recip,
	sign:        avx2Sign,
	clamp:       avx2Clamp,
	scaleU8:     avx2ScaleU8,
	exp:         avx2Exp,
	log:         avx2Log,
	tanh:        avx2Tanh,
	sigmoid:     avx2Sigmoid,

	sum:           avx2Sum,
	absSum:        avx2AbsSum,
	sumSquares:    avx2SumSquares,
	zeroTimes:     avx2ZeroTimes,
	dot:           avx2Dot,
	max:           avx2Max,
	index:         avx2Index,
	countNonZero:  avx2CountNonZero,
	countPositive: avx2CountPositive,
	countAtLeast:  avx2CountAtLeast,
	hamming:       avx2Hamming,
	hammingBelow:  avx2HammingBelow,
	hammingBelow4: fourTimes(avx2HammingBelow),
	repel:         avx2Repel,

	pursue:          avx2Pursue,
	pursueOptimized: avx2PursueOptimized,

	multiplyAdds:        avx2MultiplyAdds,
	multiplyAddsPerStep: 64,

	expSum:      avx2ExpSum,
	sumRows:     avx2SumRows,
	copyRowsAdd: avx2CopyRowsAdd,
	addToRows:   avx2AddToRows,
	maxPool2:    avx2MaxPool2,

	centredSquares:   avx2CentredSquares,
	centredDot:       avx2CentredDot,
	normalize:        avx2Normalize,
	normalizeGrad:    avx2NormalizeGrad,
	normalizeGradAdd: avx2NormalizeGradAdd,

	sgd:      avx2SGD,
	momentum: avx2Momentum,
	nesterov: avx2Nesterov,
	adam:     avx2Adam,
	rmsProp:  avx2RMSProp,
}
