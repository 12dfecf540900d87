// SPDX-License-Identifier: Apache-2.0

package superres

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Resize returns images resampled to h x w pixels by bicubic interpolation, as imresize of MATLAB does it, on which the
// published results in super-resolution rest. Rows and columns are resampled separately. A pixel at position u of the
// result lies at position u·in/out of the image, both measured from its edge, and is the weighted mean of the pixels
// around it. The weights, scaled to sum 1, are given by the cubic kernel of [Keys81] with a = -1/2,
//
//	k(d) = 3/2 |d|³ - 5/2 |d|² + 1              for |d| <= 1
//	k(d) = -1/2 |d|³ + 5/2 |d|² - 4 |d| + 2     for 1 < |d| <= 2, and 0 beyond.
//
// d is the distance in pixels of the image or, if the image shrinks, of the result. The kernel is therefore wider than
// 4 pixels when an image shrinks, which prevents aliasing. Beyond its edge the image continues as its mirror image,
// edge pixel included. Results are not rounded and may lie outside the range of x.
//
//	x [..., H, W] -> [..., h, w]
//
// Resize panics unless x has at least two dimensions and both x and the result have at least one row and one column.
func Resize(x *tensor.Tensor, h, w int) *tensor.Tensor {
	s := x.Shape()
	d := len(s)
	if d < 2 || min(h, w, s[d-2], s[d-1]) < 1 {
		panic(fmt.Sprintf("superres: Resize: images of shape %v to %d x %d: want at least one row and column", s, h, w))
	}
	down, across := kernelFor(s[d-2], h), kernelFor(s[d-1], w)
	shape := append(append([]int{}, s[:d-2]...), h, w)
	y := tensor.New(shape...)
	column := make([]float64, s[d-1])
	image := s[d-2] * s[d-1]
	for i := range x.Len() / image {
		in, out := x.Data()[i*image:(i+1)*image], y.Data()[i*h*w:(i+1)*h*w]
		for r := range h {
			clear(column)
			taps := down.of(r)
			for _, t := range taps {
				for c, v := range in[t.at*s[d-1] : (t.at+1)*s[d-1]] {
					column[c] += t.weight * float64(v)
				}
			}
			for c := range w {
				sum := 0.0
				for _, t := range across.of(c) {
					sum += t.weight * column[t.at]
				}
				out[r*w+c] = float32(sum)
			}
		}
	}
	return y
}

// A tap is a pixel of the image, along one axis, and its weight.
type tap struct {
	at     int
	weight float64
}

// A kernel holds the taps of all pixels of the result along one axis.
type kernel struct {
	width int // number of taps of a pixel
	taps  []tap
}

func (k kernel) of(pixel int) []tap { return k.taps[pixel*k.width : (pixel+1)*k.width] }

// kernelFor returns the kernel from in to out pixels.
func kernelFor(in, out int) kernel {
	scale := float64(out) / float64(in)
	narrow := min(scale, 1)
	k := kernel{width: int(math.Ceil(4/narrow)) + 2}
	for i := range out {
		centre := (float64(i)+0.5)/scale - 0.5
		first, sum := int(math.Floor(centre-2/narrow)), 0.0
		for j := range k.width {
			weight := cubic(narrow * (centre - float64(first+j)))
			k.taps = append(k.taps, tap{mirror(first+j, in), weight})
			sum += weight
		}
		for j := range k.of(i) {
			k.of(i)[j].weight /= sum
		}
	}
	return k
}

// cubic is the interpolation kernel of [Resize].
func cubic(d float64) float64 {
	d = math.Abs(d)
	switch {
	case d <= 1:
		return (1.5*d-2.5)*d*d + 1
	case d <= 2:
		return ((-0.5*d+2.5)*d-4)*d + 2
	}
	return 0
}

// mirror returns the index of the pixel in place of pixel i of n, which may lie outside.
func mirror(i, n int) int {
	i = ((i % (2 * n)) + 2*n) % (2 * n)
	return min(i, 2*n-1-i)
}
