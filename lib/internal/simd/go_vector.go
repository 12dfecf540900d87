// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// goKernels are the portable bodies, the definition of every kernel.
var goKernels = kernels{
	name: "go",
	gemm: goGemm,
	conv: goConv,

	bfloat: goBfloat,

	sparse: goSparse,

	winograd: goWinograd,

	add:         goAdd,
	sub:         goSub,
	mul:         goMul,
	div:         goDiv,
	mulAdd:      goMulAdd,
	scale:       goScale,
	addScalar:   goAddScalar,
	axpy:        goAxpy,
	addSign:     goAddSign,
	relu:        goRelu,
	reluGrad:    goReluGrad,
	reluGradAdd: goReluGradAdd,
	addRelu:     goAddRelu,
	sqrt:        goSqrt,
	abs:         goAbs,
	recip:       goRecip,
	sign:        goSign,
	clamp:       goClamp,
	scaleU8:     goScaleU8,
	exp:         goExp,
	log:         goLog,
	tanh:        goTanh,
	sigmoid:     goSigmoid,

	sum:           goSum,
	absSum:        goAbsSum,
	sumSquares:    goSumSquares,
	zeroTimes:     goZeroTimes,
	dot:           goDot,
	max:           goMax,
	index:         goIndex,
	countNonZero:  goCountNonZero,
	countPositive: goCountPositive,
	countAtLeast:  goCountAtLeast,
	hamming:       goHamming,
	hammingBelow:  goHammingBelow,
	hammingBelow4: fourTimes(goHammingBelow),
	repel:         goRepel,

	pursue:          goPursue,
	pursueOptimized: goPursueOptimized,

	multiplyAdds:        goMultiplyAdds,
	multiplyAddsPerStep: 4,

	expSum:      goExpSum,
	sumRows:     goSumRows,
	copyRowsAdd: goCopyRowsAdd,
	addToRows:   goAddToRows,
	maxPool2:    goMaxPool2,

	centredSquares:   goCentredSquares,
	centredDot:       goCentredDot,
	normalize:        goNormalize,
	normalizeGrad:    goNormalizeGrad,
	normalizeGradAdd: goNormalizeGradAdd,

	sgd:      goSGD,
	momentum: goMomentum,
	nesterov: goNesterov,
	adam:     goAdam,
	rmsProp:  goRMSProp,
}

func goAdd(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func goSub(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func goMul(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func goDiv(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

func goMulAdd(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func goScale(dst []float32, s float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = s * x[i]
	}
}

func goAddScalar(dst []float32, s float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = s + x[i]
	}
}

func goAxpy(dst []float32, s float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += s * x[i]
	}
}

// rectify returns v, or 0 if it is negative; NaN stays.
func rectify(v float32) float32 {
	if v < 0 {
		return 0
	}
	return v
}

func goRelu(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = rectify(x[i])
	}
}

func goAddRelu(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = rectify(a[i] + b[i])
	}
}

func goReluGrad(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	for i := range dst {
		var d float32
		if x[i] > 0 {
			d = dy[i]
		}
		dst[i] = d
	}
}

func goReluGradAdd(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	for i := range dst {
		if x[i] > 0 {
			dst[i] += dy[i]
		}
	}
}

func goSqrt(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(math.Sqrt(float64(x[i])))
	}
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func goAbs(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = abs(x[i])
	}
}

func goRecip(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = 1 / x[i]
	}
}

func goSign(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		switch {
		case v > 0:
			dst[i] = 1
		case v < 0:
			dst[i] = -1
		default:
			dst[i] = v
		}
	}
}

func goClamp(dst, x []float32, lo, hi float32) {
	x = x[:len(dst)]
	for i, v := range x {
		switch {
		case v < lo:
			dst[i] = lo
		case v > hi:
			dst[i] = hi
		default:
			dst[i] = v
		}
	}
}

func goAddSign(dst []float32, s float32, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		switch {
		case v > 0:
			dst[i] += s
		case v < 0:
			dst[i] -= s
		case v != v:
			dst[i] = v
		}
	}
}

func goScaleU8(dst []float32, src []byte, s float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = s * float32(src[i])
	}
}

func goExp(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i])))
	}
}

func goLog(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(math.Log(float64(x[i])))
	}
}

func goTanh(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = tanh(x[i])
	}
}

// tanh is x - x^3/3 where the next term vanishes beside it and (exp(2x)-1) / (exp(2x)+1) elsewhere, in float64, which
// has digits to spare for the subtraction.
func tanh(x float32) float32 {
	v := float64(x)
	switch a := math.Abs(v); {
	case a < 0x1p-8:
		return float32(v - v*v*v/3)
	case a > 20:
		return float32(math.Copysign(1, v))
	}
	e := math.Exp(2 * v)
	return float32((e - 1) / (e + 1))
}

func goSigmoid(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(1 / (1 + math.Exp(-float64(x[i]))))
	}
}
