// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// PSNR returns the peak signal-to-noise ratio of an image x that estimates y,
//
//	PSNR = 10 log10( peak² / MSE )  in dB,   MSE = mean of (x - y)²
//
// x, y of the same shape; peak is the largest possible value, 255 for 8-bit levels. It is +Inf for equal images and NaN
// if there are no elements or one is NaN. It panics if the shapes differ.
func PSNR(x, y *tensor.Tensor, peak float64) float64 {
	if !tensor.SameShape(x, y) {
		panic(fmt.Sprintf("metrics: PSNR: shapes %v and %v differ", x.Shape(), y.Shape()))
	}
	sum := 0.0
	for i, v := range x.Data() {
		d := float64(v) - float64(y.Data()[i])
		sum += d * d
	}
	return 10 * math.Log10(peak*peak/(sum/float64(x.Len())))
}

// SSIM returns the structural similarity of two images, the mean of [SSIMMap]: 1 for equal images. It is NaN if there
// are no pixels.
func SSIM(x, y *tensor.Tensor, peak float64) float64 {
	sum := 0.0
	for _, s := range SSIMMap(x, y, peak).Data() {
		sum += float64(s)
	}
	return sum / float64(x.Len())
}

// SSIMMap returns the structural similarity of two images around each pixel [WBSS04],
//
//	S = (2 m_x m_y + c1)(2 s_xy + c2) / ((m_x² + m_y² + c1)(s_x² + s_y² + c2)),
//
// where the means m, variances s² and covariance s_xy are weighted by a Gaussian window of 11 x 11 pixels with standard
// deviation 1.5 around the pixel, c1 = (0.01 peak)² and c2 = (0.03 peak)².
//
//	x, y [H, W], peak the largest possible value -> [H, W]
//
// Beyond its edge an image continues as its mirror image, edge pixel included. The super-resolution results of
// [NINAI17] are means over such a whole map. Its authors' own definition takes the mean over the windows inside the
// image only: leave out 5 rows and columns of the map on each side for that. SSIMMap panics unless x and y are two
// images of the same shape.
func SSIMMap(x, y *tensor.Tensor, peak float64) *tensor.Tensor {
	if x.Rank() != 2 || !tensor.SameShape(x, y) {
		panic(fmt.Sprintf("metrics: SSIMMap: shapes %v and %v: want two images [H, W] of one shape", x.Shape(), y.Shape()))
	}
	h, w := x.Dim(0), x.Dim(1)
	scratch := make([]float64, h*w)
	mean := func(f func(a, b float64) float64) []float64 {
		plane := make([]float64, h*w)
		for i, v := range x.Data() {
			plane[i] = f(float64(v), float64(y.Data()[i]))
		}
		blur(plane, scratch, h, w)
		return plane
	}
	mx := mean(func(a, _ float64) float64 { return a })
	my := mean(func(_, b float64) float64 { return b })
	squares := mean(func(a, b float64) float64 { return a*a + b*b }) // the formula needs only the sum of the variances
	xy := mean(func(a, b float64) float64 { return a * b })
	c1, c2 := 0.0001*peak*peak, 0.0009*peak*peak
	s := tensor.New(h, w)
	for i, a := range mx {
		b := my[i]
		top := (2*a*b + c1) * (2*(xy[i]-a*b) + c2)
		s.Data()[i] = float32(top / ((a*a + b*b + c1) * (squares[i] - a*a - b*b + c2)))
	}
	return s
}

// window is half of the Gaussian window of [SSIMMap] along one axis, from its centre outwards. All 11 weights sum to 1.
var window = func() (w [6]float64) {
	sum := 0.0
	for i := range w {
		w[i] = math.Exp(-float64(i*i) / (2 * 1.5 * 1.5))
		sum += 2 * w[i]
	}
	for i := range w {
		w[i] /= sum - 1 // the centre was counted twice
	}
	return w
}()

// blur replaces an image of h x w pixels by the weighted means around each pixel. rows is memory for h·w numbers.
func blur(x, rows []float64, h, w int) {
	const reach = len(window) - 1
	padded := make([]float64, w+2*reach)
	for r := range h {
		row, dst := x[r*w:(r+1)*w], rows[r*w:(r+1)*w]
		copy(padded[reach:], row)
		for k := range reach {
			padded[reach-1-k], padded[reach+w+k] = row[mirror(-1-k, w)], row[mirror(w+k, w)]
		}
		weigh(dst, padded[reach:], padded[reach:], window[0]/2)
		for k := 1; k <= reach; k++ {
			addWeighted(dst, padded[reach-k:], padded[reach+k:], window[k])
		}
	}
	for r := range h {
		dst := x[r*w : (r+1)*w]
		weigh(dst, rows[r*w:], rows[r*w:], window[0]/2)
		for k := 1; k <= reach; k++ {
			addWeighted(dst, rows[mirror(r-k, h)*w:], rows[mirror(r+k, h)*w:], window[k])
		}
	}
}

// weigh sets dst to weight·(a + b).
func weigh(dst, a, b []float64, weight float64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = weight * (a[i] + b[i])
	}
}

// addWeighted adds weight·(a + b) to dst.
func addWeighted(dst, a, b []float64, weight float64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += weight * (a[i] + b[i])
	}
}

// mirror returns the index of the element in place of element i of n, which may lie outside: n-1, ..., 0, 0, ..., n-1,
// n-1, ..., 0.
func mirror(i, n int) int {
	i = ((i % (2 * n)) + 2*n) % (2 * n)
	return min(i, 2*n-1-i)
}
