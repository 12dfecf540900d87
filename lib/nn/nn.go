// SPDX-License-Identifier: Apache-2.0

// Package nn provides layers with parameters, and finds the parameters of a model.
//
// A model is any struct whose exported fields hold layers; it may run them in any method:
//
//	type Net struct{ Hidden, Out *nn.Dense }
//
//	func (n *Net) Forward(x *autograd.Var) *autograd.Var {
//		return n.Out.Forward(autograd.ReLU(n.Hidden.Forward(x)))
//	}
//
// [StateOf] walks such a struct and names its parameters after their fields: "hidden.weight", "hidden.bias",
// "out.weight", "out.bias".
package nn

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Module maps a batch of inputs to a batch of outputs.
type Module interface {
	Forward(x *autograd.Var) *autograd.Var
}

// A Func is an operation without parameters, such as autograd.ReLU, used as a module.
type Func func(x *autograd.Var) *autograd.Var

// Forward calls the function.
func (f Func) Forward(x *autograd.Var) *autograd.Var { return f(x) }

// A Sequential runs modules one after the other. Its parameters are named by position: "0.weight", "2.bias".
type Sequential []Module

// Forward passes x through all modules.
func (s Sequential) Forward(x *autograd.Var) *autograd.Var {
	for _, m := range s {
		x = m.Forward(x)
	}
	return x
}

// Dense is a fully connected layer, y = x·Wᵀ + b.
//
//	x [N, in] -> y [N, out]
//
// Row u of Weight holds the weights of unit u, its receptive field.
type Dense struct {
	Weight *autograd.Var // [out, in]
	Bias   *autograd.Var // [out]; nil for a layer without bias
}

// NewDense returns a layer of out units with in inputs. init draws the weights, and possibly the biases, from rng;
// biases that it does not set are 0. A nil init means [Uniform].
func NewDense(in, out int, init Init, rng *tensor.RNG) *Dense {
	if init == nil {
		init = Uniform
	}
	w, b := tensor.New(out, in), tensor.New(out)
	init(w, b, in, out, rng)
	return &Dense{Weight: autograd.NewParam(w), Bias: autograd.NewParam(b)}
}

// Forward returns the net inputs of the units.
func (d *Dense) Forward(x *autograd.Var) *autograd.Var { return autograd.Linear(x, d.Weight, d.Bias) }

// MaxNorm scales every row of w whose Euclidean norm exceeds limit down to that norm. This constraint on a unit's
// incoming weights is usually combined with dropout. Call it after each optimiser step. Source: [SHKSS14].
func MaxNorm(w *autograd.Var, limit float32) {
	t := w.Value()
	for r := range t.Rows() {
		row := t.Row(r)
		if sq := simd.SumSquares(row); sq > limit*limit {
			simd.Scale(row, limit/sqrt(sq), row)
		}
	}
}
