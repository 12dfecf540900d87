// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"runtime"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Of the whitening of Olshausen and Field.
const (
	OlshausenCutoff   = 0.4 // cycles per pixel
	OlshausenVariance = 0.1
)

// WhitenSpectrum returns images whose spectrum was multiplied by
//
//	R(f) = f exp(-(f/cutoff)^4)
//
// and which were then scaled together, such that the variance of their pixels is on average as given [OF96]. The
// spectrum of photographs falls nearly as 1/f: the first factor makes it flat, and the second takes off the highest
// frequencies, where noise dominates. f is in cycles per pixel, up to 0.5 along a row. Edges wrap around: leave a
// margin of some pixels (see [PatchConfig]). x [N, C, H, W], each channel by itself -> the same shape.
//
// The error names an image that is constant or has a pixel that is no finite number, or says that cutoff or variance is
// not positive, or that the cutoff is so low that nothing is left. It panics if x has another rank.
func WhitenSpectrum(x *tensor.Tensor, cutoff, variance float64) (*tensor.Tensor, error) {
	if x.Rank() != 4 {
		panic(fmt.Sprintf("dataset: WhitenSpectrum: images of shape %v: want [N, C, H, W]", x.Shape()))
	}
	if !(cutoff > 0) || !(variance > 0) || math.IsInf(variance, 1) {
		return nil, fmt.Errorf("dataset: WhitenSpectrum: cutoff %v, variance %v: want positive numbers", cutoff, variance)
	}
	if err := checkImages(x); err != nil {
		return nil, fmt.Errorf("dataset: WhitenSpectrum: %w", err)
	}
	n, c, h, w := x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	y := tensor.New(x.Shape()...)
	variances := make([]float64, n*c)
	parallel.For(runtime.GOMAXPROCS(0), n*c, 1, nil, func(_ any, lo, hi int) {
		s := newSpectrum(h, w, cutoff)
		for i := lo; i < hi; i++ {
			variances[i] = s.whiten(y.Data()[i*h*w:(i+1)*h*w], x.Data()[i*h*w:(i+1)*h*w])
		}
	})
	mean := 0.0
	for _, v := range variances {
		mean += v / float64(n*c)
	}
	if mean == 0 && n > 0 {
		return nil, fmt.Errorf("dataset: WhitenSpectrum: a cutoff of %v leaves nothing of images of %dx%d pixels",
			cutoff, h, w)
	}
	factor := math.Sqrt(variance / mean)
	for i, v := range y.Data() {
		y.Data()[i] = float32(factor * float64(v))
	}
	return y, nil
}

// checkImages finds a pixel that is not finite, or a channel of an image that is constant. x [N, C, H, W].
func checkImages(x *tensor.Tensor) error {
	c, h, w := x.Dim(1), x.Dim(2), x.Dim(3)
	for i := range x.Rows() * c {
		plane, constant := x.Data()[i*h*w:(i+1)*h*w], true
		for j, v := range plane {
			if v-v != 0 {
				return fmt.Errorf("image %d: the pixel in row %d, column %d is %v", i/c, j/w, j%w, v)
			}
			constant = constant && v == plane[0]
		}
		if constant {
			return fmt.Errorf("image %d is constant: leave it out", i/c)
		}
	}
	return nil
}

// A spectrum transforms images of one size.
type spectrum struct {
	h, w       int
	rows, cols *fourier.CmplxFFT
	plane      []complex128    // [H, W]
	columns    [4][]complex128 // [H] each: as many as fit into a line of the cache
	filter     []complex128    // [H, W]
}

func newSpectrum(h, w int, cutoff float64) *spectrum {
	s := &spectrum{
		h: h, w: w, rows: fourier.NewCmplxFFT(w), cols: fourier.NewCmplxFFT(h),
		plane: make([]complex128, h*w), filter: make([]complex128, h*w),
	}
	for i := range s.columns {
		s.columns[i] = make([]complex128, h)
	}
	for i := range s.filter {
		f := math.Hypot(s.rows.Freq(i%w), s.cols.Freq(i/w))
		s.filter[i] = complex(f*math.Exp(-math.Pow(f/cutoff, 4))/float64(h*w), 0)
	}
	return s
}

// whiten filters an image and returns the variance of the result.
func (s *spectrum) whiten(dst, src []float32) float64 {
	for i, v := range src {
		s.plane[i] = complex(float64(v), 0)
	}
	s.transform((*fourier.CmplxFFT).Coefficients)
	for i, f := range s.filter {
		s.plane[i] *= f
	}
	s.transform((*fourier.CmplxFFT).Sequence)
	square := 0.0 // the mean is zero: so is the filter at f = 0
	for i, v := range s.plane {
		dst[i] = float32(real(v))
		square += real(v) * real(v)
	}
	return square / float64(len(dst))
}

// transform transforms the rows, and then the columns.
func (s *spectrum) transform(by func(f *fourier.CmplxFFT, dst, src []complex128) []complex128) {
	for y := range s.h {
		row := s.plane[y*s.w : (y+1)*s.w]
		by(s.rows, row, row)
	}
	for x := 0; x < s.w; x += len(s.columns) {
		columns := s.columns[:min(len(s.columns), s.w-x)]
		for y := range s.h {
			for i, column := range columns {
				column[y] = s.plane[y*s.w+x+i]
			}
		}
		for _, column := range columns {
			by(s.cols, column, column)
		}
		for y := range s.h {
			for i, column := range columns {
				s.plane[y*s.w+x+i] = column[y]
			}
		}
	}
}
