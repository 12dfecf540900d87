// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// batch is [Norm.Forward] with fields of the batch.
func (n *Norm) batch(x *autograd.Var) *autograd.Var {
	channels := n.Mean.Len()
	if s := x.Shape(); len(s) < 2 || s[1] != channels {
		panic(fmt.Sprintf("nn: BatchNorm: want x [N, %d, ...], got %v", channels, s))
	}
	n.checkParams("BatchNorm", x, channels)
	measured := training("BatchNorm", x) && x.Value().Len() > 0
	if measured && x.Value().Len() == channels {
		panic(fmt.Sprintf("nn: BatchNorm: x %v has one number per channel, whose deviation from the mean is 0: use larger "+
			"batches, or a Norm with fields of the sample", x.Shape()))
	}
	y, op := autograd.Record[batchNormOp]("BatchNorm", x, n.Scale, n.Shift)
	y.Resize(x.Shape()...)
	op.sigma2, op.measured, op.affine, op.l1 = n.Sigma*n.Sigma, measured, n.Scale != nil, 0
	op.channels = slices.Grow(op.channels[:0], channels)[:channels]
	if !op.measured {
		for c, v := range n.Variance.Data() {
			op.channels[c] = moments{n.Mean.Data()[c], v, inverseRoot(float64(v), op.sigma2)}
		}
	}
	autograd.For(y, channels, grain(x), (*batchNormOp).forward)
	if op.measured {
		for c, m := range op.channels {
			move(&n.Mean.Data()[c], m.mean, n.Momentum)
			move(&n.Variance.Data()[c], m.variance, n.Momentum)
		}
	}
	return y
}

// batchNormOp is the state of [Norm.Forward] with fields of the batch.
type batchNormOp struct {
	sigma2     float64
	measured   bool // mean and variance are those of the batch
	affine     bool // with scale and shift
	channels   []moments
	l1         float32   // slope of the penalty on |x - mean|, see CentredL1
	centred    []float32 // x - mean of a plane for each channel, for the penalty
	accumulate bool      // in Backward
}

type moments struct {
	mean, variance float32
	factor         float32 // 1/sqrt(variance + Sigma²)
}

// move updates a running average with x.
func move(average *float32, x, momentum float32) {
	*average = float32(momentum**average) + float32((1-momentum)*x)
}

func inverseRoot(variance, sigma2 float64) float32 { return float32(1 / math.Sqrt(variance+sigma2)) }

// grain returns the number of channels from which another goroutine pays.
func grain(x *autograd.Var) int { return 1<<14*x.Shape()[1]/max(x.Value().Len(), 1) + 1 }

// planes are the planes of one channel in a batch; the planes of other channels lie between them.
type planes struct {
	n, size     int // number of planes, and of elements in each
	first, step int // start of the first plane, and distance to the next
}

func planesOf(y *autograd.Var, channel int) planes {
	s := y.Shape()
	size := y.Width() / s[1]
	return planes{s[0], size, channel * size, y.Width()}
}

// at returns plane i in the memory of a result, its input, or a gradient.
func (p planes) at(data []float32, i int) []float32 { return data[p.first+i*p.step:][:p.size] }

// count returns the number of elements of the channel.
func (p planes) count() float64 { return float64(p.n * p.size) }

// measure returns the moments of a channel of x. The variance takes a second pass, because a difference of two large
// sums would be inaccurate.
func (p planes) measure(x []float32, sigma2 float64) moments {
	var sum, squares float64
	for i := range p.n {
		sum += float64(simd.Sum(p.at(x, i)))
	}
	mean := float32(sum / p.count())
	for i := range p.n {
		squares += float64(simd.CentredSquares(p.at(x, i), mean))
	}
	return moments{mean, float32(squares / p.count()), inverseRoot(squares/p.count(), sigma2)}
}

// forward computes the results of channels lo to hi.
func (op *batchNormOp) forward(y *autograd.Var, lo, hi int) {
	x := y.In(0).Data()
	for c := lo; c < hi; c++ {
		p := planesOf(y, c)
		if op.measured {
			op.channels[c] = p.measure(x, op.sigma2)
		}
		m := op.channels[c]
		scale, shift := m.factor, float32(0)
		if op.affine {
			scale, shift = y.In(1).Data()[c]*m.factor, y.In(2).Data()[c]
		}
		for i := range p.n {
			simd.Normalize(p.at(y.Data(), i), p.at(x, i), m.mean, scale, shift)
		}
	}
}

// Backward computes, with v = (x - mean)/sqrt(variance + Sigma²) and E the mean over a channel,
//
//	dx = Scale/sqrt(variance + Sigma²) · (dy - E[dy] - v·E[dy·v]),
//
// and the sums dScale = sum dy·v and dShift = sum dy. If mean and variance were constants, the expectations are
// omitted.
func (op *batchNormOp) Backward(y *autograd.Var) {
	if op.affine {
		y.In(1).GradSum()
		y.In(2).GradSum()
	}
	if op.l1 != 0 {
		op.centred = slices.Grow(op.centred[:0], len(op.channels)*planesOf(y, 0).size)
	}
	if x := y.In(0); x.NeedsGrad() {
		_, op.accumulate = x.GradBuffer()
	}
	autograd.For(y, len(op.channels), grain(y), (*batchNormOp).backward)
}

func (op *batchNormOp) backward(y *autograd.Var, lo, hi int) {
	for c := lo; c < hi; c++ {
		op.channelGrad(y, c)
	}
}

func (op *batchNormOp) channelGrad(y *autograd.Var, c int) {
	x, dy, p, m := y.In(0).Data(), y.Grad().Data(), planesOf(y, c), op.channels[c]
	var sum, product float64 // sum of dy, and of dy·(x - mean)
	for i := range p.n {
		sum += float64(simd.Sum(p.at(dy, i)))
		product += float64(simd.CentredDot(p.at(dy, i), p.at(x, i), m.mean))
	}
	product *= float64(m.factor)
	scale := float32(1)
	if op.affine {
		scale = y.In(1).Data()[c]
		y.In(1).Grad().Data()[c] += float32(product)
		y.In(2).Grad().Data()[c] += float32(sum)
	}
	if !y.In(0).NeedsGrad() {
		return
	}
	// dx = a·dy + b·(x - mean) + d
	a, b, d := scale*m.factor, float32(0), float32(0)
	if op.measured {
		b = float32(-float64(a) * float64(m.factor) * product / p.count())
		d = float32(-float64(a) * sum / p.count())
	}
	dx := y.In(0).Grad().Data()
	for i := range p.n {
		simd.NormalizeGrad(p.at(dx, i), p.at(dy, i), p.at(x, i), m.mean, a, b, d, op.accumulate)
	}
	if op.l1 != 0 {
		op.penaltyGrad(y, c)
	}
}

// centre returns plane i of the centred channel c, in the memory of that channel.
func (op *batchNormOp) centre(y *autograd.Var, p planes, c, i int) []float32 {
	v := op.centred[:cap(op.centred)][c*p.size : (c+1)*p.size]
	simd.AddScalar(v, -op.channels[c].mean, p.at(y.In(0).Data(), i))
	return v
}

// penaltyGrad adds the gradient of the penalty for channel c: l1·(sign(v) - E[sign(v)]).
func (op *batchNormOp) penaltyGrad(y *autograd.Var, c int) {
	p, dx := planesOf(y, c), y.In(0).Grad().Data()
	signs := 0
	for i := range p.n {
		v := op.centre(y, p, c, i)
		simd.AddSign(p.at(dx, i), op.l1, v)
		signs += 2*simd.CountPositive(v) - simd.CountNonZero(v)
	}
	if op.measured {
		for i := range p.n {
			simd.AddScalar(p.at(dx, i), -op.l1*float32(float64(signs)/p.count()), p.at(dx, i))
		}
	}
}

func (op *batchNormOp) penalise(slope float32) { op.l1 += slope }

func (op *batchNormOp) centredAbsSum(y *autograd.Var) (sum float64) {
	op.eachCentred(y, func(v []float32) bool {
		sum += float64(simd.AbsSum(v))
		return true
	})
	return sum
}

func (op *batchNormOp) eachCentred(y *autograd.Var, do func(v []float32) bool) {
	op.centred = slices.Grow(op.centred[:0], len(op.channels)*planesOf(y, 0).size)
	for c := range op.channels {
		p := planesOf(y, c)
		for i := range p.n {
			if !do(op.centre(y, p, c, i)) {
				return
			}
		}
	}
}
