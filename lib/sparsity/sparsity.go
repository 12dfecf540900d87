// SPDX-License-Identifier: Apache-2.0

// Package sparsity measures how sparse activations and weights are.
//
// L0, L1, Gini and Hoyer take one vector: the activations of a layer for one sample. Counts, Frequency, DeadUnits and
// ClassCounts take the activations of a layer for many samples, one sample per row, and measure each unit. Profile does
// both, batch by batch; a Histogram counts activations by size; and ReportActivity adds such measures to the history of
// a training run. All dimensions after the first count as one: every position of every channel of a convolutional layer
// is a unit. A unit is active if its activation is not zero.
//
// Sums are in float64, in a fixed order. No function writes to its arguments.
package sparsity

import (
	"math"
	"slices"
)

// L0 returns the number of elements that are not zero, including NaN: the active units of one sample [Thesis21, eq.
// 2.6].
func L0(a []float32) int {
	n := 0
	for _, v := range a {
		if v != 0 {
			n++
		}
	}
	return n
}

// Above returns the number of elements whose magnitude is above a share of the largest, such as 0.1. It is a soft form
// of [L0], for codes in which no element is exactly zero.
func Above(a []float32, share float64) int {
	largest := 0.0
	for _, v := range a {
		largest = max(largest, math.Abs(float64(v)))
	}
	n := 0
	for _, v := range a {
		if math.Abs(float64(v)) > share*largest {
			n++
		}
	}
	return n
}

// L1 returns the sum of the magnitudes, sum_i |a_i| [Thesis21, eq. 1.16].
func L1(a []float32) float64 {
	sum := 0.0
	for _, v := range a {
		sum += math.Abs(float64(v))
	}
	return sum
}

// Gini returns the Gini index of the N magnitudes, in ascending order |a|_1 <= ... <= |a|_N,
//
//	G = 1 - 2 sum_k |a|_k/||a||_1 (N - k + 1/2)/N = sum_k (2k - N - 1) |a|_k / (N ||a||_1)
//
// from 0 (all equal) to 1 - 1/N (a single element is not zero) [Thesis21, eq. 1.18 and appendix C.3.3; HR09]. It is 0
// if all elements are zero or there are none, and NaN if an element is NaN or infinite.
func Gini(a []float32) float64 {
	return gini(a, make([]uint32, 0, len(a)))
}

// gini is Gini with memory for len(a) magnitudes.
func gini(a []float32, scratch []uint32) float64 {
	// Magnitudes have the order of their bits, which sort faster. Zeros have the first ranks and add nothing.
	nonzero := scratch[:0]
	for _, v := range a {
		if v != 0 {
			nonzero = append(nonzero, math.Float32bits(v)&^(1<<31))
		}
	}
	slices.Sort(nonzero)
	sum, ranked := 0.0, 0.0
	factor := float64(1 + len(a) - 2*len(nonzero)) // 2k - N - 1 of the first that is not zero
	for _, bits := range nonzero {
		v := float64(math.Float32frombits(bits))
		sum += v
		ranked += factor * v
		factor += 2
	}
	if sum == 0 {
		return 0
	}
	return max(0, ranked/(float64(len(a))*sum)) // rounding may give -1e-17
}

// Hoyer returns Hoyer's index of the N magnitudes,
//
//	H = (sqrt(N) - ||a||_1/||a||_2) / (sqrt(N) - 1)
//
// from 0 (all equal) to 1 (a single element is not zero) [Thesis21, eq. 1.19; HR09]. It is 0 if all elements are zero
// or there are fewer than two, and NaN if an element is NaN or infinite.
func Hoyer(a []float32) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range a {
		x := float64(v)
		sum += math.Abs(x)
		squares += x * x
	}
	if squares == 0 || len(a) < 2 && squares < math.Inf(1) {
		return 0
	}
	root := math.Sqrt(float64(len(a)))
	return min(1, max(0, (root-sum/math.Sqrt(squares))/(root-1))) // rounding may leave the range by 1e-16
}

// Kurtosis returns the excess of the fourth standardised moment of N elements over that of a normal distribution,
//
//	k = m_4 / m_2² - 3,  m_p = sum_i (x_i - mean)^p / N
//
// 0 for a normal distribution, 3 for Laplace's and -1.2 for a uniform one. It is larger, the more peaked coefficients
// are and the heavier their tails [Thesis21, section 1.2.3; OF96]. It is 0 if all elements are equal or there are none,
// and NaN if one is NaN or infinite.
func Kurtosis(x []float32) float64 {
	if len(x) == 0 {
		return 0
	}
	n := float64(len(x))
	mean := 0.0
	for _, v := range x {
		mean += float64(v)
	}
	mean /= n
	m2, m4 := 0.0, 0.0
	for _, v := range x {
		square := (float64(v) - mean) * (float64(v) - mean)
		m2 += square
		m4 += square * square
	}
	if m2 == 0 {
		return 0
	}
	return n*m4/(m2*m2) - 3
}

// Skewness returns the third standardised moment of N elements,
//
//	g = m_3 / m_2^(3/2),  m_p = sum_i (x_i - mean)^p / N
//
// It is negative if the lower tail is the longer one. For weights under regularisation it measures the shift towards
// inhibition of [Thesis21, figs. 4.7 and A.3]. It is 0 if all elements are equal or there are none.
func Skewness(x []float32) float64 {
	if len(x) == 0 {
		return 0
	}
	n := float64(len(x))
	mean := 0.0
	for _, v := range x {
		mean += float64(v)
	}
	mean /= n
	m2, m3 := 0.0, 0.0
	for _, v := range x {
		d := float64(v) - mean
		m2 += d * d
		m3 += d * d * d
	}
	if m2 == 0 {
		return 0
	}
	return m3 / n / math.Pow(m2/n, 1.5)
}
