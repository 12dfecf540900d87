// SPDX-License-Identifier: Apache-2.0

// Package superres prepares photographs for super-resolution, the task of estimating an image from a smaller version of
// itself, and measures results by the protocol of [NINAI17, tables 12 and 13].
//
// [Folder] reads photographs, [Pairs] makes the task from them, [Crops] cuts the training set of a network, and
// [Pair.Score] measures an estimate. The estimate with which all others compete is the bicubic interpolation of
// [Resize], which is also a network's input.
package superres

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Border is the number of pixels at each edge that [Pair.Score] leaves out.
const Border = 8

// A Pair is one image of the task, in levels from 0 to 255.
type Pair struct {
	Name string
	High *tensor.Tensor // [H, W], the original; H and W are multiples of the scale
	Low  *tensor.Tensor // [H, W], the smaller version enlarged again by [Resize], not rounded
}

// Pairs returns the task of enlarging images by a whole number. Of each photograph, the rows and columns beyond a
// multiple of scale are cut off at the lower and right edge. [Resize] makes the smaller version and enlarges it again;
// the smaller version is not rounded in between.
//
// It returns an error that names the photograph if one is too small, with no pixel left inside the [Border]. It panics
// if scale < 2.
func Pairs(photos []Photo, scale int) ([]Pair, error) {
	if scale < 2 {
		panic(fmt.Sprintf("superres: Pairs: scale %d, want at least 2", scale))
	}
	for _, p := range photos {
		if h, w := p.Y.Dim(0), p.Y.Dim(1); min(h, w)/scale*scale <= 2*Border {
			return nil, fmt.Errorf("superres: Pairs: %s has %d x %d pixels, too few to enlarge by %d and leave out %d at each "+
				"edge: use larger images", p.Name, h, w, scale, Border)
		}
	}
	pairs := make([]Pair, len(photos))
	for i, p := range photos {
		h, w := p.Y.Dim(0)/scale, p.Y.Dim(1)/scale
		high := cut(p.Y, 0, 0, h*scale, w*scale)
		pairs[i] = Pair{p.Name, high, Resize(Resize(high, h, w), h*scale, w*scale)}
	}
	return pairs, nil
}

// Levels returns x rounded to whole numbers from 0 to 255, as an 8-bit file stores it. NaN becomes 0.
func Levels(x *tensor.Tensor) *tensor.Tensor {
	y := tensor.New(x.Shape()...)
	for i, v := range x.Data() {
		if v > 0 {
			y.Data()[i] = float32(math.Round(min(float64(v), 255)))
		}
	}
	return y
}

// Score returns the quality of an estimate of p.High, peak signal-to-noise ratio in dB and structural similarity, by
// the protocol of the document: the estimate is rounded to [Levels], [Border] pixels at each edge are left out, and the
// peak is 255; see [metrics.PSNR] and [metrics.SSIM]. estimate [H, W]. It panics if the shape is not that of p.High.
func (p Pair) Score(estimate *tensor.Tensor) (psnr, ssim float64) {
	if !tensor.SameShape(estimate, p.High) {
		panic(fmt.Sprintf("superres: Score: an estimate of shape %v for %s of shape %v", estimate.Shape(), p.Name,
			p.High.Shape()))
	}
	h, w := p.High.Dim(0)-2*Border, p.High.Dim(1)-2*Border
	x, y := cut(Levels(estimate), Border, Border, h, w), cut(p.High, Border, Border, h, w)
	return metrics.PSNR(x, y, 255), metrics.SSIM(x, y, 255)
}

// cut returns a copy of h x w pixels of an image, from row r and column c.
func cut(x *tensor.Tensor, r, c, h, w int) *tensor.Tensor {
	y := tensor.New(h, w)
	for i := range h {
		copy(y.Row(i), x.Row(r + i)[c:])
	}
	return y
}

// Crops returns a training set of n square crops of size x size pixels at random places of random pairs: X [n, 1, size,
// size] are crops of Low and Target the same crops of High, both divided by 255. Each pair is as likely as any other,
// and so is each place in it. Crops returns an error that names the pair if one is smaller than a crop, and panics
// unless there is at least one pair, n >= 1 and size >= 1.
func Crops(pairs []Pair, n, size int, rng *tensor.RNG) (*dataset.Set, error) {
	if len(pairs) == 0 || n < 1 || size < 1 {
		panic(fmt.Sprintf("superres: Crops: %d crops of %d x %d pixels from %d pairs", n, size, size, len(pairs)))
	}
	for _, p := range pairs {
		if h, w := p.High.Dim(0), p.High.Dim(1); min(h, w) < size {
			return nil, fmt.Errorf("superres: Crops: %s has %d x %d pixels, fewer than a crop of %d x %d", p.Name, h, w, size,
				size)
		}
	}
	s := &dataset.Set{
		Name: "crops", X: tensor.New(n, 1, size, size), Target: tensor.New(n, 1, size, size),
		Source: fmt.Sprintf("%d crops of %d x %d pixels from %d photographs", n, size, size, len(pairs)),
	}
	for i := range n {
		p := pairs[rng.IntN(len(pairs))]
		r, c := rng.IntN(p.High.Dim(0)-size+1), rng.IntN(p.High.Dim(1)-size+1)
		scaled(s.X.Row(i), cut(p.Low, r, c, size, size))
		scaled(s.Target.Row(i), cut(p.High, r, c, size, size))
	}
	s.Sum = dataset.Fingerprint(s)
	return s, nil
}

// scaled sets dst to the levels of x divided by 255.
func scaled(dst []float32, x *tensor.Tensor) {
	for i, v := range x.Data() {
		dst[i] = v / 255
	}
}
