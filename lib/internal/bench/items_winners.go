// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/wta15"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// winners are training steps of winner-take-all autoencoders, and what the winners save.
//
//	fcwta_step, fcwta_lifetime       784-2000-784 with batches of 100, and the selection of 5 % of them alone
//	convwta_step, convwta_step_dense the live positions alone, and the same step with dense maps and gradients
func winners() []item {
	const batch = 100
	each := func(name string, flops float64, step func(workers int) func()) item {
		return item{name: name, work: batch, unit: "images", flops: flops, setup: ready(step)}
	}
	conv := 2 * batch * 28 * 28 * 25 * float64(16+16*16+16*convMaps) // of the encoder's forward pass
	return []item{
		each("fcwta_step", 2*batch*784*2000*6, func(workers int) func() {
			return autoencoderStep(workers, batch, wta15.FullyConnected().Layers[0])
		}),
		each("fcwta_lifetime", 0, lifetimeOfBatch),
		each("convwta_step", conv, func(workers int) func() { return autoencoderStep(workers, batch, convLayer()) }),
		each("convwta_step_dense", conv, func(workers int) func() { return denseConvStep(workers, batch) }),
	}
}

// convMaps is the number of maps of the convolutional autoencoder.
const convMaps = 64

// convLayer is a CONV-WTA autoencoder with few maps below the last ones.
func convLayer() wta15.Layer {
	l := wta15.Convolutional(convMaps).Layers[0]
	l.Before = []int{16, 16}
	return l
}

// autoencoderStep returns the function that performs one training step of an autoencoder.
func autoencoderStep(workers, images int, l wta15.Layer) func() {
	model, err := wta15.NewAutoencoder(l, []int{1, 28, 28}, tensor.Stream(1, "weights"))
	must(err)
	return learn(workers, images, model, func(x *autograd.Var) *autograd.Var {
		_, y := model.Reconstruct(x)
		return loss.SSE(y, x)
	})
}

// denseConvStep is autoencoderStep of convLayer without the operations that know where the winners are.
func denseConvStep(workers, images int) func() {
	l := convLayer()
	model, err := wta15.NewAutoencoder(l, []int{1, 28, 28}, tensor.Stream(1, "weights"))
	must(err)
	conv := model.(*wta15.Conv)
	var at []int32
	return learn(workers, images, model, func(x *autograd.Var) *autograd.Var {
		z := x
		for i, layer := range conv.Encoder {
			if i > 0 {
				z = autograd.ReLU(z)
			}
			z = layer.Forward(z)
		}
		peaks := competitive.Spatial(z)
		active := competitive.Lifetime(autograd.ReLU(peaks), l.Share)
		at = competitive.Peaks(at[:0], peaks, active)
		maps := autograd.MaxUnpool(autograd.Reshape(active, images, convMaps, 1, 1), at, 28, 28)
		// The second term makes the gradients of all positions differ from zero, by next to nothing.
		return autograd.Add(loss.SSE(conv.Decoder.Forward(maps), x), autograd.Scale(autograd.Sum(z), 1e-20))
	})
}

// learn returns the function that takes one step of Adam on the next batch of noise.
func learn(workers, images int, model any, objective func(x *autograd.Var) *autograd.Var) func() {
	next := noiseBatches(images, 1, 28, 28)
	params := nn.Params(model)
	opt := &optim.Adam{LR: 0.001}
	tape := autograd.NewTape(workers)
	tape.SetTraining(true)
	return func() {
		tape.Reset()
		tape.Backward(objective(tape.Input(next().x)))
		opt.Step(params)
	}
}

// lifetimeOfBatch returns the function that selects the winners of 2000 units among 100 samples.
func lifetimeOfBatch(workers int) func() {
	z := tensor.New(100, 2000)
	tensor.Stream(1, "net inputs").Normal(z.Data(), 0, 1)
	tape := autograd.NewTape(workers)
	return func() {
		tape.Reset()
		competitive.Lifetime(tape.Input(z), 0.05)
	}
}
