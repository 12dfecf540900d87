// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Conv2D is a convolutional layer; see [autograd.Conv2D].
//
//	x [N, channels, H, W] -> y [N, filters, OH, OW] with the size of [autograd.ConvShape.OutputSize]
type Conv2D struct {
	Weight *autograd.Var // [filters, channels, kh, kw]
	Bias   *autograd.Var // [filters]; nil for a layer without bias
	Shape  autograd.ConvShape
}

// NewConv2D returns a layer of filters with kh x kw positions and the given number of channels. init draws the filters
// from rng, with fan-in channels·kh·kw and fan-out filters·kh·kw; a nil init means [Uniform].
func NewConv2D(channels, filters, kh, kw int, s autograd.ConvShape, init Init, rng *tensor.RNG) *Conv2D {
	w, b := filterBank(filters, channels, kh, kw, filters, init, rng)
	return &Conv2D{Weight: w, Bias: b, Shape: s}
}

// Forward returns the convolution of images x.
func (c *Conv2D) Forward(x *autograd.Var) *autograd.Var {
	return autograd.Conv2D(x, c.Weight, c.Bias, c.Shape)
}

// ConvTranspose2D is a layer that renders images: each element of a channel adds its filter, scaled by the element, to
// the output; see [autograd.ConvTranspose2D].
//
//	x [N, channels, H, W] -> y [N, filters, OH, OW] with the size of [autograd.ConvShape.TransposedSize]
type ConvTranspose2D struct {
	Weight *autograd.Var // [channels, filters, kh, kw]
	Bias   *autograd.Var // [filters]; nil for a layer without bias
	Shape  autograd.ConvShape
}

// NewConvTranspose2D returns a layer that maps images with the given number of channels to images with one channel per
// filter. init draws the filters from rng, with fan-in filters·kh·kw and fan-out channels·kh·kw as in PyTorch; a nil
// init means [Uniform].
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

// filterBank returns filters [outer, inner, kh, kw], with fan-in inner·kh·kw, and biases.
func filterBank(outer, inner, kh, kw, biases int, init Init, rng *tensor.RNG) (w, b *autograd.Var) {
	if init == nil {
		init = Uniform
	}
	weight, bias := tensor.New(outer, inner, kh, kw), tensor.New(biases)
	init(weight, bias, inner*kh*kw, outer*kh*kw, rng)
	return autograd.NewParam(weight), autograd.NewParam(bias)
}
