// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A network is a 784-hidden-10 perceptron with its training configuration.
type network struct {
	hidden, batch int
	activate      func(*autograd.Var) *autograd.Var
	l1            float32 // weight of the activity penalty on the hidden units
}

// steps are training steps as a user writes them: cross-entropy and Adam.
func steps() []item {
	dropout := nn.NewDropout(0.5, tensor.Stream(1, "dropout"))
	mlp := network{128, 100, autograd.ReLU, 1e-3}
	return []item{
		mlp.item("mlp128_step"),
		mlp.twoAtOnce("mlp128_two", "mlp128_step"),
		network{2000, 100, autograd.ReLU, 1e-3}.item("mlp2000_step"),
		network{128, 100, func(z *autograd.Var) *autograd.Var { return competitive.LWTA(z, 2) }, 0}.item("lwta_step"),
		network{128, 100, func(z *autograd.Var) *autograd.Var {
			return dropout.Forward(autograd.ReLU(z))
		}, 0}.item("dropout_step"),
	}
}

func (n network) item(name string) item {
	return item{
		name: name, work: float64(n.batch), unit: "images", flops: n.flops(),
		setup: ready(n.step), peers: []string{"torch"},
	}
}

// flops counts the operations of a step's matrix products: forward pass, weight gradients, and gradient of the hidden
// layer.
func (n network) flops() float64 {
	return 2 * float64(n.batch) * float64(n.hidden) * (2*784 + 3*10)
}

// step returns the function that performs one step, on the next batch of noise.
func (n network) step(workers int) func() {
	next := noiseBatches(n.batch, 784)
	rng := tensor.Stream(1, "weights")
	hidden, out := nn.NewDense(784, n.hidden, nil, rng), nn.NewDense(n.hidden, 10, nil, rng)
	params := nn.Params([]*nn.Dense{hidden, out})
	opt := &optim.Adam{LR: 0.001}
	tape := autograd.NewTape(workers)
	tape.SetTraining(true)
	return func() {
		b := next()
		tape.Reset()
		h := n.activate(hidden.Forward(tape.Input(b.x)))
		cost := loss.CrossEntropy(out.Forward(h), b.y)
		if n.l1 > 0 {
			cost = autograd.Add(cost, loss.L1(h, n.l1))
		}
		tape.Backward(cost)
		opt.Step(params)
	}
}

// A batch holds images and their classes.
type batch struct {
	x *tensor.Tensor
	y []int
}

// noiseBatches returns a function that returns the next of several batches of n images, which together exceed a core's
// caches.
func noiseBatches(n int, imageShape ...int) (next func() batch) {
	rng := tensor.Stream(1, "data")
	batches := make([]batch, max(2, 6000/n))
	for i := range batches {
		b := batch{tensor.New(append([]int{n}, imageShape...)...), make([]int, n)}
		rng.Uniform(b.x.Data(), 0, 1)
		for j := range b.y {
			b.y[j] = rng.IntN(10)
		}
		batches[i] = b
	}
	at := 0
	return func() batch {
		at = (at + 1) % len(batches)
		return batches[at]
	}
}

// twoAtOnce trains two such networks: one after the other on one core, or concurrently on two.
func (n network) twoAtOnce(name, single string) item {
	const turns = 20 // steps of each network per run, long compared with starting a goroutine
	train := func(step func()) {
		for range turns {
			step()
		}
	}
	setup := func(workers int) func() {
		a, b := n.step(1), n.step(1)
		if workers == 1 {
			return func() { train(a); train(b) }
		}
		var done sync.WaitGroup
		return func() {
			done.Go(func() { train(b) })
			train(a)
			done.Wait()
		}
	}
	return item{
		name: name, work: 2 * turns * float64(n.batch), unit: "images", flops: 2 * turns * n.flops(), cores: 2,
		setup: ready(setup), peers: []string{"torch"}, twice: &pair{single, 2 * turns},
	}
}
