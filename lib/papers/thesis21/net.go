// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Net is a stack of hidden layers, each followed by the activation function of its setting, and an output layer. The
// output of a classifier is its logits, that of an autoencoder the rectified reconstruction [Thesis21, appendix C.1].
type Net struct {
	Hidden []nn.Module
	Out    *nn.Dense

	activation func(x *autograd.Var) *autograd.Var
	rectified  bool        // rectify the output
	biases     [][]float32 // constrained to be negative
}

// largestBias is the upper bound of biases that are constrained to be negative.
const largestBias = -1e-6

// NewNet returns the untrained network of a setting for images of shape [C, H, W]. Weights and biases are drawn from
// U(-1/sqrt(n), 1/sqrt(n)), where n is the number of inputs of their layer; biases that are constrained to be negative
// get a negative sign. It panics if the setting does not pass Check, or if the image is too small for the filters.
func NewNet(s Setting, image []int, outputs int) *Net {
	if err := errors.Join(s.Check(), s.fits(image)); err != nil {
		panic(err.Error())
	}
	rng := tensor.Stream(s.Seed, "weights")
	n := &Net{activation: activations[s.Activation], rectified: s.Task == Autoencode}
	channels, h, w := image[0], image[1], image[2]
	for _, filters := range s.Filters {
		layer := nn.NewConv2D(channels, filters, s.Kernel, s.Kernel, autograd.ConvShape{}, nn.Uniform, rng)
		n.Hidden = append(n.Hidden, layer)
		channels, h, w = filters, h-s.Kernel+1, w-s.Kernel+1
	}
	width := channels * h * w
	for _, units := range s.Hidden {
		n.Hidden = append(n.Hidden, nn.NewDense(width, units, nn.Uniform, rng))
		width = units
	}
	n.Out = nn.NewDense(width, outputs, nn.Uniform, rng)
	if s.NoOutputBias {
		n.Out.Bias = nil
	}
	if s.NegativeBiases {
		for _, p := range nn.Params(n.Hidden) {
			if strings.HasSuffix(p.Name, "bias") {
				n.biases = append(n.biases, p.Data())
			}
		}
		for _, bias := range n.biases {
			for i, b := range bias {
				bias[i] = min(b, -b)
			}
		}
		n.constrain()
	}
	return n
}

// fits returns an error unless the filters of every convolutional layer fit the output of the layer before, for an
// image [C, H, W].
func (s Setting) fits(image []int) error {
	lost := len(s.Filters) * (s.Kernel - 1)
	if image[1] <= lost || image[2] <= lost {
		return fmt.Errorf("thesis21: %d layers of %dx%d filters do not fit images of %dx%d: "+
			"use fewer or smaller filters", len(s.Filters), s.Kernel, s.Kernel, image[1], image[2])
	}
	return nil
}

// constrain lowers biases that must be negative to at most largestBias.
func (n *Net) constrain() {
	for _, bias := range n.biases {
		for i, b := range bias {
			bias[i] = min(b, largestBias)
		}
	}
}

// Layers appends to dst the activations of each hidden layer, in order, and then the output.
//
//	x [N, C, H, W] -> convolutional [N, filters, h, w] and other hidden [N, units] each, output [N, outputs]
func (n *Net) Layers(dst []*autograd.Var, x *autograd.Var) []*autograd.Var {
	for _, layer := range n.Hidden {
		x = n.activation(layer.Forward(x))
		dst = append(dst, x)
	}
	x = n.Out.Forward(x)
	if n.rectified {
		x = autograd.ReLU(x)
	}
	return append(dst, x)
}

// Forward returns only the output.
func (n *Net) Forward(x *autograd.Var) *autograd.Var {
	layers := n.Layers(nil, x)
	return layers[len(layers)-1]
}

// weights returns the weights of the hidden layers, in order, and then of the output layer.
func (n *Net) weights() [][]float32 {
	var all [][]float32
	for _, p := range nn.Params(n) {
		if strings.HasSuffix(p.Name, "weight") {
			all = append(all, p.Data())
		}
	}
	return all
}
