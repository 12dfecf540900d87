// SPDX-License-Identifier: Apache-2.0

// Package synth generates data sets from a seed, without files or network.
//
// Glyphs replaces MNIST: digits of typefaces, bent, slanted and drawn with pens of varying width.
//
// Leaves stands in for photographs of nature, in what matters to the learning of receptive fields: edges at all scales.
package synth

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Glyphs returns n images of digits x [n, 1, 28, 28], with pixels in [0, 1] in steps of 1/255 (background 0, ink 1),
// and their labels y [n]. It panics if n is negative.
//
// Each image is a digit of one of 22 typefaces (Go, DejaVu, Liberation and Latin Modern), bent by a smooth random
// field, stretched, slanted, rotated, and drawn with a pen of random width and grainy ink. It is framed as in MNIST:
// the ink fits a box of 20x20 pixels and its centre of mass is near the middle of the image. Every block of ten images,
// starting at a multiple of ten, holds each digit once, in random order.
//
// The images depend only on seed, stream and their index: a longer sequence begins with the images of a shorter one, on
// any number of processors of any kind. Take training and test images from two streams. Both then have the same
// typefaces in independent variations, as both parts of MNIST have the same handwriting habits.
func Glyphs(n int, seed uint64, stream string) (x *tensor.Tensor, y []int) {
	if n < 0 {
		panic(fmt.Sprintf("dataset/synth: Glyphs: %d images", n))
	}
	x, y = tensor.New(n, 1, side, side), make([]int, n)
	stream = "dataset/glyphs/" + stream
	for i := 0; i < n; i += 10 {
		copy(y[i:], tensor.Stream(seed, stream+"/labels/"+strconv.Itoa(i)).Perm(10))
	}
	faces := outlines()
	parallel.For(runtime.GOMAXPROCS(0), n, 1, nil, func(_ any, lo, hi int) {
		var p pen
		for i := lo; i < hi; i++ {
			rng := tensor.Stream(seed, stream+"/image/"+strconv.Itoa(i))
			p.draw(x.Row(i), &faces[rng.IntN(len(faces))][y[i]], rng)
		}
	})
	return x, y
}

// A pen draws digits. It reuses its memory.
type pen struct {
	canvas   canvas
	contours [][]point
	thick    [][]point
	bend     bend
}

// Variation of the digits, chosen so that classifiers find them about as hard as MNIST's (tests of package dataset
// measure it). Lengths are in digit heights unless pixels are given.
const (
	tilt      = 0.20  // standard deviation of the rotation, in radians
	slant     = 0.32  // standard deviation of the shear, x per y
	squeeze   = 0.18  // standard deviation of the relative difference of width and height
	elastic   = 0.135 // standard deviation of each control point of the bending field
	box       = 20.0  // side of the square around a digit, in pixels
	penMean   = 2.6   // width of the pen, in pixels
	penSpread = 0.6   // its standard deviation
	thinnest  = 0.3   // largest fraction of a stroke to remove from each of its sides
	wobble    = 0.2   // standard deviation of the centre of mass from the centre, in pixels
	grain     = 0.08  // standard deviation of the ink's darkness between pixels
)

// draw writes one variation of a digit to the pixels of an image.
func (p *pen) draw(pixels []float32, o *outline, rng *tensor.RNG) {
	p.bend.draw(rng, elastic)
	p.place(o, rng)
	p.canvas = canvas{}
	for _, c := range p.thick {
		p.canvas.fill(c)
	}
	p.canvas.coverage()
	gain := 1 + float64(0.3*rng.Float64())
	for i := range pixels {
		v := p.canvas[i/side][i%side]
		if v > 0 {
			v *= gain + float64(grain*rng.NormFloat64())
		}
		grey := uint8(float64(min(max(v, 0), 1)*255) + 0.5)
		pixels[i] = float32(grey) / 255
	}
}

// place bends, slants and turns the outline, fits it to the box, sets its stroke width and centres it, into p.thick.
func (p *pen) place(o *outline, rng *tensor.RNG) {
	rotate := rng.NormFloat64() * tilt
	shear := rng.NormFloat64() * slant
	wide := 1 + max(-0.4, min(0.4, float64(rng.NormFloat64()*squeeze)))
	width := max(1.2, min(5, penMean+float64(penSpread*rng.NormFloat64())))

	// Rotation by the tangent of half the angle needs no trigonometric functions.
	t := rotate / 2
	cos, sin := (1-float64(t*t))/(1+float64(t*t)), 2*t/(1+float64(t*t))

	p.contours = shapeLike(p.contours, o.contours)
	p.thick = shapeLike(p.thick, o.contours)
	lo, hi := point{9, 9}, point{-9, -9}
	for i, c := range o.contours {
		for j, q := range c {
			q = p.bend.move(q)
			q.x = float64(wide*q.x) - float64(shear*q.y)
			q = point{float64(cos*q.x) - float64(sin*q.y), float64(sin*q.x) + float64(cos*q.y)}
			p.contours[i][j] = q
			lo = point{min(lo.x, q.x), min(lo.y, q.y)}
			hi = point{max(hi.x, q.x), max(hi.y, q.y)}
		}
	}

	// The box is the larger extent of the ink, pen included: extent*scale + 2*d = box with d = (width - stroke*scale)/2.
	extent := max(hi.x-lo.x, hi.y-lo.y)
	scale := (box - width) / (extent - o.stroke)
	d := max((width-float64(o.stroke*scale))/2, -thinnest*o.stroke*scale)
	scale = (box - float64(2*d)) / extent
	for i, c := range p.contours {
		for j, q := range c {
			c[j] = point{q.x * scale, q.y * scale}
		}
		thicken(p.thick[i], c, d)
	}
	_, centre := centroid(p.thick)
	dx := side/2 - centre.x + float64(wobble*rng.NormFloat64())
	dy := side/2 - centre.y + float64(wobble*rng.NormFloat64())
	for _, c := range p.thick {
		for j := range c {
			c[j].x += dx
			c[j].y += dy
		}
	}
}

// shapeLike returns contours of the same lengths as like, in the memory of dst.
func shapeLike(dst, like [][]point) [][]point {
	for len(dst) < len(like) {
		dst = append(dst, nil)
	}
	dst = dst[:len(like)]
	for i, c := range like {
		if cap(dst[i]) < len(c) {
			dst[i] = make([]point, len(c))
		}
		dst[i] = dst[i][:len(c)]
	}
	return dst
}
