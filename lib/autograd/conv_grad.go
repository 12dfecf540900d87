// SPDX-License-Identifier: Apache-2.0

package autograd

import "github.com/lateral-ml/lateral/lib/internal/simd"

// convChunks is the number of parts into which a batch is split for the gradient of the filters. Each part is summed
// separately, and then the parts are summed, so that the result does not depend on the number of workers.
const convChunks = 16

// chunks returns the number of parts of a batch of n images; part i starts at image i·n/chunks.
func chunks(n int) int { return min(n, convChunks) }

// partLen returns the number of floats in a part: a gradient for each filter, with rows rounded up for the kernels, and
// one for each bias.
func (p *convPlan) partLen() int { return p.gradLen + max(p.filters, p.channels) }

func (op *convOp) part(i int) []float32 { return op.parts[i*op.partLen():][:op.partLen()] }

// packForward arranges the filters w [filters, channels, kh, kw] for the output: one row per filter, with the taps
// sorted by rows of the kernel.
func (p *convPlan) packForward(packed, w []float32) {
	s := takeSpace()
	defer s.giveBack()
	if p.winograd != nil {
		s.rows = atLeast(s.rows, p.taps*p.filters)
		simd.Transpose(s.rows, p.filters, w, p.taps, p.filters, p.taps)
		p.winograd.transformFilters(&s.wino, packed, s.rows, p.filters, p.kh*p.kw*p.filters)
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

// packSpread arranges the filters for the image gradient in spread form: tap by tap, one row per channel.
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

// packTransposed arranges the filters for the image gradient: one row per channel and, for each phase, the taps that
// reach it.
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

// packWinograd transforms the filters for the image gradient. They are rotated by 180 degrees: the last tap comes
// first.
func (p *convPlan) packWinograd(s *convSpace, packed, w []float32) {
	s.rows = atLeast(s.rows, p.filters*p.taps)
	size := p.kh * p.kw
	for k := range p.filters {
		for c := range p.channels {
			for t, v := range w[(k*p.channels+c)*size:][:size] {
				s.rows[((k+1)*size-1-t)*p.channels+c] = v
			}
		}
	}
	p.winogradTransposed.transformFilters(&s.wino, packed, s.rows, p.channels, size*p.channels)
}

// Backward computes the gradients of the parts of the batch and sums them.
func (op *convOp) Backward(y *Var) {
	x, w := y.in[0], y.in[1]
	n := y.Rows()
	parts := chunks(n)
	if n == 0 {
		zeroGrads(y)
		return
	}
	if !op.transposed && op.few == nil && op.findLive(y) {
		op.liveBackward(y)
		return
	}
	if x.needsGrad {
		_, op.accumulate = x.GradBuffer()
		op.pack(!op.transposed, op.allWeights(w))
	}
	op.parts = atLeast(op.parts, parts*op.partLen())
	For(y, parts, grain(2*op.work*n/parts), (*convOp).backward)
	if w.needsGrad {
		dw, acc := op.allGrads(w)
		if op.winograd != nil {
			op.sumWinograd(y, dw, parts, acc)
		} else {
			for i := range parts {
				sumRows(dw, op.taps, op.part(i), simd.GradLen(op.taps), op.filters, acc || i > 0)
			}
		}
		op.keepGrads(w)
	}
	if len(y.in) > 2 && y.in[2].needsGrad {
		db, acc := y.in[2].GradBuffer()
		for i := range parts {
			sumRows(db, len(db), op.part(i)[op.gradLen:], len(db), 1, acc || i > 0)
		}
	}
}

// backward computes the image gradients of some parts of the batch, and the partial gradients of filters and biases.
func (op *convOp) backward(y *Var, lo, hi int) {
	x, w, n := y.in[0], y.in[1], y.Rows()
	in, out := x.Width(), y.Width()
	for i := lo; i < hi; i++ {
		first, end := i*n/chunks(n), (i+1)*n/chunks(n)
		images, dy := x.Data()[first*in:end*in], y.grad.Data()[first*out:end*out]
		if x.needsGrad {
			op.run(!op.transposed, x.grad.Data()[first*in:end*in], dy, nil, op.accumulate)
		}
		if w.needsGrad && op.transposed {
			op.filterGrad(op.part(i), dy, images)
		} else if w.needsGrad {
			op.filterGrad(op.part(i), images, dy)
		}
		if len(y.in) > 2 && y.in[2].needsGrad {
			planes := y.Shape()[1]
			sumPlanes(op.part(i)[op.gradLen:][:planes], dy, out/planes)
		}
	}
}

// sumPlanes sets db, with one element per plane of an image, to the sums of dy over planes of the given size.
func sumPlanes(db, dy []float32, size int) {
	clear(db)
	for len(dy) > 0 {
		for k := range db {
			db[k] += simd.Sum(dy[k*size:][:size])
		}
		dy = dy[len(db)*size:]
	}
}

// sumWinograd sums the parts [channels, kh·kw, filters] and stores the result in dw [filters, channels, kh·kw], or
// adds it to dw.
func (op *convOp) sumWinograd(y *Var, dw []float32, parts int, acc bool) {
	For(y, op.gradLen, elementsWorthSharing/parts+1, (*convOp).sumParts)
	p, sum := op.convPlan, op.part(0)[:op.gradLen]
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

// sumParts adds the other parts of the batch to the first one, for elements lo to hi.
func (op *convOp) sumParts(y *Var, lo, hi int) {
	sum := op.part(0)[lo:hi]
	for i := 1; i < chunks(y.Rows()); i++ {
		simd.Add(sum, sum, op.part(i)[lo:hi])
	}
}

// sumRows copies rows of n elements to dst from rows with the given stride, or adds them.
func sumRows(dst []float32, n int, src []float32, stride, rows int, acc bool) {
	if acc {
		simd.AddToRows(dst, n, src, stride, rows, n)
	} else {
		simd.CopyRowsAdd(dst, n, src, stride, rows, n, 0)
	}
}
