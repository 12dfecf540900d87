// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// convChunks is into how many parts a batch is cut for the gradient of the filters: each part is summed by itself,
// then the parts are, so that the result does not depend on the number of workers.
const convChunks = 16

// chunks returns the number of parts of a batch of n images; part i has the images from i·n/chunks on.
func chunks(n int) int { return min(n, convChunks) }

// What a convolution keeps with its result, one after the other: the packed filters of its forward and of its backward
// pass, and the parts of the gradient of filters and bias.

// partLen returns the floats of such a part: a gradient for each filter, its row rounded up for the kernels, and one
// for each bias.
func (p *convPlan) partLen() int { return p.gradLen + max(p.filters, p.channels) }

func (p *convPlan) savedLen(y *Var) int {
	packed := p.packedLen + p.packedTransposedLen
	if !y.needsGrad {
		return packed
	}
	return packed + chunks(y.Shape()[0])*p.partLen()
}

// packed and packedTransposed are the filters of the two directions, part is part i of the gradient.
func (p *convPlan) packed(y *Var) []float32           { return y.saved[:p.packedLen] }
func (p *convPlan) packedTransposed(y *Var) []float32 { return y.saved[p.packedLen:] }

func (p *convPlan) part(y *Var, i int) []float32 {
	return y.saved[p.packedLen+p.packedTransposedLen+i*p.partLen():][:p.partLen()]
}

// pack arranges the filters w [filters, channels, kh, kw] for the output: one row for each filter, its taps sorted by
// the kernel's rows.
func (p *convPlan) pack(packed, w []float32) {
	s := takeSpace()
	defer s.giveBack()
	if p.winograd != nil {
		s.rows = atLeast(s.rows, p.taps*p.filters)
		simd.Transpose(s.rows, p.filters, w, p.taps, p.filters, p.taps)
		p.winograd.transformFilters(&s.wino, packed, s.rows, p.filters, 9*p.filters)
		return
	}
	s.rows = atLeast(s.rows, p.taps*p.filters)[:0]
	for k := range p.filters {
		for u := range p.kh {
			for c := range p.channels {
				s.rows = append(s.rows, w[((k*p.channels+c)*p.kh+u)*p.kw:][:p.kw]...)
			}
		}
	}
	simd.PackFilters(packed, s.rows, p.filters, p.taps)
}

// packSpread arranges the filters for the gradient of the image that is spread: tap by tap, one row for each channel.
func (p *convPlan) packSpread(s *convSpace, packed, w []float32) {
	size := p.kh * p.kw
	each := simd.PackedFilters(p.channels, p.filters)
	for tap := range size {
		s.rows = atLeast(s.rows, p.channels*p.filters)[:0]
		for c := range p.channels {
			for k := range p.filters {
				s.rows = append(s.rows, w[(k*p.channels+c)*size+tap])
			}
		}
		simd.PackFilters(packed[tap*each:], s.rows, p.channels, p.filters)
	}
}

// packTransposed arranges the filters for the gradient of the image: one row for each channel, for each phase those
// taps that meet it.
func (p *convPlan) packTransposed(packed, w []float32) {
	s := takeSpace()
	defer s.giveBack()
	if p.spread {
		p.packSpread(s, packed, w)
		return
	}
	if p.winograd != nil {
		p.packWinograd(s, packed, w)
		return
	}
	for i := range p.phases {
		f := &p.phases[i]
		if f.empty() {
			continue
		}
		s.rows = atLeast(s.rows, p.taps*p.filters)[:0]
		y, x := i/p.shape.StrideW, i%p.shape.StrideW
		for c := range p.channels {
			for u := y; u < p.kh; u += p.shape.StrideH {
				for k := range p.filters {
					row := w[((k*p.channels+c)*p.kh+u)*p.kw:][:p.kw]
					for v := x; v < p.kw; v += p.shape.StrideW {
						s.rows = append(s.rows, row[v])
					}
				}
			}
		}
		simd.PackFilters(packed[f.packedAt:], s.rows, p.channels, len(s.rows)/p.channels)
	}
}

// packWinograd transforms the filters for the gradient of the image, turned round: their last tap comes first.
func (p *convPlan) packWinograd(s *convSpace, packed, w []float32) {
	s.rows = atLeast(s.rows, p.filters*p.taps)
	for k := range p.filters {
		for c := range p.channels {
			for t, v := range w[(k*p.channels+c)*9:][:9] {
				s.rows[(k*9+8-t)*p.channels+c] = v
			}
		}
	}
	p.winogradTransposed.transformFilters(&s.wino, packed, s.rows, p.channels, 9*p.channels)
}

// runConv is the forward pass of Conv2D for the images from lo to hi.
func (p *convPlan) runConv(y *Var, lo, hi int) {
	in, out := p.channels*p.h*p.w, p.filters*p.oh*p.ow
	p.correlate(y.Data()[lo*out:hi*out], y.in[0].Data()[lo*in:hi*in], p.packed(y), biasOf(y), false)
}

// runTransposed is the forward pass of ConvTranspose2D.
func (p *convPlan) runTransposed(y *Var, lo, hi int) {
	in, out := p.filters*p.oh*p.ow, p.channels*p.h*p.w
	p.transposed(y.Data()[lo*out:hi*out], y.in[0].Data()[lo*in:hi*in], p.packedTransposed(y), biasOf(y), false)
}

func biasOf(y *Var) []float32 {
	if len(y.in) < 3 {
		return nil
	}
	return y.in[2].Data()
}

// backwardConv is the backward pass of Conv2D, backwardTransposed that of ConvTranspose2D.
func (p *convPlan) backwardConv(y *Var) {
	if y.in[0].needsGrad {
		p.packTransposed(p.packedTransposed(y), y.in[1].Data())
	}
	p.backward(y, p.convGradFunc)
}

func (p *convPlan) backwardTransposed(y *Var) {
	if y.in[0].needsGrad {
		p.pack(p.packed(y), y.in[1].Data())
	}
	p.backward(y, p.transposedGradFunc)
}

// backward lets run compute the parts of the batch and adds them up.
func (p *convPlan) backward(y *Var, run func(y *Var, lo, hi int)) {
	if x := y.in[0]; x.needsGrad {
		_, y.acc = x.GradBuffer()
	}
	n := y.Shape()[0]
	parts := chunks(n)
	y.tape.For(y, parts, grain(2*p.work*n/parts), run)
	if w := y.in[1]; w.needsGrad {
		dw, acc := w.GradBuffer()
		if p.winograd != nil {
			p.sumWinograd(y, dw, parts, acc)
		} else {
			for i := range parts {
				sumRows(dw, p.taps, p.part(y, i), simd.GradLen(p.taps), p.filters, acc || i > 0)
			}
		}
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		for i := range parts {
			sumRows(db, len(db), p.part(y, i)[p.gradLen:], len(db), 1, acc || i > 0)
		}
	}
}

// sumWinograd adds up the parts [channels, 9, filters] and sets dw [filters, channels, 9] to the sum, or adds it.
func (p *convPlan) sumWinograd(y *Var, dw []float32, parts int, acc bool) {
	y.tape.For(y, p.gradLen, elementsWorthSharing/parts+1, p.sumFunc)
	sum := p.part(y, 0)[:p.gradLen]
	if !acc {
		simd.Transpose(dw, p.taps, sum, p.filters, p.taps, p.filters)
		return
	}
	s := takeSpace()
	defer s.giveBack()
	s.rows = atLeast(s.rows, p.gradLen)
	simd.Transpose(s.rows, p.taps, sum, p.filters, p.taps, p.filters)
	simd.Add(dw, dw, s.rows)
}

// sumParts adds the other parts of the batch to the first one, from element lo to hi.
func (p *convPlan) sumParts(y *Var, lo, hi int) {
	sum := p.part(y, 0)[lo:hi]
	for i := 1; i < chunks(y.Shape()[0]); i++ {
		simd.Add(sum, sum, p.part(y, i)[lo:hi])
	}
}

// sumRows sets dst, some rows of n, to rows of another stride, or adds them.
func sumRows(dst []float32, n int, src []float32, stride, rows int, acc bool) {
	if acc {
		simd.AddToRows(dst, n, src, stride, rows, n)
	} else {
		simd.CopyRowsAdd(dst, n, src, stride, rows, n, 0)
	}
}

// convGrad computes some parts of the gradients of Conv2D.
func (p *convPlan) convGrad(y *Var, lo, hi int) {
	x, n := y.in[0], y.Shape()[0]
	in, out := p.channels*p.h*p.w, p.filters*p.oh*p.ow
	for i := lo; i < hi; i++ {
		first, end := i*n/chunks(n), (i+1)*n/chunks(n)
		dy := y.grad.Data()[first*out : end*out]
		if x.needsGrad {
			p.transposed(x.grad.Data()[first*in:end*in], dy, p.packedTransposed(y), nil, y.acc)
		}
		if y.in[1].needsGrad {
			p.filterGrad(p.part(y, i), x.Data()[first*in:end*in], dy)
		}
		p.biasGrad(y, i, dy, p.filters, p.oh*p.ow)
	}
}

// transposedGrad computes some parts of the gradients of ConvTranspose2D.
func (p *convPlan) transposedGrad(y *Var, lo, hi int) {
	x, n := y.in[0], y.Shape()[0]
	in, out := p.filters*p.oh*p.ow, p.channels*p.h*p.w
	for i := lo; i < hi; i++ {
		first, end := i*n/chunks(n), (i+1)*n/chunks(n)
		dy := y.grad.Data()[first*out : end*out]
		if x.needsGrad {
			p.correlate(x.grad.Data()[first*in:end*in], dy, p.packed(y), nil, y.acc)
		}
		if y.in[1].needsGrad {
			p.filterGrad(p.part(y, i), dy, x.Data()[first*in:end*in])
		}
		p.biasGrad(y, i, dy, p.channels, p.h*p.w)
	}
}

// biasGrad computes part i of the bias' gradient: the sums of dy over its planes, each of some size.
func (p *convPlan) biasGrad(y *Var, i int, dy []float32, planes, size int) {
	if len(y.in) < 3 || !y.in[2].needsGrad {
		return
	}
	db := p.part(y, i)[p.gradLen:][:planes]
	clear(db)
	for len(dy) > 0 {
		for k := range db {
			db[k] += simd.Sum(dy[k*size:][:size])
		}
		dy = dy[planes*size:]
	}
}
