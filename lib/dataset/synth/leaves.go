// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"fmt"
	"math"
	"runtime"
	"strconv"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Leaves returns n images x [n, 1, side, side] of dead leaves, grey levels in [0, 1]: opaque ellipses of random place,
// direction and grey level that hide one another [LMH01]. Radii follow the density r^-3, as if things of one size were
// seen from all distances, so that the images have edges at all scales, and the amplitude of their spectrum falls
// nearly as 1/f, as that of photographs does. It panics if n is negative or side less than 8.
//
// The images depend on seed, stream, side and their index alone: more images begin with the same ones, and neither the
// number of processors nor the processor's kind matters.
func Leaves(n, side int, seed uint64, stream string) *tensor.Tensor {
	if n < 0 || side < 8 {
		panic(fmt.Sprintf("dataset/synth: Leaves: %d images of side %d: want n >= 0, side >= 8", n, side))
	}
	x := tensor.New(n, 1, side, side)
	parallel.For(runtime.GOMAXPROCS(0), n, 1, nil, func(_ any, lo, hi int) {
		p := newPile(side)
		for i := lo; i < hi; i++ {
			p.draw(x.Row(i), tensor.Stream(seed, "dataset/leaves/"+stream+"/"+strconv.Itoa(i)))
		}
	})
	return x
}

const (
	smallestLeaf = 1.5      // longer radius, in pixels
	largestLeaf  = 0.35     // of the side
	narrowest    = 0.3      // shorter radius in longer ones
	covered      = 1. / 512 // part of a pixel that may stay open
)

// A pile is an image that is made from the uppermost leaf down: what lies deeper only shows where pixels are open.
type pile struct {
	side  int
	open  []float64 // part of each pixel that no leaf covers yet
	light []float64
	left  int // pixels that are open

	across int   // squares in a row of them
	count  []int // pixels that are open in each square: most leaves lie where none is
}

// square is the side of a square of pixels. Those at the right and lower edges may be cut off.
const square = 8

func newPile(side int) *pile {
	across := (side + square - 1) / square
	return &pile{
		side: side, open: make([]float64, side*side), light: make([]float64, side*side),
		across: across, count: make([]int, across*across),
	}
}

func (p *pile) draw(pixels []float32, rng *tensor.RNG) {
	for i := range p.open {
		p.open[i], p.light[i] = 1, 0
		p.count[i/p.side/square*p.across+i%p.side/square]++
	}
	largest := largestLeaf * float64(p.side)
	for p.left = len(p.open); p.left > 0; {
		p.add(randomLeaf(rng, float64(p.side), largest))
	}
	for i, v := range p.light {
		pixels[i] = float32(min(v, 1))
	}
}

// A leaf is an ellipse.
type leaf struct {
	x, y     float64 // centre
	cos, sin float64 // direction of the longer radius
	long     float64
	short    float64
	grey     float64
}

// randomLeaf draws a leaf that may touch the image. Products are converted before they are added, which keeps machines
// from fusing the two.
func randomLeaf(rng *tensor.RNG, side, largest float64) leaf {
	var l leaf
	// The density r^-3 between a and b: 1/r² is uniform between 1/a² and 1/b².
	a, b := 1/(smallestLeaf*smallestLeaf), 1/float64(largest*largest)
	l.long = 1 / math.Sqrt(a-float64(rng.Float64()*(a-b)))
	l.short = l.long * (narrowest + float64((1-narrowest)*rng.Float64()))
	for { // a direction without trigonometric functions, which differ between machines
		u, v := 2*rng.Float64()-1, 2*rng.Float64()-1
		if r := float64(u*u) + float64(v*v); r <= 1 && r > 1e-4 {
			root := math.Sqrt(r)
			l.cos, l.sin = u/root, v/root
			break
		}
	}
	span := side + float64(2*largest)
	l.x, l.y = float64(span*rng.Float64())-largest, float64(span*rng.Float64())-largest
	l.grey = rng.Float64()
	return l
}

// add puts a leaf under the others.
func (p *pile) add(l leaf) {
	reach := l.long + 1
	x0, x1 := max(0, int(l.x-reach)), min(p.side-1, int(l.x+reach)+1)
	y0, y1 := max(0, int(l.y-reach)), min(p.side-1, int(l.y+reach)+1)
	for row := y0 / square; row <= y1/square; row++ {
		for column := x0 / square; column <= x1/square; column++ {
			if open := &p.count[row*p.across+column]; *open > 0 {
				x, y := column*square, row*square
				closed := p.shade(l, max(x0, x), min(x1, x+square-1), max(y0, y), min(y1, y+square-1))
				*open -= closed
				p.left -= closed
			}
		}
	}
}

// shade puts the part of a leaf in some columns and rows under the others, and returns the number of pixels that it
// closes. Its edge is as soft as a pixel is wide.
func (p *pile) shade(l leaf, x0, x1, y0, y1 int) (closed int) {
	for y := y0; y <= y1; y++ {
		dy := float64(y) - l.y
		for x := x0; x <= x1; x++ {
			i := y*p.side + x
			if p.open[i] == 0 {
				continue
			}
			dx := float64(x) - l.x
			u := (float64(dx*l.cos) + float64(dy*l.sin)) / l.long
			v := (float64(dy*l.cos) - float64(dx*l.sin)) / l.short
			inside := float64((1-math.Sqrt(float64(u*u)+float64(v*v)))*l.short) + 0.5
			if inside <= 0 {
				continue
			}
			part := float64(p.open[i] * min(inside, 1))
			p.light[i] += float64(part * l.grey)
			if p.open[i] -= part; p.open[i] < covered {
				p.light[i] /= 1 - p.open[i]
				p.open[i] = 0
				closed++
			}
		}
	}
	return closed
}
