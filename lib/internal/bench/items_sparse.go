// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// zeros measure the benefit of zeros: layers in which a fraction of the inputs or weights is nonzero, pruned networks,
// and training steps on handwritten digits. Operations are counted as for dense products, so the fraction of the
// ceiling may exceed one.
func zeros() []item {
	return slices.Concat(sparseInputs(), sparseWeights(), prunedNetworks(), digitSteps())
}

// percentages are the densities to measure.
var percentages = []int{2, 5, 10, 19, 25, 50, 100}

// bigLayer returns a layer of the given size. It caches the layer, because drawing the weights takes time.
func bigLayer(in, out int) *nn.Dense {
	bigLayers.Lock()
	defer bigLayers.Unlock()
	key := [2]int{in, out}
	if bigLayers.of[key] == nil {
		bigLayers.of[key] = nn.NewDense(in, out, nil, tensor.Stream(1, "weights"))
	}
	return bigLayers.of[key]
}

var bigLayers = struct {
	sync.Mutex
	of map[[2]int]*nn.Dense
}{of: map[[2]int]*nn.Dense{}}

// A layerCase is a layer of 784-128, 1000-1000 or 4096-4096 units, with the percentage of its inputs or weights that
// are nonzero.
type layerCase struct{ in, out, batch, percent int }

func layerCases() (list []layerCase) {
	for _, shape := range [][2]int{{784, 128}, {1000, 1000}, {4096, 4096}} {
		for _, batch := range []int{1, 100} {
			for _, percent := range percentages {
				list = append(list, layerCase{shape[0], shape[1], batch, percent})
			}
		}
	}
	return list
}

// item is the layer's output for a batch.
func (c layerCase) item(kind string, setup func(workers int) func(), peers ...string) item {
	return item{
		name: fmt.Sprintf("%s_%dx%d_b%d_d%d", kind, c.in, c.out, c.batch, c.percent),
		work: float64(c.batch), unit: "images", flops: 2 * float64(c.batch) * float64(c.in) * float64(c.out),
		setup: ready(setup), peers: peers,
	}
}

// sparseInputs are layers with zeros in their inputs.
func sparseInputs() (list []item) {
	for _, c := range layerCases() {
		list = append(list, c.item("inputs", func(workers int) func() {
			return inference(bigLayer(c.in, c.out), c.tensor(c.percent, c.batch, c.in), workers)
		}, "torch", "scipy"))
	}
	return list
}

// sparseWeights are layers with zeros in their weights.
func sparseWeights() (list []item) {
	for _, c := range layerCases() {
		list = append(list, c.item("weights", func(workers int) func() {
			return inference(pruned(bigLayer(c.in, c.out), c.percent), c.tensor(100, c.batch, c.in), workers)
		}, "torch", "scipy"))
	}
	return list
}

// tensor draws numbers; the given percentage of them is nonzero.
func (c layerCase) tensor(percent int, shape ...int) *tensor.Tensor {
	x, rng := tensor.New(shape...), tensor.Stream(2, "data")
	rng.Normal(x.Data(), 0, 1)
	silence(x, percent)
	return x
}

// silence sets random elements to zero, so that about the given percentage remains.
func silence(x *tensor.Tensor, percent int) {
	rng := tensor.Stream(3, "mask")
	for i := range x.Data() {
		if rng.IntN(100) >= percent {
			x.Data()[i] = 0
		}
	}
}

// mask returns a tensor with ones for the given percentage of the weights.
func mask(w *autograd.Var, percent int) *tensor.Tensor {
	m := tensor.New(w.Shape()...)
	m.Fill(1)
	silence(m, percent)
	return m
}

// pruned returns the layer with the given percentage of its weights; for 100 it is the dense layer.
func pruned(d *nn.Dense, percent int) nn.Module {
	if percent == 100 {
		return d
	}
	return nn.NewSparseDense(d, mask(d.Weight, percent))
}

// inference returns the function that computes a model's output.
func inference(m nn.Module, x *tensor.Tensor, workers int) func() {
	tape := autograd.NewTape(workers)
	return func() {
		tape.Reset()
		m.Forward(tape.Input(x))
	}
}

// prunedNetworks are inference with few weights, compared with the same networks with all weights: 784-1000-1000-10
// with 5 % of the weights, and LeNet-5 with 20 and 50 filters of 5 x 5 and 500 units, pruned to a twelfth [Han et al.
// 2015, table 4].
func prunedNetworks() (list []item) {
	relu := nn.Func(autograd.ReLU)
	dense := func(in, out int) *nn.Dense { return nn.NewDense(in, out, nil, tensor.Stream(1, "weights")) }
	conv := func(channels, filters int) *nn.Conv2D {
		return nn.NewConv2D(channels, filters, 5, 5, autograd.ConvShape{}, nil, tensor.Stream(1, "weights"))
	}
	pool := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	few := func(c *nn.Conv2D, percent int) nn.Module { return nn.NewSparseConv2D(c, mask(c.Weight, percent)) }
	add := func(name string, macs int, shape []int, model func() nn.Module, peers ...string) {
		for _, batch := range []int{1, 100} {
			list = append(list, item{
				name: fmt.Sprintf("%s_b%d", name, batch), work: float64(batch), unit: "images",
				flops: 2 * float64(batch) * float64(macs), peers: peers,
				setup: ready(func(workers int) func() {
					x := tensor.New(append([]int{batch}, shape...)...)
					tensor.Stream(2, "data").Uniform(x.Data(), 0, 1)
					silence(x, 19)
					return inference(model(), x, workers)
				}),
			})
		}
	}
	const perceptron, lenet = 784*1000 + 1000*1000 + 1000*10, 20*25*24*24 + 50*500*8*8 + 800*500 + 500*10
	add("mlp1000_full", perceptron, []int{784}, func() nn.Module {
		return nn.Sequential{dense(784, 1000), relu, dense(1000, 1000), relu, dense(1000, 10)}
	}, "torch", "onnx")
	add("mlp1000_pruned", perceptron, []int{784}, func() nn.Module {
		return nn.Sequential{
			pruned(dense(784, 1000), 5), relu, pruned(dense(1000, 1000), 5), relu, pruned(dense(1000, 10), 5),
		}
	}, "torch", "onnx")
	add("lenet5_full", lenet, []int{1, 28, 28}, func() nn.Module {
		return nn.Sequential{conv(1, 20), pool, conv(20, 50), pool, dense(800, 500), relu, dense(500, 10)}
	}, "torch", "onnx")
	add("lenet5_pruned", lenet, []int{1, 28, 28}, func() nn.Module {
		return nn.Sequential{
			few(conv(1, 20), 66), pool, few(conv(20, 50), 12), pool, pruned(dense(800, 500), 8), relu,
			pruned(dense(500, 10), 19),
		}
	}, "torch", "onnx")
	return list
}

// digitSteps are training steps on images of handwritten digits: MNIST if it is available, otherwise the embedded
// digits.
func digitSteps() []item {
	lwta := func(z *autograd.Var) *autograd.Var { return competitive.LWTA(z, 2) }
	maxout := func(z *autograd.Var) *autograd.Var { return competitive.Maxout(z, 2) }
	const kh = 2000
	return []item{
		digitNetwork{layers: []int{128}, activate: autograd.ReLU, outputs: 1, l1: 1e-3}.item("mlp128_digits"),
		// At the time of measurement, all but a few of its hidden units are inactive.
		digitNetwork{layers: []int{128}, activate: autograd.ReLU, outputs: 1, l1: 0.008, before: 2000}.item("thesis_digits"),
		digitNetwork{layers: []int{1000, 1000, 1000}, activate: lwta, outputs: 1, dropout: 0.5}.item("lwta3x1000_digits"),
		digitNetwork{layers: []int{1200, 1200}, activate: maxout, outputs: 2, dropout: 0.5}.item("maxout2x1200_digits"),
		{
			name: "kh_digits", work: 100, unit: "images", flops: 2 * 100 * 784 * kh, peers: []string{"hebbian"},
			setup: ready(func(workers int) func() {
				rule := hebbian.Competition{Rule: hebbian.Rule{P: 4}, Delta: 0.4, Scale: hebbian.MaxNormalised}
				l := hebbian.NewLearner(rule, hebbian.NewWeights(kh, 784, 1))
				l.Workers = workers
				next := digitBatches(100)
				return func() { l.Update(next().x, 0.02) }
			}),
		},
	}
}

// A digitNetwork is a perceptron with one or more hidden layers.
type digitNetwork struct {
	layers   []int
	activate func(*autograd.Var) *autograd.Var
	outputs  int     // units per output of a layer's activation
	dropout  float32 // dropout of the outputs
	l1       float32 // weight of the activity penalty on the hidden units
	before   int     // steps before the measurement
}

func (d digitNetwork) item(name string) item {
	return item{
		name: name, work: 100, unit: "images", flops: d.flops(), setup: ready(d.step), peers: []string{"torch"},
	}
}

// flops counts the operations of a step's matrix products, except the gradient of the images.
func (d digitNetwork) flops() float64 {
	in, sum := 784, 0.0
	for i, n := range append(slices.Clone(d.layers), 10) {
		passes := 3.0
		if i == 0 {
			passes = 2
		}
		sum += 2 * 100 * passes * float64(in*n)
		in = n / d.outputs
	}
	return sum
}

// step returns the function that performs one step.
func (d digitNetwork) step(workers int) func() {
	next, rng := digitBatches(100), tensor.Stream(1, "weights")
	var layers []*nn.Dense
	in := 784
	for _, n := range d.layers {
		layers = append(layers, nn.NewDense(in, n, nil, rng))
		in = n / d.outputs
	}
	out := nn.NewDense(in, 10, nil, rng)
	params := nn.Params(append(slices.Clone(layers), out))
	opt := &optim.Adam{LR: 0.001}
	dropout := nn.NewDropout(d.dropout, tensor.Stream(1, "dropout"))
	tape := autograd.NewTape(workers)
	tape.SetTraining(true)
	step := func() {
		b := next()
		tape.Reset()
		h := tape.Input(b.x)
		var penalty *autograd.Var
		for _, l := range layers {
			h = d.activate(l.Forward(h))
			if d.l1 > 0 {
				penalty = loss.L1(h, d.l1)
			}
			h = dropout.Forward(h)
		}
		cost := loss.CrossEntropy(out.Forward(h), b.y)
		if penalty != nil {
			cost = autograd.Add(cost, penalty)
		}
		tape.Backward(cost)
		opt.Step(params)
	}
	for range d.before {
		step()
	}
	return step
}

// digits returns MNIST's training images from $LATERAL_DATA, or the embedded ones if there are none.
var digits = sync.OnceValue(func() *dataset.Set {
	if dir := os.Getenv("LATERAL_DATA"); dir != "" {
		if train, _, err := dataset.MNIST(dir); err == nil {
			return train
		}
	}
	train, _ := dataset.Glyphs(1)
	return train
})

// digitBatches returns the function that returns the next of 60 batches of images.
func digitBatches(n int) (next func() batch) {
	train := digits()
	batches := make([]batch, 60)
	for i := range batches {
		images := train.Slice(i*n, (i+1)*n)
		batches[i] = batch{images.Flat(), images.Y}
	}
	at := 0
	return func() batch {
		at = (at + 1) % len(batches)
		return batches[at]
	}
}
