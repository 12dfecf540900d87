// SPDX-License-Identifier: Apache-2.0

// Package synth makes data sets from a seed, with no file and no network.
//
// Glyphs stands in for MNIST: digits of typefaces, bent, slanted and drawn with pens of varying width.
package synth

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Glyphs returns n images of digits x [n, 1, 28, 28], pixels in [0, 1] in steps of 1/255, ink 1 on 0, and their labels
// y [n]. It panics if n is negative.
//
// Each image is a digit of one of 22 typefaces (Go, DejaVu, Liberation and Latin Modern), bent by a smooth random
// field, stretched, slanted, turned, and drawn with a pen of random width and grainy ink. It is framed as MNIST's are: the
// ink fits a box of 20x20 pixels and its centre of mass is near the middle of the image. Each ten images from a multiple
// of ten on hold every digit once, in random order.
//
// The images depend on seed, stream and their index alone: more images begin with the same ones, and neither the number of
// processors nor the processor's kind matters. Take training and test images from two streams. Both then show the same
// typefaces in independent variations, as MNIST's two parts show the same habits of writing.
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
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			var p pen
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				rng := tensor.Stream(seed, stream+"/image/"+strconv.Itoa(i))
				p.draw(x.Row(i), &faces[rng.IntN(len(faces))][y[i]], rng)
			}
		})
	}
	workers.Wait()
	return x, y
}

// A pen draws digits. It keeps its memory from one to the next.
type pen struct {
	canvas   canvas
	contours [][]point
	thick    [][]point
	bend     bend
}

// Variation of the digits, chosen such that classifiers find them about as hard as MNIST's (dataset's tests measure it).
// Lengths are in heights of a digit or, where said, in pixels.
const (
	tilt      = 0.20  // deviation of the rotation, in radians
	slant     = 0.32  // deviation of the shear, x per y
	squeeze   = 0.18  // deviation of the relative difference of width and height
	elastic   = 0.135 // deviation of each control point of the bending field
	box       = 20.0  // side of the square that a digit fits, in pixels
	penMean   = 2.6   // width of the pen, in pixels
	penSpread = 0.6   // its deviation
	thinnest  = 0.3   // the part of a stroke that may be taken off each of its sides
	wobble    = 0.2   // deviation of the centre of mass from the centre, in pixels
	grain     = 0.08  // deviation of the ink's darkness from pixel to pixel
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

	// Rotation by the tangent of half the angle needs no trigonometric function.
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

	// The ink's larger extent, pen included, is the box: extent*scale + 2*d = box with d = (width - stroke*scale)/2.
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
