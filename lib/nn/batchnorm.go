// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// BatchNorm is batch normalisation. From each channel it subtracts the mean over the batch, divides by the standard
// deviation, and applies a learnt scale and shift:
//
//	y = Scale·(x - mean) / sqrt(variance + Eps) + Shift
//
//	x [N, C, ...] -> y [N, C, ...], mean and variance [C] over N and all positions
//
// In training, mean and variance (over the N·positions numbers, not the unbiased estimate) are those of the batch, and
// update the running averages:
//
//	Mean = Momentum·Mean + (1-Momentum)·mean, and the same for Variance
//
// Outside training, the running averages are used. They are buffers of the model: they are saved with it but not
// trained. An empty batch does not change them. Source: [IS15].
type BatchNorm struct {
	Scale    *autograd.Var  // [C]
	Shift    *autograd.Var  // [C]
	Mean     *tensor.Tensor // [C], running average
	Variance *tensor.Tensor // [C], running average

	Momentum float32 // of the running averages, 0 <= Momentum < 1
	Eps      float32 // avoids division by zero for a constant channel
}

// NewBatchNorm returns the normalisation of the given number of channels, with scales 1, shifts 0, running mean 0 and
// variance 1, Momentum 0.9 and Eps 1e-5.
func NewBatchNorm(channels int) *BatchNorm {
	if channels < 1 {
		panic(fmt.Sprintf("nn: NewBatchNorm: want at least 1 channel, got %d", channels))
	}
	b := &BatchNorm{
		Scale: autograd.NewParam(tensor.New(channels)), Shift: autograd.NewParam(tensor.New(channels)),
		Mean: tensor.New(channels), Variance: tensor.New(channels), Momentum: 0.9, Eps: 1e-5,
	}
	b.Scale.Value().Fill(1)
	b.Variance.Fill(1)
	return b
}

// Forward normalises x. It panics unless x has as many channels as the module.
func (b *BatchNorm) Forward(x *autograd.Var) *autograd.Var {
	channels := b.Scale.Value().Len()
	if s := x.Shape(); len(s) < 2 || s[1] != channels {
		panic(fmt.Sprintf("nn: BatchNorm: want x [N, %d, ...], got %v", channels, s))
	}
	measured := training("BatchNorm", x) && x.Value().Len() > 0
	y, op := autograd.Record[batchNormOp]("BatchNorm", x, b.Scale, b.Shift)
	y.Resize(x.Shape()...)
	op.eps, op.measured = b.Eps, measured
	op.channels = slices.Grow(op.channels[:0], channels)[:channels]
	if !op.measured {
		for c, v := range b.Variance.Data() {
			op.channels[c] = moments{b.Mean.Data()[c], v, inverseRoot(float64(v), b.Eps)}
		}
	}
	autograd.For(y, channels, grain(x), (*batchNormOp).forward)
	if op.measured {
		for c, m := range op.channels {
			move(&b.Mean.Data()[c], m.mean, b.Momentum)
			move(&b.Variance.Data()[c], m.variance, b.Momentum)
		}
	}
	return y
}

// batchNormOp is the state of [BatchNorm.Forward].
type batchNormOp struct {
	eps        float32
	measured   bool // mean and variance are those of the batch
	channels   []moments
	accumulate bool // in Backward
}

type moments struct {
	mean, variance float32
	factor         float32 // 1/sqrt(variance + Eps)
}

// move updates a running average with x.
func move(average *float32, x, momentum float32) {
	*average = float32(momentum**average) + float32((1-momentum)*x)
}

func inverseRoot(variance float64, eps float32) float32 {
	return float32(1 / math.Sqrt(variance+float64(eps)))
}

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
func (p planes) measure(x []float32, eps float32) moments {
	var sum, squares float64
	for i := range p.n {
		sum += float64(simd.Sum(p.at(x, i)))
	}
	mean := float32(sum / p.count())
	for i := range p.n {
		squares += float64(simd.CentredSquares(p.at(x, i), mean))
	}
	return moments{mean, float32(squares / p.count()), inverseRoot(squares/p.count(), eps)}
}

// forward computes the results of channels lo to hi.
func (op *batchNormOp) forward(y *autograd.Var, lo, hi int) {
	x := y.In(0).Data()
	for c := lo; c < hi; c++ {
		p := planesOf(y, c)
		if op.measured {
			op.channels[c] = p.measure(x, op.eps)
		}
		m := op.channels[c]
		scale, shift := y.In(1).Data()[c]*m.factor, y.In(2).Data()[c]
		for i := range p.n {
			simd.Normalize(p.at(y.Data(), i), p.at(x, i), m.mean, scale, shift)
		}
	}
}

// Backward computes, with v = (x - mean)/sqrt(variance + Eps) and E the mean over a channel,
//
//	dx = Scale/sqrt(variance + Eps) · (dy - E[dy] - v·E[dy·v]),
//
// and the sums dScale = sum dy·v and dShift = sum dy. If mean and variance were constants, the expectations are
// omitted.
func (op *batchNormOp) Backward(y *autograd.Var) {
	y.In(1).GradSum()
	y.In(2).GradSum()
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
	y.In(1).Grad().Data()[c] += float32(product)
	y.In(2).Grad().Data()[c] += float32(sum)
	if !y.In(0).NeedsGrad() {
		return
	}
	// dx = a·dy + b·(x - mean) + d
	a, b, d := y.In(1).Data()[c]*m.factor, float32(0), float32(0)
	if op.measured {
		b = float32(-float64(a) * float64(m.factor) * product / p.count())
		d = float32(-float64(a) * sum / p.count())
	}
	dx := y.In(0).Grad().Data()
	for i := range p.n {
		simd.NormalizeGrad(p.at(dx, i), p.at(dy, i), p.at(x, i), m.mean, a, b, d, op.accumulate)
	}
}
