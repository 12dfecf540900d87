// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// mixtures are steps of semi-supervised training of the five-layer deep rendering mixture model with 50 labelled and 50
// unlabelled images: inference, rendering, all losses, all gradients, and Adam.
func mixtures() []item {
	const images = 100
	// Inference: the outputs, filter gradients and, from the second layer on, input gradients. Rendering: all three.
	up := 2*convMACs(1, 32, 5, 28) + 3*(convMACs(32, 64, 3, 14)+convMACs(64, 64, 3, 14)+convMACs(64, 128, 3, 6)+
		convMACs(128, 10, 1, 6))
	macs := 2*up + convMACs(1, 32, 5, 28)
	return []item{{
		name: "drmm_semi_step", work: images, unit: "images", flops: 2 * images * macs, peers: []string{"drmm"},
		setup: func(workers int, _ string) (func(), error) { return mixtureStep(workers, images) },
	}}
}

func mixtureStep(workers, images int) (func(), error) {
	next := noiseBatches(images, 1, 28, 28)
	net, err := drmm.NewNet(drmm.FiveLayer(), drmm.Size{Channels: 1, H: 28, W: 28}, 10, tensor.Stream(1, "weights"))
	if err != nil {
		return nil, err
	}
	params := nn.Params(net)
	opt := &optim.Adam{LR: 0.001}
	tape := autograd.NewTape(workers)
	tape.SetTraining(true)
	var found drmm.Inference
	var rendered drmm.Rendering
	return func() {
		b := next()
		tape.Reset()
		x := tape.Input(b.x)
		net.Infer(&found, x)
		net.Render(&rendered, drmm.OneHotArgmax(found.Logits), found.Switches)
		unlabelled := autograd.Slice(found.Logits, 0, images/2, images)
		cost := loss.CrossEntropy(autograd.Slice(found.Logits, 0, 0, images/2), b.y[:images/2])
		cost = autograd.Add(cost, autograd.Scale(loss.KL(unlabelled, nil), -0.5))
		cost = autograd.Add(cost, loss.MarginalKL(unlabelled, nil))
		cost = autograd.Add(cost, autograd.Scale(loss.MSE(rendered.Image(), x), 20))
		for _, z := range rendered.Templates[1:] {
			cost = autograd.Add(cost, autograd.Scale(loss.NonNegativity(z), 1/float32(z.Width())))
		}
		tape.Backward(cost)
		opt.Step(params)
	}, nil
}
