// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// sample is [Norm.Forward] with fields of the sample. A variable sigma2 takes the place of Sigma² unless it is nil.
func (n *Norm) sample(x, sigma2 *autograd.Var) *autograd.Var {
	l := n.layout(x)
	y, op := autograd.Record[sampleNormOp]("Norm", x, n.Scale, n.Shift, sigma2)
	y.Resize(x.Shape()...)
	op.layout, op.a, op.b = l, l.field("A", n.A, x), l.field("B", n.B, x)
	op.sigma2, op.affine, op.learnt, op.l1 = n.Sigma*n.Sigma, n.Scale != nil, sigma2 != nil, 0
	if op.learnt {
		op.sigma2 = float64(sigma2.Data()[0])
	}
	size := l.items * l.places()
	op.means = slices.Grow(op.means[:0], size)[:size]
	op.factors = slices.Grow(op.factors[:0], size)[:size]
	op.scratch = slices.Grow(op.scratch[:0], scratchMaps*size)[:scratchMaps*size]
	autograd.For(y, l.items, l.grain(), (*sampleNormOp).forward)
	return y
}

// A layout describes x as items that are normalised independently: the groups of all samples. An item consists of
// channels·h·w adjacent numbers.
type layout struct {
	items, channels, h, w int

	groups int  // items per sample
	vector bool // x is [N, L]: w units with a scale and shift each
}

func (l layout) places() int { return l.h * l.w }

// grain returns the number of items from which another goroutine pays.
func (l layout) grain() int { return 1<<13/max(l.channels*l.places(), 1) + 1 }

// layout returns the layout of x, or panics if x does not fit.
func (n *Norm) layout(x *autograd.Var) layout {
	s, groups := x.Shape(), max(n.A.Groups, 1)
	if len(s) < 2 || len(s) > 4 || s[1]%groups != 0 {
		panic(fmt.Sprintf("nn: Norm: want x [N, L], [N, C, W] or [N, C, H, W] with channels in %d groups, got %v", groups, s))
	}
	n.checkParams("Norm", x, s[1])
	l := layout{items: s[0] * groups, channels: s[1] / groups, h: 1, w: 1, groups: groups}
	switch len(s) {
	case 2:
		l.channels, l.w, l.vector = 1, s[1]/groups, true
	case 3:
		l.w = s[2]
	case 4:
		l.h, l.w = s[2], s[3]
	}
	return l
}

// An extent is a [Field] in a layout.
type extent struct {
	h, w   int // of the window; 0 if the field is the whole item
	factor float64
}

func (l layout) field(name string, f Field, x *autograd.Var) extent {
	if f.Window == 0 {
		return extent{factor: 1 / float64(l.channels*l.places())}
	}
	e := extent{h: f.Window, w: f.Window}
	if len(x.Shape()) < 4 {
		e.h = 1
	}
	if e.h > l.h || e.w > l.w {
		panic(fmt.Sprintf("nn: Norm: the window of field %s has side %d, larger than the %d x %d positions of x %v: use a "+
			"smaller window", name, f.Window, l.h, l.w, x.Shape()))
	}
	e.factor = 1 / float64(l.channels*e.h*e.w)
	return e
}

// mean sets dst to the means over the field around each position, given the sums of the channels, src. It is linear;
// with turned, it is the transposed map of the positions, which the gradient needs.
func (e extent) mean(dst, src []float32, h, w int, turned bool) {
	if e.w == 0 {
		m := float32(e.factor * float64(simd.Sum(src)))
		for i := range dst {
			dst[i] = m
		}
		return
	}
	top, left := (e.h-1)/2, (e.w-1)/2
	if turned {
		top, left = e.h/2, e.w/2
	}
	windowSums(dst, src, h, w, window{e.h, e.w, top, left}, e.factor)
}

// A window is a rectangle of positions around one position, of which it has top rows above and left columns before.
type window struct{ h, w, top, left int }

// windowSums sets dst to factor times the sum over the window around each of h x w positions of src, where positions
// outside are 0. It moves sums along: each position costs two additions and two subtractions along each axis for any
// size of the window. Sums of float32 in float64 lose nothing by that.
func windowSums(dst, src []float32, h, w int, win window, factor float64) {
	var buffer [512]float64
	columns := buffer[:0]
	if w > len(buffer) {
		columns = make([]float64, 0, w)
	}
	columns = columns[:w] // sums over the rows of the window
	last := win.h - 1 - win.top
	for r := range min(last, h) {
		for c, v := range src[r*w : (r+1)*w] {
			columns[c] += float64(v)
		}
	}
	right := win.w - 1 - win.left
	for r := range h {
		if r+last < h {
			for c, v := range src[(r+last)*w : (r+last+1)*w] {
				columns[c] += float64(v)
			}
		}
		if gone := r - win.top - 1; gone >= 0 {
			for c, v := range src[gone*w : (gone+1)*w] {
				columns[c] -= float64(v)
			}
		}
		sum := 0.0
		for _, v := range columns[:min(right, w)] {
			sum += v
		}
		for c := range w {
			if c+right < w {
				sum += columns[c+right]
			}
			if gone := c - win.left - 1; gone >= 0 {
				sum -= columns[gone]
			}
			dst[r*w+c] = float32(factor * sum)
		}
	}
}

// sampleNormOp is the state of [Norm.Forward] with fields of the sample.
type sampleNormOp struct {
	layout
	a, b           extent
	sigma2         float64
	affine, learnt bool // with scale and shift; with sigma2 as the last input

	means, factors []float32 // mean_A and 1/sqrt(sigma2 + mean_B) at each position of each item
	scratch        []float32 // maps of each item
	l1             float32   // slope of the penalty on |v|, see CentredL1
	sums           []float64 // of |v| of each item, for the penalty

	accumulate bool      // in Backward
	params     []float32 // gradients of scale and shift by item
	constants  []float64 // gradient of sigma2 by item
}

// scratchMaps is the number of maps of positions that an item needs in Backward.
const scratchMaps = 6

// An item is one group of one sample.
type item struct {
	x             []float32 // channels x places
	mean, factor  []float32 // places
	sum, p, v     []float32 // places, scratch
	mix, sign, at []float32 // places, scratch
}

func (op *sampleNormOp) item(y *autograd.Var, i int) (it item, size int) {
	p := op.places()
	size = op.channels * p
	s := op.scratch[i*scratchMaps*p : (i+1)*scratchMaps*p]
	return item{
		x: y.In(0).Data()[i*size : (i+1)*size], mean: op.means[i*p : (i+1)*p], factor: op.factors[i*p : (i+1)*p],
		sum: s[:p], p: s[p : 2*p], v: s[2*p : 3*p], mix: s[3*p : 4*p], sign: s[4*p : 5*p], at: s[5*p:],
	}, size
}

// channel returns the places of one channel.
func channel(x []float32, c, places int) []float32 { return x[c*places : (c+1)*places] }

// scales returns the scales and shifts of item i, by channel or, for vectors, by unit. They are nil if there are none.
func (op *sampleNormOp) scales(y *autograd.Var, i int) (scale, shift []float32) {
	if !op.affine {
		return nil, nil
	}
	from, to := op.span(i)
	return y.In(1).Data()[from:to], y.In(2).Data()[from:to]
}

// span returns the range of item i in the scales.
func (op *sampleNormOp) span(i int) (from, to int) {
	n := op.channels
	if op.vector {
		n = op.w
	}
	return i % op.groups * n, (i%op.groups + 1) * n
}

func (op *sampleNormOp) forward(y *autograd.Var, lo, hi int) {
	places := op.places()
	for i := lo; i < hi; i++ {
		it, size := op.item(y, i)
		out := y.Data()[i*size : (i+1)*size]
		simd.SumRows(it.sum, it.x, op.channels, places, false)
		op.a.mean(it.mean, it.sum, op.h, op.w, false)
		clear(it.sum)
		for c := range op.channels {
			v := channel(out, c, places)
			simd.Sub(v, channel(it.x, c, places), it.mean)
			simd.MulAdd(it.sum, v, v)
		}
		op.b.mean(it.factor, it.sum, op.h, op.w, false)
		for k, q := range it.factor {
			it.factor[k] = inverseRoot(float64(max(q, 0)), op.sigma2)
		}
		scale, shift := op.scales(y, i)
		for c := range op.channels {
			v := channel(out, c, places)
			simd.Mul(v, v, it.factor)
			switch {
			case op.vector && op.affine:
				simd.Mul(v, v, scale)
				simd.Add(v, v, shift)
			case op.affine:
				simd.Normalize(v, v, 0, scale[c], shift[c])
			}
		}
	}
}

// Backward computes, with the factors s = 1/sqrt(sigma2 + mean_B(v²)), M_A and M_B the two means, and g = Scale·dy,
//
//	dv = s·g + 2v·M_Bᵀ(dq) + l1·sign(v),  dq = -s³/2 · sum over channels of g·v,   dx = dv - M_Aᵀ(sum of dv),
//
// where the transposed means act on sums over channels. dsigma2 is the sum of dq.
func (op *sampleNormOp) Backward(y *autograd.Var) {
	if x := y.In(0); x.NeedsGrad() {
		_, op.accumulate = x.GradBuffer()
	}
	from, to := op.span(0)
	width := 2 * (to - from)
	op.params = slices.Grow(op.params[:0], op.items*width)[:op.items*width]
	op.constants = slices.Grow(op.constants[:0], op.items)[:op.items]
	autograd.For(y, op.items, op.grain(), (*sampleNormOp).backward)
	if op.affine {
		dScale, dShift := y.In(1).GradSum(), y.In(2).GradSum()
		for i := range op.items {
			from, to := op.span(i)
			part := op.params[i*width : (i+1)*width]
			simd.Add(dScale[from:to], dScale[from:to], part[:to-from])
			simd.Add(dShift[from:to], dShift[from:to], part[to-from:])
		}
	}
	if op.learnt {
		if sigma2 := y.In(y.Inputs() - 1); sigma2.NeedsGrad() {
			sum := 0.0
			for _, d := range op.constants {
				sum += d
			}
			sigma2.GradSum()[0] += float32(sum)
		}
	}
}

func (op *sampleNormOp) backward(y *autograd.Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		op.constants[i] = op.suppressionGrad(y, i)
		if y.In(0).NeedsGrad() {
			op.inputGrad(y, i)
		}
	}
}

// suppressionGrad computes the gradients of the parameters, and what the gradient of x needs: it.mix = 2 M_Bᵀ(dq) and
// it.at = M_Aᵀ(sum of dv). It returns the gradient of sigma2.
func (op *sampleNormOp) suppressionGrad(y *autograd.Var, i int) (constant float64) {
	places := op.places()
	it, size := op.item(y, i)
	dy := y.Grad().Data()[i*size : (i+1)*size]
	scale, _ := op.scales(y, i)
	clear(it.sum)  // of g
	clear(it.p)    // of g·v
	clear(it.v)    // of v
	clear(it.sign) // of l1·sign(v)
	for c := range op.channels {
		v, g := it.at, channel(dy, c, places)
		simd.Sub(v, channel(it.x, c, places), it.mean)
		if op.affine {
			g = op.paramGrads(it, i, c, g, v, scale)
		}
		simd.Add(it.sum, it.sum, g)
		simd.MulAdd(it.p, g, v)
		simd.Add(it.v, it.v, v)
		if op.l1 != 0 {
			simd.AddSign(it.sign, op.l1, v)
		}
	}
	for k, s := range it.factor {
		it.p[k] *= -s * s * s / 2
		constant += float64(it.p[k])
	}
	op.b.mean(it.mix, it.p, op.h, op.w, true)
	for k, m := range it.mix {
		it.mix[k] = 2 * m
		it.sign[k] += it.factor[k]*it.sum[k] + 2*m*it.v[k]
	}
	op.a.mean(it.at, it.sign, op.h, op.w, true)
	return constant
}

// paramGrads stores the gradients of scale and shift of a channel, and returns Scale·dy, in it.mix.
func (op *sampleNormOp) paramGrads(it item, i, c int, dy, v, scale []float32) []float32 {
	n := len(scale)
	part := op.params[i*2*n : (i+1)*2*n]
	simd.Mul(it.mix, v, it.factor)
	if op.vector {
		simd.Mul(part[:n], dy, it.mix)
		copy(part[n:], dy)
		simd.Mul(it.mix, dy, scale)
		return it.mix
	}
	part[c], part[n+c] = simd.Dot(dy, it.mix), simd.Sum(dy)
	simd.Scale(it.mix, scale[c], dy)
	return it.mix
}

// inputGrad computes the gradient of x from what suppressionGrad has left.
func (op *sampleNormOp) inputGrad(y *autograd.Var, i int) {
	places := op.places()
	it, size := op.item(y, i)
	dy, dx := y.Grad().Data()[i*size:(i+1)*size], y.In(0).Grad().Data()[i*size:(i+1)*size]
	scale, _ := op.scales(y, i)
	for c := range op.channels {
		v, g := it.v, channel(dy, c, places)
		simd.Sub(v, channel(it.x, c, places), it.mean)
		simd.Mul(it.p, v, it.mix)
		if op.l1 != 0 {
			simd.AddSign(it.p, op.l1, v)
		}
		switch {
		case op.vector && op.affine:
			simd.Mul(v, scale, it.factor)
			simd.MulAdd(it.p, g, v)
		case op.affine:
			simd.Mul(v, g, it.factor)
			simd.Axpy(it.p, scale[c], v)
		default:
			simd.MulAdd(it.p, g, it.factor)
		}
		if d := channel(dx, c, places); op.accumulate {
			simd.Sub(it.p, it.p, it.at)
			simd.Add(d, d, it.p)
		} else {
			simd.Sub(d, it.p, it.at)
		}
	}
}

func (op *sampleNormOp) penalise(slope float32) { op.l1 += slope }

func (op *sampleNormOp) centredAbsSum(y *autograd.Var) (sum float64) {
	op.sums = slices.Grow(op.sums[:0], op.items)[:op.items]
	autograd.For(y, op.items, op.grain(), (*sampleNormOp).absSums)
	for _, s := range op.sums {
		sum += s
	}
	return sum
}

func (op *sampleNormOp) absSums(y *autograd.Var, lo, hi int) {
	places := op.places()
	for i := lo; i < hi; i++ {
		it, _ := op.item(y, i)
		op.sums[i] = 0
		for c := range op.channels {
			simd.Sub(it.at, channel(it.x, c, places), it.mean)
			op.sums[i] += float64(simd.AbsSum(it.at))
		}
	}
}

func (op *sampleNormOp) eachCentred(y *autograd.Var, do func(v []float32) bool) {
	places := op.places()
	for i := range op.items {
		it, _ := op.item(y, i)
		for c := range op.channels {
			simd.Sub(it.at, channel(it.x, c, places), it.mean)
			if !do(it.at) {
				return
			}
		}
	}
}
