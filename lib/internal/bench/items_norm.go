// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/language"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// normalisations are divisive normalisation with its gradient, and the training steps of a language model and of a
// network for photographs.
func normalisations() []item {
	return []item{
		{
			name: "dn5_grad", work: 100, unit: "images", peers: []string{"norm"},
			setup: ready(func(workers int) func() { return normalisation(workers, 100, 32, 32, 32) }),
		},
		// The gates and the softmax, forward and for both gradients.
		languageStep("lstm_step", 6*20*20*(2*800*400+200*10000), nil),
		languageStep("lstm_dn_step", 6*20*20*(2*800*400+200*10000), language.Divisive(30, 1, 1e-4)),
		photoStep("photo_step", normalization.Baseline),
		photoStep("photo_dn_step", normalization.DNStar),
	}
}

// photoStep is a step of the document's convolutional network on 100 images of 3 x 32 x 32, with momentum.
func photoStep(name string, v normalization.Variant) item {
	const images, multiplications = 100, 12_354_176 // per image
	return item{
		name: name, work: images, unit: "images", flops: 6 * images * multiplications, peers: []string{"norm"},
		setup: ready(func(workers int) func() {
			net, err := normalization.NewConvNet(v, 3, 10, normalization.Images(v, 10), tensor.Stream(1, "weights"))
			if err != nil {
				panic(err)
			}
			l := &train.GradientDescent{
				Model: net, Optimizer: &optim.SGD{LR: 0.001, Momentum: 0.9}, Workers: workers,
				Loss: func(b *train.Batch) *autograd.Var {
					logits, penalty := net.Forward(b.X)
					cost := loss.CrossEntropy(logits, b.Y)
					if penalty != nil {
						cost = autograd.Add(cost, penalty)
					}
					return cost
				},
			}
			l.State()
			var b dataset.Batch
			b.X.Resize(images, 3, 32, 32)
			rng := tensor.Stream(1, "data")
			rng.Normal(b.X.Data(), 0, 60)
			for range images {
				b.Y = append(b.Y, rng.IntN(10))
			}
			return func() {
				if err := l.Step(&b, &train.Recorder{}); err != nil {
					panic(err)
				}
			}
		}),
	}
}

// normalisation returns the forward and backward pass of divisive normalisation with windows of 5 x 5.
func normalisation(workers int, shape ...int) func() {
	x, dy := tensor.New(shape...), tensor.New(shape...)
	rng := tensor.Stream(1, "data")
	rng.Normal(x.Data(), 0, 1)
	rng.Normal(dy.Data(), 0, 1)
	norm := nn.NewDivisiveNorm(5, 5, 1)
	tape := autograd.NewTape(workers)
	var written *float32 // where the gradient of y was written: not again in each step, as it is not in PyTorch
	return func() {
		tape.Reset()
		y := norm.Forward(tape.Leaf(x))
		if grad, _ := y.GradBuffer(); &grad[0] != written {
			copy(grad, dy.Data())
			written = &grad[0]
		}
		y.Operation().Backward(y)
	}
}

// languageStep is a step of the document's language model: 2 layers of 200 LSTM units, 10,000 words, 20 texts side by
// side and 20 steps, with clipped gradients.
func languageStep(name string, flops float64, norms func(units, gates int) nn.Norms) item {
	const words, streams, steps = 10000, 20, 20
	return item{
		name: name, work: streams * steps, unit: "words", flops: flops, peers: []string{"norm"},
		setup: ready(func(workers int) func() {
			m := language.New(language.Config{
				Words: words, Units: 200, Layers: 2, Cell: language.LSTM, Streams: streams, Norms: norms,
			}, tensor.Stream(1, "weights"))
			l := &train.GradientDescent{
				Model: m, Loss: m.Loss, Optimizer: &optim.Clip{Optimizer: &optim.SGD{LR: 1}, Limit: 5}, Workers: workers,
			}
			l.State()
			text := &dataset.Text{}
			for rng := tensor.Stream(1, "text"); len(text.Tokens) < streams*(10*steps+1); {
				text.Tokens = append(text.Tokens, rng.IntN(words))
			}
			segments, err := text.Segments(streams, steps)
			if err != nil {
				panic(err)
			}
			var b dataset.Batch
			idx, at := make([]int, streams), 0
			return func() {
				for i := range idx {
					idx[i] = at + i
				}
				at = (at + streams) % segments.Len()
				segments.Gather(&b, idx)
				if err := l.Step(&b, &train.Recorder{}); err != nil {
					panic(err)
				}
			}
		}),
	}
}
