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
	mean := func(f func(a, b float64) float64) []float64 {
		plane := make([]float64, h*w)
		for i, v := range x.Data() {
			plane[i] = f(float64(v), float64(y.Data()[i]))
		}
		return blur(plane, h, w)
	}
	mx := mean(func(a, _ float64) float64 { return a })
	my := mean(func(_, b float64) float64 { return b })
	xx := mean(func(a, _ float64) float64 { return a * a })
	yy := mean(func(_, b float64) float64 { return b * b })
	xy := mean(func(a, b float64) float64 { return a * b })
	c1, c2 := 0.0001*peak*peak, 0.0009*peak*peak
	s := tensor.New(h, w)
	for i, a := range mx {
		b := my[i]
		top := (2*a*b + c1) * (2*(xy[i]-a*b) + c2)
		s.Data()[i] = float32(top / ((a*a + b*b + c1) * (xx[i] - a*a + yy[i] - b*b + c2)))
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

// blur returns the weighted means around each pixel of an image of h x w pixels.
func blur(x []float64, h, w int) []float64 {
	rows, out := make([]float64, h*w), make([]float64, h*w)
	padded := make([]float64, w+2*(len(window)-1))
	for r := range h {
		row := x[r*w : (r+1)*w]
		for c := range padded {
			padded[c] = row[mirror(c-len(window)+1, w)]
		}
		for c := range w {
			at := c + len(window) - 1
			sum := window[0] * padded[at]
			for k := 1; k < len(window); k++ {
				sum += window[k] * (padded[at-k] + padded[at+k])
			}
			rows[r*w+c] = sum
		}
	}
	for r := range h {
		dst := out[r*w : (r+1)*w]
		for c, v := range rows[r*w : (r+1)*w] {
			dst[c] = window[0] * v
		}
		for k := 1; k < len(window); k++ {
			above, below := mirror(r-k, h)*w, mirror(r+k, h)*w
			for c := range dst {
				dst[c] += window[k] * (rows[above+c] + rows[below+c])
			}
		}
	}
	return out
}

// mirror returns the index of the element in place of element i of n, which may lie outside: n-1, ..., 0, 0, ..., n-1,
// n-1, ..., 0.
func mirror(i, n int) int {
	i = ((i % (2 * n)) + 2*n) % (2 * n)
	return min(i, 2*n-1-i)
}
