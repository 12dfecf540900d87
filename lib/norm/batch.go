// SPDX-License-Identifier: Apache-2.0

// Package norm holds normalisations of the net inputs of a layer: modules that keep activity in a range where a
// network can be trained.
package norm

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Batch is batch normalisation: each channel loses its mean over the batch, is divided by its standard deviation, and
// gets a scale and a shift of its own,
//
//	y = Scale·(x - mean) / sqrt(variance + Eps) + Shift
//
//	x [N, C, ...] -> y [N, C, ...], mean and variance [C] over N and all places
//
// A tape that is training takes mean and variance (of the N·places numbers, not the unbiased estimate) from the batch,
// and moves the running averages:
//
//	Mean = Momentum·Mean + (1-Momentum)·mean, and Variance alike
//
// Any other tape takes the running averages. They are buffers of the model: saved with it, never trained.
// Source: [IS15].
type Batch struct {
	Scale    *autograd.Var  // [C]
	Shift    *autograd.Var  // [C]
	Mean     *tensor.Tensor // [C], running
	Variance *tensor.Tensor // [C], running

	Momentum float32 // of the running averages, 0 <= Momentum < 1
	Eps      float32 // keeps a silent channel finite
}

// NewBatch returns the normalisation of some channels: scales 1, shifts 0, running mean 0 and variance 1, Momentum
// 0.9 and Eps 1e-5.
func NewBatch(channels int) *Batch {
	if channels < 1 {
		panic(fmt.Sprintf("norm: NewBatch: %d channels", channels))
	}
	b := &Batch{
		Scale: autograd.NewParam(tensor.New(channels)), Shift: autograd.NewParam(tensor.New(channels)),
		Mean: tensor.New(channels), Variance: tensor.New(channels), Momentum: 0.9, Eps: 1e-5,
	}
	b.Scale.Value().Fill(1)
	b.Variance.Fill(1)
	return b
}

// Forward normalises x. It panics unless x has as many channels as the module.
func (b *Batch) Forward(x *autograd.Var) *autograd.Var {
	channels := b.Scale.Value().Len()
	if s := x.Shape(); len(s) < 2 || s[1] != channels {
		panic(fmt.Sprintf("norm: Batch: want x [N, %d, ...], got %v", channels, s))
	}
	y := x.Tape().Op("BatchNorm", batchBackward, x, b.Scale, b.Shift)
	y.Resize(x.Shape()...)
	s := saved(y)
	y.Keep(0, b.Eps)
	if !x.Tape().Training() {
		y.Keep(1, 0)
		for c, v := range b.Variance.Data() {
			s[c*slot], s[c*slot+1] = b.Mean.Data()[c], inverseRoot(float64(v), b.Eps)
		}
		y.Tape().For(y, channels, grain(x), func(y *autograd.Var, lo, hi int) {
			for c := lo; c < hi; c++ {
				channelOf(y, c).normalize(false)
			}
		})
		return y
	}
	y.Keep(1, 1)
	y.Tape().For(y, channels, grain(x), func(y *autograd.Var, lo, hi int) {
		for c := lo; c < hi; c++ {
			channelOf(y, c).normalize(true)
		}
	})
	for c := range channels {
		move(&b.Mean.Data()[c], s[c*slot], b.Momentum)
		move(&b.Variance.Data()[c], s[c*slot+2], b.Momentum)
	}
	return y
}

// What the result keeps for each channel: the mean, the factor 1/sqrt(variance + Eps), and the variance.
const slot = 3

func saved(y *autograd.Var) []float32 { return y.Saved(slot * y.Shape()[1]) }

// move moves a running average towards x.
func move(average *float32, x, momentum float32) {
	*average = float32(momentum**average) + float32((1-momentum)*x)
}

func inverseRoot(variance float64, eps float32) float32 {
	return float32(1 / math.Sqrt(variance+float64(eps)))
}

// grain returns how many channels are worth a goroutine.
func grain(x *autograd.Var) int { return 1<<14*x.Shape()[1]/max(x.Value().Len(), 1) + 1 }

// A channel is one channel of a batch: some planes, with those of other channels between them.
type channel struct {
	y             *autograd.Var
	c             int
	planes, plane int // how many, and the elements of each
	first, step   int // where the first begins, and how far it is to the next
}

func channelOf(y *autograd.Var, c int) channel {
	s := y.Shape()
	plane := y.Width() / s[1]
	return channel{y, c, s[0], plane, c * plane, y.Width()}
}

// at returns plane i of the memory of a result, its input, or a gradient.
func (c *channel) at(data []float32, i int) []float32 { return data[c.first+i*c.step:][:c.plane] }

// normalize writes the result. The variance takes a second pass: the difference of two large sums would lose it.
func (c channel) normalize(measure bool) {
	y, x := c.y.Data(), c.y.In(0).Data()
	s := saved(c.y)[slot*c.c:][:slot]
	if measure {
		var sum, squares float64
		for i := range c.planes {
			sum += float64(simd.Sum(c.at(x, i)))
		}
		n := float64(c.planes * c.plane)
		mean := float32(sum / n)
		for i := range c.planes {
			squares += float64(simd.CentredSquares(c.at(x, i), mean))
		}
		s[0], s[1], s[2] = mean, inverseRoot(squares/n, c.y.Kept(0)), float32(squares/n)
	}
	scale, shift := c.y.In(1).Data()[c.c]*s[1], c.y.In(2).Data()[c.c]
	for i := range c.planes {
		simd.Normalize(c.at(y, i), c.at(x, i), s[0], scale, shift)
	}
}

// batchBackward computes, with v = (x - mean)/sqrt(variance + Eps) and E the mean over a channel,
//
//	dx = Scale/sqrt(variance + Eps) · (dy - E[dy] - v·E[dy·v]),
//
// without the expectations where mean and variance were constants, and the sums dScale = sum dy·v, dShift = sum dy.
func batchBackward(y *autograd.Var) {
	x := y.In(0)
	y.In(1).GradSum()
	y.In(2).GradSum()
	if x.NeedsGrad() {
		_, acc := x.GradBuffer()
		y.Keep(2, 0)
		if acc {
			y.Keep(2, 1)
		}
	}
	y.Tape().For(y, y.Shape()[1], grain(y), func(y *autograd.Var, lo, hi int) {
		for c := lo; c < hi; c++ {
			channelOf(y, c).backward()
		}
	})
}

func (c channel) backward() {
	s := saved(c.y)[slot*c.c:][:slot]
	mean, factor := s[0], s[1]
	x, dy := c.y.In(0).Data(), c.y.Grad().Data()
	var sum, product float64 // of dy, and of dy and x - mean
	for i := range c.planes {
		sum += float64(simd.Sum(c.at(dy, i)))
		product += float64(simd.CentredDot(c.at(dy, i), c.at(x, i), mean))
	}
	product *= float64(factor)
	c.y.In(1).Grad().Data()[c.c] += float32(product)
	c.y.In(2).Grad().Data()[c.c] += float32(sum)
	if !c.y.In(0).NeedsGrad() {
		return
	}
	// dx = a·dy + b·(x - mean) + d
	a, b, d := c.y.In(1).Data()[c.c]*factor, float32(0), float32(0)
	if c.y.Kept(1) == 1 {
		n := float64(c.planes * c.plane)
		b, d = float32(-float64(a)*float64(factor)*product/n), float32(-float64(a)*sum/n)
	}
	dx, acc := c.y.In(0).Grad().Data(), c.y.Kept(2) == 1
	for i := range c.planes {
		simd.NormalizeGrad(c.at(dx, i), c.at(dy, i), c.at(x, i), mean, a, b, d, acc)
	}
}
