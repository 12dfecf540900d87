// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
)

// lanes is the number of partial sums of a reduction: element i is added to partial sum i mod lanes, and the partial
// sums are then added pairwise, l to l + 32, 16, 8, 4, 2, 1. All implementations keep to this order.
const lanes = 64

// Sum returns the sum of x, 0 if it is empty.
func Sum(x []float32) float32 { return active.sum(x) }

// AbsSum returns the sum of |x|, the L1 norm.
func AbsSum(x []float32) float32 { return active.absSum(x) }

// SumSquares returns the sum of x*x, the squared L2 norm.
func SumSquares(x []float32) float32 { return active.sumSquares(x) }

// Dot returns the inner product of a and b.
func Dot(a, b []float32) float32 {
	fit2("Dot", a, b)
	return active.dot(a, b)
}

// Finite reports whether x holds neither a NaN nor an infinity.
func Finite(x []float32) bool {
	zero := active.zeroTimes(x)
	return zero == 0
}

// Max returns the largest element of x, NaN if any element is NaN, and +0 for a zero of either sign.
// It panics if x is empty.
func Max(x []float32) float32 {
	if len(x) == 0 {
		panic("simd: Max of no elements")
	}
	return active.max(x) + 0
}

// ArgMax returns the index of the largest element of x, the lowest one of equals. A NaN counts as larger than every
// number, so that the result is the index of the first NaN if there is one. It panics if x is empty.
func ArgMax(x []float32) int {
	if len(x) == 0 {
		panic("simd: ArgMax of no elements")
	}
	m := active.max(x)
	if m != m {
		for i, v := range x {
			if v != v {
				return i
			}
		}
	}
	return active.index(x, m)
}

// CountNonZero returns how many elements of x are not zero. NaN counts.
func CountNonZero(x []float32) int { return active.countNonZero(x) }

// CountPositive returns how many elements of x are above zero. NaN does not count.
func CountPositive(x []float32) int { return active.countPositive(x) }

// CountAtLeast returns how many elements of x are s or more. NaN does not count.
func CountAtLeast(x []float32, s float32) int { return active.countAtLeast(x, s) }

// KthLargest returns the k-th largest element of x, equal ones counted separately. NaN counts as smaller than all
// numbers; it returns -Inf if fewer than k numbers are left. Zeros of either sign are equal; which one is returned is
// not specified. It panics unless 1 <= k <= len(x).
//
// It bisects the range of floats, at most 32 times, and counts: for some thousands of elements that takes less time
// than sorting a part of them, and no memory.
func KthLargest(x []float32, k int) float32 {
	threshold, _ := bisect("KthLargest", x, k, 0)
	return threshold
}

// Threshold returns a number that separates the k largest elements of x from the others, and how many elements are that
// number or more: k, or more if the k-th largest, which the number then is, has equals. It is -Inf, and -1, if fewer
// than k elements are above -Inf. It does what KthLargest does, but stops as soon as the k largest are apart.
func Threshold(x []float32, k int) (threshold float32, n int) { return bisect("Threshold", x, k, k) }

// bisect finds the largest number such that at least k elements of x are that number or more, and counts them; -1 is no
// count. It stops early at a number with exactly so many elements as are enough; 0 is never enough.
func bisect(name string, x []float32, k, enough int) (threshold float32, n int) {
	if k < 1 || k > len(x) {
		panic(fmt.Sprintf("simd: %s: k=%d of %d elements", name, k, len(x)))
	}
	lo, hi := rank(float32(math.Inf(-1))), rank(float32(math.Inf(1)))
	n = -1 // not counted
	for lo < hi && n != enough {
		middle := lo + (hi-lo+1)/2
		if c := active.countAtLeast(x, unrank(middle)); c >= k {
			lo, n = middle, c
		} else {
			hi = middle - 1
		}
	}
	return unrank(lo), n
}

// rank numbers the floats in ascending order, -0 below +0; unrank is its inverse.
func rank(x float32) int64 {
	b := int64(int32(math.Float32bits(x)))
	if b < 0 {
		return math.MinInt32 - 1 - b
	}
	return b
}

func unrank(r int64) float32 {
	if r < 0 {
		r = math.MinInt32 - 1 - r
	}
	return math.Float32frombits(uint32(int32(r)))
}

// LogSumExp returns log(sum(exp(x))), computed as max + log(sum(exp(x - max))) so that it neither overflows nor
// vanishes: -Inf if x is empty or all -Inf. It uses buf, which must be as long as x and is overwritten; buf may be x.
func LogSumExp(buf, x []float32) float32 {
	fit2("LogSumExp", buf, x)
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	m := active.max(x)
	if math.IsInf(float64(m), 0) {
		return m
	}
	return m + float32(math.Log(float64(active.expSum(buf, x, -m))))
}

// fitRows panics unless both matrices hold at least rows x cols elements.
func fitRows(op string, dst, x []float32, rows, cols int) {
	if rows < 0 || cols < 0 || len(dst) != rows*cols || len(x) != rows*cols {
		panic(fmt.Sprintf("simd: %s: %d x %d elements wanted, lengths %d and %d", op, rows, cols, len(dst), len(x)))
	}
}

// SoftmaxRows sets each row of dst [rows,cols] to the softmax of that row of x, exp(x - max) / sum(exp(x - max)).
// A row with a NaN or +Inf, or of nothing but -Inf, becomes NaN.
func SoftmaxRows(dst, x []float32, rows, cols int) {
	fitRows("SoftmaxRows", dst, x, rows, cols)
	if cols == 0 {
		return
	}
	for r := 0; r < rows; r++ {
		d, s := dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols]
		total := active.expSum(d, s, -active.max(s))
		active.scale(d, 1/total, d)
	}
}

// AddRowVector adds bias [cols] to every row of x [rows,cols]: dst = x + bias.
func AddRowVector(dst, x, bias []float32, rows, cols int) {
	fitRows("AddRowVector", dst, x, rows, cols)
	fitBias("AddRowVector", bias, cols)
	for r := 0; r < rows; r++ {
		active.add(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], bias)
	}
}

// AddRowVectorRelu sets dst = max(x + bias, 0): a dense layer's bias and rectifier in one pass.
func AddRowVectorRelu(dst, x, bias []float32, rows, cols int) {
	fitRows("AddRowVectorRelu", dst, x, rows, cols)
	fitBias("AddRowVectorRelu", bias, cols)
	for r := 0; r < rows; r++ {
		active.addRelu(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], bias)
	}
}

func fitBias(op string, bias []float32, cols int) {
	if len(bias) != cols {
		panic(fmt.Sprintf("simd: %s: %d columns, bias of length %d", op, cols, len(bias)))
	}
}

// SumRows sets dst [cols] to the sums of the columns of x [rows,cols], the gradient of a bias; with acc they are
// added to dst. Each column is one chain of additions from the first row to the last, starting from dst with acc.
func SumRows(dst, x []float32, rows, cols int, acc bool) {
	SumRowsStride(dst, x, rows, cols, cols, acc)
}

// SumRowsStride is SumRows for rows that lie stride elements apart, so that workers can share the columns of a
// matrix among them: the worker of columns [from, to) passes dst[from:to], x[from:] and the matrix's width as stride.
func SumRowsStride(dst, x []float32, rows, cols, stride int, acc bool) {
	if rows < 0 || cols < 0 || stride < cols || len(dst) != cols || rows > 0 && len(x) < (rows-1)*stride+cols {
		panic(fmt.Sprintf("simd: SumRows: %d x %d elements with stride %d, lengths %d and %d",
			rows, cols, stride, len(dst), len(x)))
	}
	active.sumRows(dst, x, rows, stride, acc)
}
