// SPDX-License-Identifier: Apache-2.0

package lcn15

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Net is a stack of layers of competing units and an output layer.
type Net struct {
	Hidden  []nn.Module   // compute the net inputs of the hidden layers: *nn.Dense or *nn.Conv2D
	Out     *nn.Dense     // logits
	Dropout []*nn.Dropout // on the inputs of each hidden layer and of the output layer

	setting Setting
}

// New returns the untrained network of a setting for images [C, H, W]. It panics if the setting does not pass Check, or
// if the filters do not fit the images.
func New(s Setting, image []int, classes int) *Net {
	inputs, err := s.inputs(image)
	if err != nil {
		panic(err.Error())
	}
	init := nn.Init(nn.He)
	if s.Init > 0 {
		init = nn.UniformRange(float32(s.Init))
	}
	weights, noise := tensor.Stream(s.Seed, "weights"), tensor.Stream(s.Seed, "dropout")
	n := &Net{setting: s}
	drop := func(l Layer) {
		d := nn.NewDropout(float32(l.Dropout), noise)
		if l.NoRescale {
			d.Scale = 1
		}
		n.Dropout = append(n.Dropout, d)
	}
	for i, l := range s.Hidden {
		drop(l)
		if in := inputs[i]; l.Kernel == 0 {
			n.Hidden = append(n.Hidden, nn.NewDense(in[0]*in[1]*in[2], l.Units, init, weights))
		} else {
			n.Hidden = append(n.Hidden, nn.NewConv2D(in[0], l.Units, l.Kernel, l.Kernel, l.conv(), init, weights))
		}
	}
	drop(s.Out)
	in := inputs[len(s.Hidden)]
	n.Out = nn.NewDense(in[0]*in[1]*in[2], classes, init, weights)
	return n
}

// inputs returns the shapes [C, H, W] of the inputs of each hidden layer and of the output layer. The error is that of
// Check, or it says that the images are too small for the filters.
func (s Setting) inputs(image []int) ([][3]int, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	shapes := [][3]int{[3]int(image)}
	for i, l := range s.Hidden {
		h, w := 1, 1
		if l.Kernel > 0 {
			h, w = l.conv().OutputSize(shapes[i][1], shapes[i][2], l.Kernel, l.Kernel)
			if l.Pool > 0 && h > 0 && w > 0 {
				h, w = l.pool().OutputSize(h, w)
			}
		}
		if h < 1 || w < 1 {
			return nil, fmt.Errorf("lcn15: images of %dx%d are too small: layer %d has no output", image[1], image[2], i+1)
		}
		shapes = append(shapes, [3]int{s.passed(l), h, w})
	}
	return shapes, nil
}

// clone returns a network with the same weights.
func (n *Net) clone(image []int, classes int) *Net {
	c := New(n.setting, image, classes)
	for i, p := range nn.Params(c) {
		p.Value().CopyFrom(nn.Params(n)[i].Value())
	}
	return c
}

// weightOf returns the weights of a hidden layer.
func weightOf(layer nn.Module) *autograd.Var {
	if c, ok := layer.(*nn.Conv2D); ok {
		return c.Weight
	}
	return layer.(*nn.Dense).Weight
}

// passed returns the number of outputs (units or maps) of a layer.
func (s Setting) passed(l Layer) int {
	if s.Competition == Maxout {
		return l.Units / l.Block
	}
	return l.Units
}

func (l Layer) conv() autograd.ConvShape { return autograd.ConvShape{PadH: l.Pad, PadW: l.Pad} }

func (l Layer) pool() autograd.Pool {
	return autograd.Pool{
		H: l.Pool, W: l.Pool, StrideH: l.PoolStride, StrideW: l.PoolStride, PadH: l.PoolPad, PadW: l.PoolPad,
	}
}

// A Pair holds the net inputs of a layer, before competition, and its activations, after it.
type Pair struct {
	Z *autograd.Var // net inputs [N, U], or [N, maps, H, W]
	Y *autograd.Var // activations: [N, U/block] for maxout; of a convolutional layer, after pooling
}

// Layers appends the hidden layers' net inputs and activations to dst, and returns them with the logits [N, classes].
// While the tape is training, dropout is on.
//
//	x [N, C, H, W]
func (n *Net) Layers(dst []Pair, x *autograd.Var) ([]Pair, *autograd.Var) {
	for i, layer := range n.Hidden {
		z := layer.Forward(n.Dropout[i].Forward(x))
		x = n.compete(z, n.setting.Hidden[i])
		dst = append(dst, Pair{z, x})
	}
	return dst, n.Out.Forward(n.Dropout[len(n.Hidden)].Forward(x))
}

// compete returns the activations of a layer.
func (n *Net) compete(z *autograd.Var, l Layer) *autograd.Var {
	y := z
	switch n.setting.Competition {
	case ReLU:
		y = autograd.ReLU(z)
	case LWTA:
		y = competitive.LWTA(z, l.Block)
	case Maxout:
		y = competitive.Maxout(z, l.Block)
	}
	if l.Pool > 0 {
		y = autograd.MaxPool2D(y, l.pool())
	}
	return y
}

// Forward returns only the logits.
func (n *Net) Forward(x *autograd.Var) *autograd.Var {
	_, logits := n.Layers(nil, x)
	return logits
}

// constrain scales down weight vectors that are longer than the MaxNorm of their layer.
func (n *Net) constrain() {
	for i, layer := range n.Hidden {
		if limit := n.setting.Hidden[i].MaxNorm; limit > 0 {
			nn.MaxNorm(weightOf(layer), float32(limit))
		}
	}
	if limit := n.setting.Out.MaxNorm; limit > 0 {
		nn.MaxNorm(n.Out.Weight, float32(limit))
	}
}

// each calls do for consecutive batches of the images x, with the index of the batch's first image, the hidden layers
// and the logits. Dropout is off.
func (n *Net) each(x *tensor.Tensor, do func(first int, layers []Pair, logits *autograd.Var)) {
	const size = 500
	tape := autograd.NewTape(0)
	var layers []Pair
	for first := 0; first < x.Rows(); first += size {
		tape.Reset()
		var logits *autograd.Var
		layers, logits = n.Layers(layers[:0], tape.Input(x.Slice(first, min(first+size, x.Rows()))))
		do(first, layers, logits)
	}
}

// Submasks encodes which units of a hidden layer are active for each image; layers are counted from 0. A ReLU unit is
// active if its net input is positive; with LWTA and maxout, the winner of each block is active. A convolutional layer
// is encoded before pooling, unit by unit.
//
//	x [N, C, H, W] -> N codes
func (n *Net) Submasks(x *tensor.Tensor, layer int) *retrieval.Codes {
	var codes retrieval.Codes
	n.each(x, func(_ int, layers []Pair, _ *autograd.Var) { codes.Append(n.code(layers, layer)) })
	return &codes
}

// code encodes one layer for a batch.
func (n *Net) code(layers []Pair, layer int) *retrieval.Codes {
	unpooled := n.setting.Hidden[layer]
	unpooled.Pool = 0
	return retrieval.PackCodes(competitive.Submask(n.compete(layers[layer].Z, unpooled)))
}

// WholeSubmasks encodes which units of all hidden layers are active for each image, layer after layer. This one code
// identifies the subnetwork, as [LCN15, section 3] defines it. In its experiments the document uses only the part of
// the last layer.
//
//	x [N, C, H, W] -> N codes
func (n *Net) WholeSubmasks(x *tensor.Tensor) *retrieval.Codes {
	var codes retrieval.Codes
	parts := make([]*retrieval.Codes, len(n.Hidden))
	n.each(x, func(_ int, layers []Pair, _ *autograd.Var) {
		for layer := range parts {
			parts[layer] = n.code(layers, layer)
		}
		codes.Append(retrieval.JoinCodes(parts...))
	})
	return &codes
}

// NetInputs returns the net inputs (pre-activations) of a hidden layer; layers are counted from 0.
//
//	x [N, C, H, W] -> [N, units]
func (n *Net) NetInputs(x *tensor.Tensor, layer int) *tensor.Tensor {
	return n.values(x, func(layers []Pair) *autograd.Var { return layers[layer].Z })
}

// Activations returns the outputs of a hidden layer; layers are counted from 0.
//
//	x [N, C, H, W] -> [N, units]
func (n *Net) Activations(x *tensor.Tensor, layer int) *tensor.Tensor {
	return n.values(x, func(layers []Pair) *autograd.Var { return layers[layer].Y })
}

func (n *Net) values(x *tensor.Tensor, of func(layers []Pair) *autograd.Var) *tensor.Tensor {
	var all *tensor.Tensor
	n.each(x, func(first int, layers []Pair, _ *autograd.Var) {
		v := of(layers)
		if all == nil {
			all = tensor.New(x.Rows(), v.Width())
		}
		copy(all.Data()[first*v.Width():], v.Data())
	})
	return all
}

// Predictions returns the class with the largest logit for each image. Ties go to the lowest class.
func (n *Net) Predictions(x *tensor.Tensor) []int {
	classes := make([]int, 0, x.Rows())
	n.each(x, func(_ int, _ []Pair, logits *autograd.Var) {
		classes = append(classes, metrics.Predictions(logits.Value())...)
	})
	return classes
}
