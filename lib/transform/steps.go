// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"errors"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// errUnfit reports a step of a file without what it has learnt.
var errUnfit = errors.New("tensors are missing or have the wrong shapes: the file is damaged")

// Columns prepares the rows of a table: it fills missing numbers with the mean of their column, and replaces a word by
// one number per word of the column, which is 1 for the word and 0 for the others. A missing or unknown word gives
// zeros.
//
//	x [N, D] -> y [N, numbers + words]
type Columns struct {
	Words []int          // for each column its number of words, or 0 for a column of numbers
	Fill  *tensor.Tensor `json:"-"` // [D], means of the columns of numbers
}

// Fit learns the means. It is an error if a column of numbers has none.
func (c *Columns) Fit(x *tensor.Tensor) error {
	if x.Rank() != 2 || x.Width() != len(c.Words) {
		panic(fmt.Sprintf("transform: Columns: %d columns, samples of shape %v", len(c.Words), x.Shape()))
	}
	c.Fill = tensor.New(len(c.Words))
	for j, words := range c.Words {
		sum, n := 0.0, 0
		for i := range x.Rows() {
			if v := float64(x.At(i, j)); v == v {
				sum, n = sum+v, n+1
			}
		}
		if words == 0 && n == 0 {
			return fmt.Errorf("column %d has no number among the training samples: drop it", j+1)
		}
		if words == 0 {
			c.Fill.Data()[j] = float32(sum / float64(n))
		}
	}
	return nil
}

// Apply implements [Step].
func (c *Columns) Apply(x *tensor.Tensor) *tensor.Tensor {
	if x.Width() != len(c.Words) {
		panic(fmt.Sprintf("transform: Columns: %d columns, samples of shape %v", len(c.Words), x.Shape()))
	}
	width := 0
	for _, words := range c.Words {
		width += max(1, words)
	}
	y := tensor.New(x.Rows(), width)
	for i := range x.Rows() {
		row, at := y.Row(i), 0
		for j, v := range x.Row(i) {
			switch words := c.Words[j]; {
			case words > 0:
				if v >= 0 && int(v) < words {
					row[at+int(v)] = 1
				}
				at += words
			case v != v:
				row[at] = c.Fill.Data()[j]
				at++
			default:
				row[at] = v
				at++
			}
		}
	}
	return y
}

func (c *Columns) check() error {
	if c.Fill == nil || c.Fill.Len() != len(c.Words) {
		return errUnfit
	}
	width := 0
	for i, words := range c.Words {
		if width += max(1, min(words, maxColumns+1)); width > maxColumns {
			return fmt.Errorf("with the %d words of column %d, a sample has more than %d numbers: the file is damaged", words,
				i+1, maxColumns)
		}
	}
	return nil
}

// maxColumns is the number of numbers of a sample up to which a file is believed.
const maxColumns = 1 << 24

// Standardize gives each feature of a vector, or each channel of images, mean 0 and standard deviation 1 over the
// training samples:
//
//	y = (x - Mean)/Std,   x [N, D] or [N, C, H, W], Mean and Std [D] or [C]
//
// A feature that does not vary becomes 0.
type Standardize struct {
	Mean *tensor.Tensor `json:"-"`
	Std  *tensor.Tensor `json:"-"` // population standard deviation, 1 for a feature that does not vary
}

// Fit learns means and standard deviations, in float64. NaN and infinities are errors.
func (s *Standardize) Fit(x *tensor.Tensor) error {
	if x.Rank() < 2 || x.Len() == 0 {
		panic(fmt.Sprintf("transform: Standardize: samples of shape %v", x.Shape()))
	}
	c := x.Dim(1)
	places := x.Width() / c
	n := float64(x.Rows() * places)
	s.Mean, s.Std = tensor.New(c), tensor.New(c)
	for j := range c {
		sum := 0.0
		for i := range x.Rows() {
			for _, v := range x.Row(i)[j*places : (j+1)*places] {
				if v-v != 0 {
					return fmt.Errorf("feature %d of training sample %d is %v: fill missing values first, as Columns does", j+1,
						i+1, v)
				}
				sum += float64(v)
			}
		}
		mean, square := sum/n, 0.0
		for i := range x.Rows() {
			for _, v := range x.Row(i)[j*places : (j+1)*places] {
				square += (float64(v) - mean) * (float64(v) - mean)
			}
		}
		std := math.Sqrt(square / n)
		if std <= 1e-7*math.Abs(mean) { // constant up to rounding
			std = 0
		}
		s.Mean.Data()[j], s.Std.Data()[j] = float32(mean), float32(std)
		if s.Std.Data()[j] == 0 {
			s.Std.Data()[j] = 1
		}
	}
	return nil
}

// Apply implements [Step]. It writes to x.
func (s *Standardize) Apply(x *tensor.Tensor) *tensor.Tensor {
	c := s.Mean.Len()
	if x.Rank() < 2 || x.Dim(1) != c {
		panic(fmt.Sprintf("transform: Standardize: %d features, samples of shape %v", c, x.Shape()))
	}
	places := x.Width() / c
	for i := range x.Rows() {
		row := x.Row(i)
		for j := range c {
			mean, scale := s.Mean.Data()[j], 1/s.Std.Data()[j]
			for k, v := range row[j*places : (j+1)*places] {
				row[j*places+k] = (v - mean) * scale
			}
		}
	}
	return x
}

func (s *Standardize) check() error {
	if s.Mean == nil || s.Std == nil || s.Mean.Len() != s.Std.Len() {
		return errUnfit
	}
	return nil
}

// Contrast normalises each sample by itself; see [dataset.NormalizeContrast]. It learns nothing.
type Contrast struct {
	Scale float64 // length of a sample afterwards; 0 means 1
}

// Fit implements [Step].
func (c *Contrast) Fit(*tensor.Tensor) error { return nil }

// Apply implements [Step].
func (c *Contrast) Apply(x *tensor.Tensor) *tensor.Tensor {
	scale := c.Scale
	if scale == 0 {
		scale = 1
	}
	return dataset.NormalizeContrast(x, scale)
}

// Whiten removes the correlations of neighbouring pixels; see [dataset.FitZCA]. It suits small images: its map has D²
// numbers for samples of D.
type Whiten struct {
	Bias float64        // added to the variances; must be positive unless all variances are
	Mean *tensor.Tensor `json:"-"` // [1, D]
	Map  *tensor.Tensor `json:"-"` // [D, D]
}

// Fit implements [Step].
func (w *Whiten) Fit(x *tensor.Tensor) error {
	z, err := dataset.FitZCA(x, w.Bias)
	if err == nil {
		w.Mean, w.Map = z.Mean, z.Map
	}
	return err
}

// Apply implements [Step].
func (w *Whiten) Apply(x *tensor.Tensor) *tensor.Tensor {
	z := dataset.Whitening{Mean: w.Mean, Map: w.Map}
	return z.Transform(x)
}

func (w *Whiten) check() error {
	if w.Mean == nil || w.Map == nil || w.Map.Rank() != 2 || w.Map.Rows() != w.Mean.Len() ||
		w.Map.Width() != w.Mean.Len() {
		return errUnfit
	}
	return nil
}
