// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var relu = Func(autograd.ReLU)

// thesisNet is the network with two convolutional layers of [Thesis21, ch. 4] on 28 x 28 images.
func thesisNet(kernel int) Sequential {
	rng := tensor.Stream(1, "weights")
	side := 28 - 2*(kernel-1)
	return Sequential{
		NewConv2D(1, 6, kernel, kernel, autograd.ConvShape{}, nil, rng), relu,
		NewConv2D(6, 16, kernel, kernel, autograd.ConvShape{}, nil, rng), relu,
		NewDense(16*side*side, 64, nil, rng), relu,
		NewDense(64, 10, nil, rng),
	}
}

// drmmNet has the layers of the five-layer DRMM network.
func drmmNet() Sequential {
	rng := tensor.Stream(1, "weights")
	pool := Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	mean := Func(func(x *autograd.Var) *autograd.Var {
		s := x.Shape()
		return autograd.MeanPool2D(x, autograd.Pool{H: s[2], W: s[3]})
	})
	valid, full3, full5 := autograd.ConvShape{}, autograd.FullPadding(3, 3), autograd.FullPadding(5, 5)
	return Sequential{
		NewConv2D(1, 32, 5, 5, full5, He, rng), relu, pool,
		NewConv2D(32, 64, 3, 3, valid, He, rng), relu,
		NewConv2D(64, 64, 3, 3, full3, He, rng), relu, pool,
		NewConv2D(64, 128, 3, 3, valid, He, rng), relu,
		NewConv2D(128, 10, 1, 1, valid, He, rng), mean,
	}
}

func batch(n int) (x *tensor.Tensor, labels []int) {
	x = tensor.New(n, 1, 28, 28)
	tensor.Stream(2, "images").Uniform(x.Data(), 0, 1)
	for i := range n {
		labels = append(labels, i%10)
	}
	return x, labels
}

// TestConvolutionalLayers checks shapes, names and initial weights, and that a few steps lower the loss.
func TestConvolutionalLayers(t *testing.T) {
	x, labels := batch(8)
	for name, model := range map[string]Sequential{"thesis": thesisNet(3), "DRMM": drmmNet()} {
		tape, opt, params := autograd.NewTape(2), &optim.Adam{LR: 0.003}, Params(model)
		var losses []float32
		for range 12 {
			tape.Reset()
			l := loss.CrossEntropy(autograd.Reshape(model.Forward(tape.Input(x)), 8, 10), labels)
			tape.Backward(l)
			opt.Step(params)
			losses = append(losses, l.Scalar())
		}
		if first, last := losses[0], losses[len(losses)-1]; !(last < 0.9*first) {
			t.Errorf("%s: 12 steps on 8 images changed the loss from %g to %g", name, first, last)
		}
	}
	var got []string
	for _, p := range Params(thesisNet(7))[:4] {
		got = append(got, fmt.Sprint(p.Name, p.Shape()))
	}
	if want := []string{"0.weight[6 1 7 7]", "0.bias[6]", "2.weight[16 6 7 7]", "2.bias[16]"}; !slices.Equal(got, want) {
		t.Errorf("parameters %q, want %q", got, want)
	}
	layer := NewConv2D(6, 16, 7, 7, autograd.ConvShape{}, nil, tensor.Stream(1, "weights"))
	bound := 1 / math.Sqrt(6*7*7)
	largest := 0.0
	for _, w := range layer.Weight.Data() {
		largest = max(largest, math.Abs(float64(w)))
	}
	if largest > bound*(1+1e-6) || largest < 0.99*bound {
		t.Errorf("largest weight %g, want just below %g", largest, bound)
	}
}

// NewConvTranspose2D with the same shape restores the input size of a convolution.
func TestConvTranspose2DRestoresTheSize(t *testing.T) {
	s := autograd.ConvShape{StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	rng := tensor.Stream(1, "weights")
	encode := NewConv2D(1, 8, 3, 3, s, nil, rng)
	s.OutputPadH, s.OutputPadW = 1, 1
	decode := NewConvTranspose2D(8, 1, 3, 3, s, nil, rng)
	x, _ := batch(2)
	h := encode.Forward(autograd.NewTape(1).Input(x))
	if want := []int{2, 8, 14, 14}; !slices.Equal(h.Shape(), want) {
		t.Errorf("encoded shape %v, want %v", h.Shape(), want)
	}
	if y := decode.Forward(h); !slices.Equal(y.Shape(), x.Shape()) {
		t.Errorf("decoded shape %v, want %v", y.Shape(), x.Shape())
	}
}

func benchmarkStep(b *testing.B, model Sequential, workers int, update bool) {
	const n = 100
	x, labels := batch(n)
	tape, opt, params := autograd.NewTape(workers), &optim.Adam{}, Params(model)
	for b.Loop() {
		tape.Reset()
		tape.Backward(loss.CrossEntropy(autograd.Reshape(model.Forward(tape.Input(x)), n, 10), labels))
		if update {
			opt.Step(params)
			continue
		}
		for _, p := range params {
			p.ZeroGrad()
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "images/s")
}

// BenchmarkConvStep measures training steps of 100 images; for the DRMM without the optimiser.
func BenchmarkConvStep(b *testing.B) {
	for _, workers := range []int{1, 2} {
		for _, kernel := range []int{3, 7, 11} {
			b.Run(fmt.Sprintf("thesis/k=%d/workers=%d", kernel, workers), func(b *testing.B) {
				benchmarkStep(b, thesisNet(kernel), workers, true)
			})
		}
		b.Run(fmt.Sprintf("drmm/workers=%d", workers), func(b *testing.B) { benchmarkStep(b, drmmNet(), workers, false) })
	}
}

func ExampleConv2D() {
	rng := tensor.Stream(1, "weights")
	model := Sequential{
		NewConv2D(1, 6, 3, 3, autograd.ConvShape{}, nil, rng), Func(autograd.ReLU),
		NewDense(6*26*26, 10, nil, rng),
	}
	fmt.Println(model.Forward(autograd.NewTape(0).Input(tensor.New(100, 1, 28, 28))).Shape())
	// Output: [100 10]
}
