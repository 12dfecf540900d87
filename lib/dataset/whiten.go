// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// NormalizeContrast returns images with mean 0 and length scale each, over all their pixels and channels: global
// contrast normalisation. An image whose length is below 1e-8 after subtracting its mean is not scaled.
//
//	x [N, ...] -> y = scale (x - m) / |x - m|, of the same shape
func NormalizeContrast(x *tensor.Tensor, scale float64) *tensor.Tensor {
	y := x.Clone()
	for i := range y.Rows() {
		row := y.Row(i)
		mean := 0.0
		for _, v := range row {
			mean += float64(v)
		}
		mean /= float64(len(row))
		square := 0.0
		for _, v := range row {
			square += (float64(v) - mean) * (float64(v) - mean)
		}
		factor := 1.0
		if length := math.Sqrt(square); length >= 1e-8 {
			factor = scale / length
		}
		for j, v := range row {
			row[j] = float32(factor * (float64(v) - mean))
		}
	}
	return y
}

// A Whitening is a linear map that gives the samples it was fitted to nearly uncorrelated features of variance 1.
// encoding/gob saves all of it.
type Whitening struct {
	Mean *tensor.Tensor // m [1, D]
	Map  *tensor.Tensor // W [D, D], symmetric
}

// FitZCA returns the whitening y = W (x - m) with
//
//	W = C^(-1/2),   C = sum_i (x_i - m)(x_i - m)^T / N + bias·I
//
// This symmetric whitening changes the images least. x [N, ...] is taken as [N, D]. The bias prevents the amplification
// of directions that hold only noise; it must be positive unless all variances are. The inverse square root is computed
// from the eigenvectors of C, in float64, with a number of operations that grows with D³.
//
// FitZCA returns an error if C has an eigenvalue that is not positive, or if x holds NaN or an infinity. It panics if x
// is empty or the bias negative.
func FitZCA(x *tensor.Tensor, bias float64) (*Whitening, error) {
	n, d := x.Rows(), x.Width()
	if n == 0 || d == 0 || !(bias >= 0) {
		panic(fmt.Sprintf("dataset: FitZCA: samples of shape %v, bias %g", x.Shape(), bias))
	}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range x.Row(i) {
			if v-v != 0 {
				return nil, fmt.Errorf("dataset: FitZCA: feature %d of sample %d is %g", j, i, v)
			}
			mean[j] += float64(v) / float64(n)
		}
	}
	c := blas64.Symmetric{N: d, Stride: d, Uplo: blas.Upper, Data: make([]float64, d*d)}
	const block = 1000 // samples
	centered := blas64.General{Cols: d, Stride: d, Data: make([]float64, min(n, block)*d)}
	for first := 0; first < n; first += block {
		centered.Rows = min(block, n-first)
		for i := range centered.Rows {
			for j, v := range x.Row(first + i) {
				centered.Data[i*d+j] = float64(v) - mean[j]
			}
		}
		blas64.Syrk(blas.Trans, 1/float64(n), centered, 1, c)
	}
	for j := range d {
		c.Data[j*d+j] += bias
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(d, c.Data), true) {
		return nil, errors.New("dataset: FitZCA: the eigenvalues did not converge: scale the samples to about 1")
	}
	values := eigen.Values(nil) // ascending
	if values[0] <= 0 || values[0] < values[d-1]*float64(d)*0x1p-52 {
		return nil, fmt.Errorf("dataset: FitZCA: the samples do not vary in every direction (variance %g in one): give a "+
			"positive bias", values[0])
	}
	// W = V diag(v^(-1/2)) V^T = U U^T with U = V diag(v^(-1/4)).
	var u mat.Dense
	eigen.VectorsTo(&u)
	for j, v := range values {
		root := math.Pow(v, -0.25)
		for i := range d {
			u.Set(i, j, u.At(i, j)*root)
		}
	}
	var w mat.SymDense
	w.SymOuterK(1, &u)
	z := &Whitening{Mean: tensor.New(1, d), Map: tensor.New(d, d)}
	for i := range d {
		z.Mean.Data()[i] = float32(mean[i])
		for j := range d {
			z.Map.Set(float32(w.At(i, j)), i, j)
		}
	}
	return z, nil
}

// Transform returns the whitened samples, in the shape of x. It panics if their width differs from that of the samples
// that the whitening was fitted to.
func (w *Whitening) Transform(x *tensor.Tensor) *tensor.Tensor {
	d := w.Map.Rows()
	if x.Width() != d {
		panic(fmt.Sprintf("dataset: Transform: samples of shape %v to a whitening of %d features", x.Shape(), d))
	}
	y := tensor.New(x.Shape()...)
	const block = 1000 // samples
	centered := make([]float32, min(x.Rows(), block)*d)
	for first := 0; first < x.Rows(); first += block {
		n := min(block, x.Rows()-first)
		for i := range n {
			simd.Sub(centered[i*d:(i+1)*d], x.Row(first+i), w.Mean.Data())
		}
		simd.GemmNN(n, d, d, centered, d, w.Map.Data(), d, y.Data()[first*d:(first+n)*d], d, false)
	}
	return y
}
