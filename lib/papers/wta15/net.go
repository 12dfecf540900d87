// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Autoencoder is one layer of a stack.
type Autoencoder interface {
	// Reconstruct returns the activations of the units after the competition, [N, units], where a map counts with its
	// winner, and the reconstruction of x, in the shape of x. A layer without competition in its maps has the activations
	// [N, maps, H, W].
	Reconstruct(x *autograd.Var) (active, y *autograd.Var)
	// Features returns what the next layer or a classifier sees: the activations without competition, [N, units], or, of
	// a convolutional layer, [N, maps, H/Pool, W/Pool] after max-pooling.
	Features(x *autograd.Var) *autograd.Var
	// Filters returns what each unit or map adds to the reconstruction, [units, C, h, w]; of a fully connected layer, the
	// images have the size of its inputs.
	Filters() *tensor.Tensor
}

// NewAutoencoder returns the untrained autoencoder of a layer for inputs of shape [C, H, W] or [D]. The layer must have
// passed [Setting.Check].
func NewAutoencoder(l Layer, input []int, rng *tensor.RNG) (Autoencoder, error) {
	if l.Kernel == 0 {
		return newDense(l, input, rng), nil
	}
	if len(input) != 3 {
		return nil, fmt.Errorf("wta15: a convolutional layer needs images, not inputs of shape %v", input)
	}
	if h, w := input[1], input[2]; min(h, w) < l.Pool || min(h, w) <= l.Kernel/2 {
		return nil, fmt.Errorf("wta15: images of %dx%d are too small for filters of %dx%d and a pooling of %dx%d: "+
			"use larger images, or a smaller Kernel and Pool", h, w, l.Kernel, l.Kernel, l.Pool, l.Pool)
	}
	return newConvolutional(l, input, rng), nil
}

// A Dense autoencoder is fully connected: with h = max(x·Wᵀ + b, 0) and the mask M of the winners,
//
//	y = (M∘h)·V + c
//
// where V is W if the weights are tied.
type Dense struct {
	Encoder *nn.Dense     // W [units, inputs], b
	Decoder *autograd.Var // V [units, inputs]; nil if the weights are tied
	Bias    *autograd.Var // c [inputs]

	layer Layer
	input []int
}

func newDense(l Layer, input []int, rng *tensor.RNG) *Dense {
	d := &Dense{layer: l, input: input}
	width := 1
	for _, n := range input {
		width *= n
	}
	init := nn.Normal(0.01)
	d.Encoder = nn.NewDense(width, l.Units, init, rng)
	d.Encoder.Bias.Value().Fill(0.01)
	if !l.Tied {
		d.Decoder = nn.NewDense(width, l.Units, init, rng).Weight
	}
	d.Bias = autograd.NewParam(tensor.New(width))
	return d
}

// Reconstruct implements [Autoencoder].
func (d *Dense) Reconstruct(x *autograd.Var) (active, y *autograd.Var) {
	active = autograd.ReLU(d.Encoder.Forward(x))
	switch d.layer.Competition {
	case Lifetime:
		active = competitive.Lifetime(active, d.layer.Share)
	case Units:
		active = competitive.KWTA(active, competitive.Winning(d.layer.Share, d.layer.Units))
	}
	v := d.Decoder
	if v == nil {
		v = d.Encoder.Weight
	}
	y = autograd.Add(autograd.MatMul(active, v), d.Bias)
	return active, autograd.Reshape(y, x.Shape()...)
}

// Features implements [Autoencoder].
func (d *Dense) Features(x *autograd.Var) *autograd.Var { return autograd.ReLU(d.Encoder.Forward(x)) }

// Filters implements [Autoencoder].
func (d *Dense) Filters() *tensor.Tensor {
	v := d.Decoder
	if v == nil {
		v = d.Encoder.Weight
	}
	return v.Value().Reshape(append([]int{d.layer.Units}, d.input...)...)
}

// A Conv autoencoder is convolutional: its encoder is a stack of rectified convolutions that keep the size of the
// images, and its decoder a linear transposed convolution of the winners.
type Conv struct {
	Encoder []*nn.Conv2D
	Decoder *nn.ConvTranspose2D

	layer Layer
	at    []int32 // positions of the winners, reused
}

func newConvolutional(l Layer, input []int, rng *tensor.RNG) *Conv {
	c := &Conv{layer: l}
	channels := input[0]
	for _, maps := range append(append([]int(nil), l.Before...), l.Units) {
		same := autograd.SamePadding(l.Kernel, l.Kernel)
		c.Encoder = append(c.Encoder, nn.NewConv2D(channels, maps, l.Kernel, l.Kernel, same, nn.He, rng))
		channels = maps
	}
	same := autograd.SamePadding(l.Decoder, l.Decoder)
	c.Decoder = nn.NewConvTranspose2D(l.Units, input[0], l.Decoder, l.Decoder, same, nn.Normal(0.01), rng)
	return c
}

// netInputs returns the net inputs of the last convolution of the encoder.
func (c *Conv) netInputs(x *autograd.Var) *autograd.Var {
	for i, conv := range c.Encoder {
		if i > 0 {
			x = autograd.ReLU(x)
		}
		x = conv.Forward(x)
	}
	return x
}

// Reconstruct implements [Autoencoder]. Maps are rectified after the spatial competition, which gives the same winners
// and leaves little to rectify.
func (c *Conv) Reconstruct(x *autograd.Var) (active, y *autograd.Var) {
	z := c.netInputs(x)
	if c.layer.Competition == None {
		active = autograd.ReLU(z)
		return active, c.Decoder.Forward(active)
	}
	peaks := competitive.Spatial(z)
	active = autograd.ReLU(peaks)
	var lifetime *autograd.Var
	if c.layer.Competition == Both {
		lifetime = competitive.Lifetime(active, c.layer.Share)
		active = lifetime
	}
	c.at = competitive.Peaks(c.at[:0], peaks, lifetime)
	d, s := c.Decoder, z.Shape()
	return active, autograd.ConvTransposePeaks(active, c.at, s[2], s[3], d.Weight, d.Bias, d.Shape)
}

// Features implements [Autoencoder].
func (c *Conv) Features(x *autograd.Var) *autograd.Var {
	pool := autograd.Pool{H: c.layer.Pool, W: c.layer.Pool}
	return autograd.ReLU(autograd.MaxPool2D(c.netInputs(x), pool))
}

// Filters implements [Autoencoder].
func (c *Conv) Filters() *tensor.Tensor { return c.Decoder.Weight.Value() }
