// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Conv2D is a layer of filters that move over images; see [autograd.Conv2D].
//
//	x [N, channels, H, W] -> y [N, filters, OH, OW] with the size of [autograd.ConvShape.OutputSize]
type Conv2D struct {
	Weight *autograd.Var // [filters, channels, kh, kw]
	Bias   *autograd.Var // [filters]; nil for a layer without bias
	Shape  autograd.ConvShape
}

// NewConv2D returns a layer of filters of kh x kw places and some channels. The filters are drawn from rng by init,
// with channels·kh·kw inputs and filters·kh·kw outputs; a nil init is [Uniform].
func NewConv2D(channels, filters, kh, kw int, s autograd.ConvShape, init Init, rng *tensor.RNG) *Conv2D {
	w, b := filterBank(filters, channels, kh, kw, filters, init, rng)
	return &Conv2D{Weight: w, Bias: b, Shape: s}
}

// Forward returns the convolution of images x.
func (c *Conv2D) Forward(x *autograd.Var) *autograd.Var {
	return autograd.Conv2D(x, c.Weight, c.Bias, c.Shape)
}

// ConvTranspose2D is a layer of filters that renders images: each element of a channel adds its filter, scaled by the
// element, to the output; see [autograd.ConvTranspose2D].
//
//	x [N, channels, H, W] -> y [N, filters, OH, OW] with the size of [autograd.ConvShape.TransposedSize]
type ConvTranspose2D struct {
	Weight *autograd.Var // [channels, filters, kh, kw]
	Bias   *autograd.Var // [filters]; nil for a layer without bias
	Shape  autograd.ConvShape
}

// NewConvTranspose2D returns a layer that makes images of as many channels as it has filters from images of some
// channels. The filters are drawn from rng by init, with filters·kh·kw inputs and channels·kh·kw outputs as in
// PyTorch; a nil init is [Uniform].
func NewConvTranspose2D(
	channels, filters, kh, kw int, s autograd.ConvShape, init Init, rng *tensor.RNG,
) *ConvTranspose2D {
	w, b := filterBank(channels, filters, kh, kw, filters, init, rng)
	return &ConvTranspose2D{Weight: w, Bias: b, Shape: s}
}

// Forward returns the transposed convolution of images x.
func (c *ConvTranspose2D) Forward(x *autograd.Var) *autograd.Var {
	return autograd.ConvTranspose2D(x, c.Weight, c.Bias, c.Shape)
}

// filterBank returns filters [outer, inner, kh, kw], which have inner·kh·kw inputs, and biases.
func filterBank(outer, inner, kh, kw, biases int, init Init, rng *tensor.RNG) (w, b *autograd.Var) {
	if init == nil {
		init = Uniform
	}
	weight, bias := tensor.New(outer, inner, kh, kw), tensor.New(biases)
	init(weight, bias, inner*kh*kw, outer*kh*kw, rng)
	return autograd.NewParam(weight), autograd.NewParam(bias)
}
