// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// fold adds the partial sums of a reduction pairwise.
func fold(p *[lanes]float32) float32 {
	for h := lanes / 2; h > 0; h /= 2 {
		for l := 0; l < h; l++ {
			p[l] += p[l+h]
		}
	}
	return p[0]
}

func goSum(x []float32) float32 {
	var p [lanes]float32
	for ; len(x) >= lanes; x = x[lanes:] {
		for l, v := range x[:lanes] {
			p[l] += v
		}
	}
	for l, v := range x {
		p[l] += v
	}
	return fold(&p)
}

func goAbsSum(x []float32) float32 {
	var p [lanes]float32
	for ; len(x) >= lanes; x = x[lanes:] {
		for l, v := range x[:lanes] {
			p[l] += abs(v)
		}
	}
	for l, v := range x {
		p[l] += abs(v)
	}
	return fold(&p)
}

// goZeroTimes returns the sum of 0*x: NaN unless all of x is finite.
func goZeroTimes(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += 0 * v
	}
	return sum
}

func goSumSquares(x []float32) float32 { return goDot(x, x) }

func goDot(a, b []float32) float32 {
	var p [lanes]float32
	for ; len(a) >= lanes; a, b = a[lanes:], b[lanes:] {
		b := b[:lanes]
		for l, v := range a[:lanes] {
			p[l] += v * b[l]
		}
	}
	for l, v := range a {
		p[l] += v * b[l]
	}
	return fold(&p)
}

func goMax(x []float32) float32 {
	m := x[0]
	for _, v := range x {
		if v != v {
			return v
		}
		if v > m {
			m = v
		}
	}
	return m
}

// goIndex returns the lowest index at which x equals v, or -1.
func goIndex(x []float32, v float32) int {
	for i, u := range x {
		if u == v {
			return i
		}
	}
	return -1
}

func goCountNonZero(x []float32) int {
	n := 0
	for _, v := range x {
		if v != 0 {
			n++
		}
	}
	return n
}

func goCountPositive(x []float32) int {
	n := 0
	for _, v := range x {
		if v > 0 {
			n++
		}
	}
	return n
}

// goExpSum sets dst = exp(x + shift) and returns the sum of dst.
func goCountAtLeast(x []float32, s float32) int {
	n := 0
	for _, v := range x {
		if v >= s {
			n++
		}
	}
	return n
}

func goExpSum(dst, x []float32, shift float32) float32 {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i] + shift)))
	}
	return goSum(dst)
}

func goSumRows(dst, x []float32, rows, stride int, acc bool) {
	if !acc {
		clear(dst)
	}
	for r := 0; r < rows; r++ {
		goAdd(dst, dst, x[r*stride:])
	}
}
