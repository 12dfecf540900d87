// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Stack is a stack of autoencoders: the features of each are the inputs of the next.
type Stack struct {
	Layers []Autoencoder // bottom first
}

// NewStack returns the untrained stack of a setting for images of shape [C, H, W], or inputs [D] without convolutional
// layers. The error says which layer the images are too small for.
func NewStack(s Setting, input []int) (*Stack, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	stack := &Stack{}
	for i, l := range s.Layers {
		layer, err := NewAutoencoder(l, input, tensor.Stream(s.Seed, fmt.Sprintf("wta15/weights/%d", i+1)))
		if err != nil {
			return nil, fmt.Errorf("%w (layer %d)", err, i+1)
		}
		stack.Layers = append(stack.Layers, layer)
		if l.Kernel > 0 {
			input = []int{l.Units, input[1] / l.Pool, input[2] / l.Pool}
		} else {
			input = []int{l.Units}
		}
	}
	return stack, nil
}

// Features returns the features of images x [N, ...] that a classifier sees, one row each. They are those of the given
// layers side by side, counted from 0; without any, those of the last layer. It uses up to workers goroutines; 0 means
// one per core. A stack without layers returns a copy of the pixels.
//
//	x [N, C, H, W] or [N, D] -> [N, features]
//
// Features panics if there is no such layer.
func (s *Stack) Features(x *tensor.Tensor, workers int, layers ...int) *tensor.Tensor {
	switch {
	case len(s.Layers) == 0:
		return x.Reshape(x.Rows(), x.Width()).Clone()
	case len(layers) == 0:
		layers = []int{len(s.Layers) - 1}
	}
	return batches(x, workers, func(h *autograd.Var) *autograd.Var {
		var parts []*autograd.Var
		for i := range slices.Max(layers) + 1 {
			h = s.Layers[i].Features(h)
			if slices.Contains(layers, i) {
				parts = append(parts, autograd.Reshape(h, h.Rows(), h.Width()))
			}
		}
		return autograd.Concat(1, parts...)
	})
}

// below returns the inputs of layer i, given those of the layer below it.
func (s *Stack) below(i int, inputs *dataset.Set, workers int) *dataset.Set {
	set := *inputs
	set.X = batches(inputs.X, workers, s.Layers[i-1].Features)
	return &set
}

// batches returns f of all samples x, computed in batches.
func batches(x *tensor.Tensor, workers int, f func(x *autograd.Var) *autograd.Var) *tensor.Tensor {
	const size = 100
	var all *tensor.Tensor
	tape := autograd.NewTape(workers)
	for from := 0; from < x.Rows(); from += size {
		tape.Reset()
		y := f(tape.Input(x.Slice(from, min(from+size, x.Rows()))))
		if all == nil {
			shape := slices.Clone(y.Shape())
			shape[0] = x.Rows()
			all = tensor.New(shape...)
		}
		copy(all.Data()[from*y.Width():], y.Data())
	}
	return all
}
