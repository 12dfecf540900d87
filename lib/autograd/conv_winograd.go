// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// Winograd convolution (minimal filtering)
//
// With filters of t x t taps, 3 or 5 a side, and a stride of 1, neighbouring outputs share most of their inputs. A tile
// of r x r outputs then needs (r+t-1)² multiplications for each channel and filter instead of t²r²: for t = 3, 36
// instead of 144 with r = 4, and 16 instead of 36 with r = 2; for t = 5, 64 instead of 400, and 36 instead of 100.
// Saving multiplications is worthwhile, because direct convolution already runs near the processor's peak. The outputs
// y of a tile with (r+t-1) x (r+t-1) inputs d are
//
//	y = transpose(A) (sum over channels of (G g transpose(G)) * (transpose(B) d B)) A
//
// where * is the product of elements; package simd has the matrices [Winograd80] [LG16]. Over all tiles, each of the
// (r+t-1)² elements is a separate matrix product: tiles x channels times channels x filters.
//
// The transforms before and after the products operate on whole vectors of channels, for any image width. Therefore
// images are transposed when they are read, and outputs when they are written. Each block of tiles passes through all
// steps before the next block, so that most of it stays in the cache.
//
// The image gradient is the same computation with other filters. The filter gradient is the transposed map,
//
//	dg = transpose(G) (sum over tiles of (A dy transpose(A)) * (transpose(B) d B)) G
//
// which again is (r+t-1)² matrix products: channels x tiles times tiles x filters.
//
// The root mean square error over 64 channels of 14 x 14 pixels, relative to that of plain float32 sums, is as follows.
// For the outputs and the image gradient of 3 taps it is 0.6 with r = 2, which has shorter chains of additions, and 2
// with r = 4, where the usual matrices would give 4 (see package simd for the matrices in use); of 5 taps it is 1.4
// with r = 2 and 4.5 with r = 4. For the filter gradient it is 4, 7, 20 and 40: it is one chain over all tiles, while
// the plain sum consists of sixteen.

// A winograd is the geometry of one Winograd convolution.
type winograd struct {
	simd.Winograd     // r and t: the outputs of a tile and the taps of a filter, along each side
	in, out       int // channels of the image and of the output
	h, w, oh, ow  int // their heights and widths
	padH, padW    int // zero padding of the image
	down, across  int // number of tiles in an image
	images, rows  int // a block: number of images and rows of tiles
	inPlane       int // distance between the matrices of a block's inputs
	outPlane      int // the same for its outputs
}

// A winogradSpace is the memory that one goroutine needs for a block.
type winogradSpace struct {
	pixels  []float32 // rows of an image, with channels innermost
	half    []float32 // a row of tiles, transformed in one direction
	inputs  []float32 // the transformed tiles of inputs: side² matrices [tiles, in]
	outputs []float32 // the transformed tiles of outputs: side² matrices [tiles, out]
	filters []float32 // sums of the gradients of the transformed filters: [side², in, out]
}

// winogradFor returns the geometry for images with in channels, h x w pixels and the given zero padding. It uses the
// tiles that need the fewest multiplications, and small tiles in case of a tie. It uses small tiles, too, for five taps
// where products round their factors, because large tiles would amplify the error three times as much.
func (p *convPlan) winogradFor(in, out, h, w, padH, padW int) *winograd {
	small := newWinograd(simd.Winograd{Outputs: 2, Taps: p.kh}, in, out, h, w, padH, padW)
	large := newWinograd(simd.Winograd{Outputs: 4, Taps: p.kh}, in, out, h, w, padH, padW)
	rounded := p.kh == 5 && p.precision != simd.Float32
	if large.multiplications() < small.multiplications() && !rounded {
		return large
	}
	return small
}

// newWinograd returns the geometry for tiles of the given size.
func newWinograd(size simd.Winograd, in, out, h, w, padH, padW int) *winograd {
	g := &winograd{Winograd: size, in: in, out: out, h: h, w: w, padH: padH, padW: padW}
	g.oh, g.ow = h+2*padH-(size.Taps-1), w+2*padW-(size.Taps-1)
	g.down, g.across = ceil(g.oh, size.Outputs), ceil(g.ow, size.Outputs)
	// A block should fit in the second-level cache, but not be too small, because all filters are read for each block.
	const floats, least = 1 << 17, 64
	tiles := max(least, floats/(g.matrices()*(in+out)))
	g.images, g.rows = max(1, tiles/(g.down*g.across)), g.down
	if g.images == 1 {
		g.rows = min(g.down, ceil(tiles, g.across))
	}
	g.inPlane, g.outPlane = g.images*g.rows*g.across*in, g.images*g.rows*g.across*out
	return g
}

// multiplications returns the number of multiplications per image for each pair of a channel and a filter.
func (g *winograd) multiplications() int { return g.down * g.across * g.matrices() }

// matrices returns the number of elements of a transformed tile.
func (g *winograd) matrices() int { return g.Side() * g.Side() }

// filtersLen returns the number of floats of the transformed filters.
func (g *winograd) filtersLen() int { return g.matrices() * g.in * g.out }

// transformFilters sets u [side², in, out] to G g transpose(G) for the filters g [t², in, out]. In memory, taps are
// tap floats apart and channels step floats.
func (g *winograd) transformFilters(s *winogradSpace, u, filters []float32, tap, step int) {
	side, size := g.Side(), g.in*g.out
	s.half = atLeast(s.half, side*g.Taps*size)
	for v := range g.Taps {
		g.Filter(simd.Vectors{Data: s.half[v*size:], Plane: g.Taps * size, Step: g.out},
			simd.Vectors{Data: filters[v*tap:], Plane: g.Taps * tap, Step: step}, g.in, g.out)
	}
	for i := range side {
		half := simd.Vectors{Data: s.half[i*g.Taps*size:], Plane: size}
		g.Filter(simd.Vectors{Data: u[i*side*size:], Plane: size}, half, 1, size)
	}
}

// filterGradOf sets dg [in, t², out] to transpose(G) u G for the sums u [side², in, out].
func (g *winograd) filterGradOf(s *winogradSpace, dg, u []float32) {
	side, size := g.Side(), g.in*g.out
	s.half = atLeast(s.half, g.Taps*side*size)
	g.FilterT(simd.Vectors{Data: s.half, Plane: side * size}, simd.Vectors{Data: u, Plane: side * size}, 1, side*size)
	for i := range g.Taps {
		g.FilterT(simd.Vectors{Data: dg[i*g.Taps*g.out:], Plane: g.out, Step: g.Taps * g.Taps * g.out},
			simd.Vectors{Data: s.half[i*side*size:], Plane: size, Step: g.out}, g.in, g.out)
	}
}

// read returns rows of an image x [channels, h, w] with channels innermost, and zeros outside the image.
func (s *winogradSpace) read(x []float32, channels, h, w, top, rows int) []float32 {
	pitch := w * channels
	s.pixels = atLeast(s.pixels, rows*pitch)
	first, end := max(top, 0), min(top+rows, h)
	clear(s.pixels[:(first-top)*pitch])
	clear(s.pixels[(end-top)*pitch:])
	simd.Transpose(s.pixels[(first-top)*pitch:], channels, x[first*w:], h*w, channels, (end-first)*w)
	return s.pixels
}

// transformInputs sets the inputs of a block to transpose(B) d B, for some rows of tiles of some images, starting at
// the given row of tiles.
func (g *winograd) transformInputs(s *winogradSpace, x []float32, images, row, rows int) {
	r, side, pitch := g.Outputs, g.Side(), g.w*g.in
	wide := (r*g.across + g.Taps - 1) * g.in // input of a row of tiles, with the zeros on both sides
	s.half = zeros(s.half, side*wide)
	s.inputs = atLeast(s.inputs, g.matrices()*g.inPlane)
	to := s.inputs
	for i := range images {
		pixels := s.read(x[i*g.in*g.h*g.w:], g.in, g.h, g.w, r*row-g.padH, r*rows+g.Taps-1)
		for t := range rows {
			g.Input(simd.Vectors{Data: s.half[g.padW*g.in:], Plane: wide},
				simd.Vectors{Data: pixels[t*r*pitch:], Plane: pitch}, 1, pitch)
			for u := range side {
				g.Input(simd.Vectors{Data: to[u*side*g.inPlane:], Plane: g.inPlane, Step: g.in},
					simd.Vectors{Data: s.half[u*wide:], Plane: g.in, Step: r * g.in}, g.across, g.in)
			}
			to = to[g.across*g.in:]
		}
	}
}

// transformGrads sets the outputs of a block to A dy transpose(A).
func (g *winograd) transformGrads(s *winogradSpace, dy []float32, images, row, rows int) {
	r, side, pitch := g.Outputs, g.Side(), g.ow*g.out
	wide := r * g.across * g.out
	s.half = zeros(s.half, side*wide)
	s.outputs = atLeast(s.outputs, g.matrices()*g.outPlane)
	to := s.outputs
	for i := range images {
		pixels := s.read(dy[i*g.out*g.oh*g.ow:], g.out, g.oh, g.ow, r*row, r*rows)
		for t := range rows {
			g.OutputT(simd.Vectors{Data: s.half, Plane: wide}, simd.Vectors{Data: pixels[t*r*pitch:], Plane: pitch}, 1, pitch)
			for u := range side {
				g.OutputT(simd.Vectors{Data: to[u*side*g.outPlane:], Plane: g.outPlane, Step: g.out},
					simd.Vectors{Data: s.half[u*wide:], Plane: g.out, Step: r * g.out}, g.across, g.out)
			}
			to = to[g.across*g.out:]
		}
	}
}

// writeOutputs sets y to transpose(A) m A for the outputs m of a block, or adds it to y. It adds a bias unless bias has
// length 0.
func (g *winograd) writeOutputs(s *winogradSpace, y []float32, images, row, rows int, bias []float32, acc bool) {
	r, side, pitch := g.Outputs, g.Side(), g.ow*g.out
	wide := r * g.across * g.out
	s.half = atLeast(s.half, side*wide)
	s.pixels = atLeast(s.pixels, r*rows*pitch)
	places := g.oh * g.ow
	n := min(r*rows, g.oh-r*row) * g.ow // positions in an image
	from := s.outputs
	for i := range images {
		for t := range rows {
			for u := range side {
				g.Output(simd.Vectors{Data: s.half[u*wide:], Plane: g.out, Step: r * g.out},
					simd.Vectors{Data: from[u*side*g.outPlane:], Plane: g.outPlane, Step: g.out}, g.across, g.out)
			}
			g.Output(simd.Vectors{Data: s.pixels[t*r*pitch:], Plane: pitch}, simd.Vectors{Data: s.half, Plane: wide}, 1, pitch)
			from = from[g.across*g.out:]
		}
		if len(bias) > 0 {
			simd.AddRowVector(s.pixels[:n*g.out], s.pixels[:n*g.out], bias, n, g.out)
		}
		to := y[i*g.out*places+r*row*g.ow:]
		if acc {
			s.half = atLeast(s.half, max(side*wide, n*g.out))
			simd.Transpose(s.half, n, s.pixels, g.out, n, g.out)
			simd.AddToRows(to, places, s.half, n, g.out, n)
		} else {
			simd.Transpose(to, places, s.pixels, g.out, n, g.out)
		}
	}
}

// run computes the outputs y of images x with transformed filters u, or adds them to y.
func (g *winograd) run(y, x, u, bias []float32, acc bool) {
	s := takeSpace()
	defer s.giveBack()
	in, out := g.in*g.h*g.w, g.out*g.oh*g.ow
	s.wino.outputs = atLeast(s.wino.outputs, g.matrices()*g.outPlane)
	products := simd.Batch{Count: g.matrices(), StepA: g.inPlane, StepB: g.in * g.out, StepC: g.outPlane}
	for n := len(x) / in; n > 0; n -= g.images {
		images := min(n, g.images)
		for row := 0; row < g.down; row += g.rows {
			rows := min(g.rows, g.down-row)
			g.transformInputs(&s.wino, x, images, row, rows)
			tiles := images * rows * g.across
			products.Gemm(false, false, tiles, g.out, g.in, s.wino.inputs, g.in, u, g.out, s.wino.outputs, g.out, false)
			g.writeOutputs(&s.wino, y, images, row, rows, bias, acc)
		}
		x, y = x[images*in:], y[images*out:]
	}
}

// filterGrad sets dg [in, t², out] to the filter gradient of some images.
func (g *winograd) filterGrad(dg, x, dy []float32) {
	s := takeSpace()
	defer s.giveBack()
	in, out := g.in*g.h*g.w, g.out*g.oh*g.ow
	s.wino.filters = atLeast(s.wino.filters, g.filtersLen())
	products := simd.Batch{Count: g.matrices(), StepA: g.inPlane, StepB: g.outPlane, StepC: g.in * g.out}
	acc := false
	for n := len(x) / in; n > 0; n -= g.images {
		images := min(n, g.images)
		for row := 0; row < g.down; row += g.rows {
			rows := min(g.rows, g.down-row)
			g.transformInputs(&s.wino, x, images, row, rows)
			g.transformGrads(&s.wino, dy, images, row, rows)
			products.Gemm(true, false, g.in, g.out, images*rows*g.across,
				s.wino.inputs, g.in, s.wino.outputs, g.out, s.wino.filters, g.out, acc)
			acc = true
		}
		x, dy = x[images*in:], dy[images*out:]
	}
	g.filterGradOf(&s.wino, dg, s.wino.filters)
}
