// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A convNet is a network for images of 28 x 28. A training step uses 100 of them.
type convNet struct {
	layers func(rng *tensor.RNG) nn.Sequential
	macs   float64 // multiply-adds of a step, per image
	update bool    // a step includes Adam's update
}

// convolutions are training steps of convolutional networks as a user writes them.
func convolutions() []item {
	list := []item{drmmNet.item("drmm_step")}
	for _, k := range []int{3, 7, 11} {
		list = append(list, twoConvolutions(k).item(fmt.Sprintf("cnn%d_step", k)))
	}
	return list
}

var relu = nn.Func(autograd.ReLU)

// twoConvolutions has two layers of k x k filters and two dense layers.
func twoConvolutions(k int) convNet {
	first, second := 28-(k-1), 28-2*(k-1) // side lengths of the images
	inputs := 16 * second * second
	return convNet{
		layers: func(rng *tensor.RNG) nn.Sequential {
			return nn.Sequential{
				nn.NewConv2D(1, 6, k, k, autograd.ConvShape{}, nil, rng), relu,
				nn.NewConv2D(6, 16, k, k, autograd.ConvShape{}, nil, rng), relu,
				nn.NewDense(inputs, 64, nil, rng), relu,
				nn.NewDense(64, 10, nil, rng),
			}
		},
		macs:   2*convMACs(1, 6, k, first) + 3*(convMACs(6, 16, k, second)+float64(inputs*64+64*10)),
		update: true,
	}
}

// drmmNet has the layers of the five-layer deep rendering mixture model for digits.
var drmmNet = convNet{
	layers: func(rng *tensor.RNG) nn.Sequential {
		maxima := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
		mean := nn.Func(func(x *autograd.Var) *autograd.Var {
			return autograd.Reshape(autograd.MeanPool2D(x, autograd.Pool{H: 6, W: 6}), x.Shape()[0], 10)
		})
		valid := autograd.ConvShape{}
		return nn.Sequential{
			nn.NewConv2D(1, 32, 5, 5, autograd.FullPadding(5, 5), nil, rng), relu, maxima, // 16 x 16
			nn.NewConv2D(32, 64, 3, 3, valid, nil, rng), relu, // 14 x 14
			nn.NewConv2D(64, 64, 3, 3, autograd.FullPadding(3, 3), nil, rng), relu, maxima, // 8 x 8
			nn.NewConv2D(64, 128, 3, 3, valid, nil, rng), relu, // 6 x 6
			nn.NewConv2D(128, 10, 1, 1, valid, nil, rng), mean,
		}
	},
	macs: 2*convMACs(1, 32, 5, 28) + 3*(convMACs(32, 64, 3, 14)+convMACs(64, 64, 3, 14)+convMACs(64, 128, 3, 6)+
		convMACs(128, 10, 1, 6)),
}

// convMACs counts the multiply-adds of a convolution with k x k filters, excluding those with padding. For a valid
// convolution, side is that of the output. For a full one, it is that of the input, where each pixel meets the whole
// filter. Each gradient takes the same number.
func convMACs(channels, filters, k, side int) float64 {
	return float64(channels * filters * k * k * side * side)
}

func (n convNet) item(name string) item {
	const images = 100
	return item{
		name: name, work: images, unit: "images", flops: 2 * images * n.macs, peers: []string{"torch"},
		setup: ready(func(workers int) func() { return n.step(workers, images) }),
	}
}

// step returns the function that performs one step, on the next batch of noise.
func (n convNet) step(workers, images int) func() {
	next := noiseBatches(images, 1, 28, 28)
	model := n.layers(tensor.Stream(1, "weights"))
	params := nn.Params(model)
	opt := &optim.Adam{LR: 0.001}
	tape := autograd.NewTape(workers)
	tape.SetTraining(true)
	return func() {
		b := next()
		tape.Reset()
		tape.Backward(loss.CrossEntropy(model.Forward(tape.Input(b.x)), b.y))
		if n.update {
			opt.Step(params)
			return
		}
		for _, p := range params {
			p.ZeroGrad()
		}
	}
}
