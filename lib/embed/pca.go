// SPDX-License-Identifier: Apache-2.0

// Package embed maps samples to few dimensions, for plots or to make later computations cheaper.
//
// Samples are rows; all dimensions after the first count as one. No function writes to its arguments, and the same
// samples give the same result, bit for bit, on any number of cores.
package embed

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Projection is the map y = C (x - m) from d to k dimensions that PCA computed. encoding/gob saves all of it.
type Projection struct {
	Mean       []float64      // m [d]: the mean of the samples
	Components *tensor.Tensor // C [k, d]: rows of length 1, orthogonal to each other
	Variance   []float64      // [k], descending: variance of the samples along each component, with the divisor N-1
	Ratio      []float64      // [k]: the same relative to the variance in all d dimensions, from 0 to 1
}

// PCA returns the projection onto the k directions of largest variance, the principal components, which are the
// eigenvectors of the samples' covariance,
//
//	S = sum_i (x_i - m)(x_i - m)^T / (N-1),  S c_j = v_j c_j,  v_1 >= v_2 >= ...
//
// x [N, d]. The entry of largest magnitude of each component is positive (of equal ones the first). If the samples do
// not vary beyond rounding in a direction, that direction is undetermined: its component and its variance are 0. Sums
// are in float64. PCA decomposes the smaller of the d x d covariance and the N x N matrix of inner products.
//
// PCA panics unless 0 < k <= min(N, d). The error names the first element that is NaN or infinite.
func PCA(x *tensor.Tensor, k int) (*Projection, error) {
	n, d := x.Rows(), x.Width()
	if k < 1 || k > min(n, d) {
		panic(fmt.Sprintf("embed: PCA: %d components of samples of shape %v, which have 1 to %d", k, x.Shape(), min(n, d)))
	}
	mean, err := means(x)
	if err != nil {
		return nil, fmt.Errorf("embed: PCA: %w", err)
	}
	samples := centered(x, mean) // [N, d]
	thin := samples
	if d <= n {
		thin = transposed(samples)
	}
	product, total := gram(thin)
	values, vectors, err := top(product, thin.Rows, k)
	if err != nil {
		return nil, fmt.Errorf("embed: PCA: %w", err)
	}
	components := vectors // [k, d]
	if d > n {            // c = sum_i u_i (x_i - m), up to its length
		components = blas64.General{Rows: k, Cols: d, Stride: d, Data: make([]float64, k*d)}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, vectors, samples, 0, components)
	}

	p := &Projection{Mean: mean, Components: tensor.New(k, d), Variance: make([]float64, k), Ratio: make([]float64, k)}
	rounding := total * float64(max(n, d)) * 0x1p-52
	for j, v := range values {
		if v <= rounding {
			break // and all later ones
		}
		p.Variance[j] = v / float64(n-1)
		p.Ratio[j] = v / total
		c := components.Data[j*d : (j+1)*d]
		scale := 1 / blas64.Nrm2(blas64.Vector{N: d, Inc: 1, Data: c})
		if c[largest(c)] < 0 {
			scale = -scale
		}
		row := p.Components.Row(j)
		for i, w := range c {
			row[i] = float32(scale * w)
		}
	}
	return p, nil
}

// Transform returns the coordinates C (x - m) of samples, x [N, d] -> [N, k]. It panics if the width of x differs from
// that of the samples of PCA.
func (p *Projection) Transform(x *tensor.Tensor) *tensor.Tensor {
	if x.Width() != len(p.Mean) {
		panic(fmt.Sprintf("embed: Transform: samples of shape %v to a projection of %d dimensions", x.Shape(), len(p.Mean)))
	}
	y := tensor.New(x.Rows(), p.Components.Rows())
	if y.Len() == 0 {
		return y
	}
	components := centered(p.Components, make([]float64, len(p.Mean))) // a copy in float64
	samples := centered(x, p.Mean)
	out := blas64.General{Rows: y.Rows(), Cols: y.Width(), Stride: y.Width(), Data: make([]float64, y.Len())}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, samples, components, 0, out)
	for i, v := range out.Data {
		y.Data()[i] = float32(v)
	}
	return y
}

// means returns the mean of each column, or an error that names the first element that is NaN or infinite.
func means(x *tensor.Tensor) ([]float64, error) {
	mean := make([]float64, x.Width())
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			if math.IsNaN(float64(v - v)) {
				return nil, fmt.Errorf("feature %d of sample %d is %g", j, i, v)
			}
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(x.Rows())
	}
	return mean, nil
}

// centered returns x - mean, row by row.
func centered(x *tensor.Tensor, mean []float64) blas64.General {
	n, d := x.Rows(), x.Width()
	c := blas64.General{Rows: n, Cols: d, Stride: d, Data: make([]float64, n*d)}
	for i := range n {
		row := c.Data[i*d : (i+1)*d]
		for j, v := range x.Row(i) {
			row[j] = float64(v) - mean[j]
		}
	}
	return c
}

func transposed(a blas64.General) blas64.General {
	t := blas64.General{Rows: a.Cols, Cols: a.Rows, Stride: a.Rows, Data: make([]float64, len(a.Data))}
	for i := range a.Rows {
		for j, v := range a.Data[i*a.Stride : i*a.Stride+a.Cols] {
			t.Data[j*t.Stride+i] = v
		}
	}
	return t
}

// gram returns the lower triangle of A A^T, row-major, and its trace. Elements above the triangle are undefined.
func gram(a blas64.General) (product []float64, trace float64) {
	const block = 196 // rows; the fastest of 98 to 256 for 784 x 10,000
	n := a.Rows
	product = make([]float64, n*n)
	rows := func(from, to int) blas64.General {
		return blas64.General{Rows: to - from, Cols: a.Cols, Stride: a.Stride, Data: a.Data[from*a.Stride:]}
	}
	for i := 0; i < n; i += block {
		end := min(i+block, n)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, rows(i, end), rows(0, end), 0,
			blas64.General{Rows: end - i, Cols: end, Stride: n, Data: product[i*n:]})
	}
	for i := range n {
		trace += product[i*n+i]
	}
	return product, trace
}

// largest returns the index of the element of largest magnitude; ties go to the first.
func largest(c []float64) int {
	best := 0
	for i, v := range c {
		if math.Abs(v) > math.Abs(c[best]) {
			best = i
		}
	}
	return best
}
