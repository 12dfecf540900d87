// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// The activations of hidden layers.
const (
	ReLU   = "relu"
	LWTA   = "lwta"   // in blocks of Block units or maps, only the largest passes
	Maxout = "maxout" // the largest of each block of Block units or maps
	KWTA   = "kwta"   // of each layer, the largest 1/Block of the units pass
)

// A Network describes a network for vectors or images. The zero value is the usual default: for vectors and for images
// of less than 16 x 16 pixels one hidden layer of 128 units, and for larger images two convolutional layers of 16 and
// 32 filters before it.
type Network struct {
	Filters    []int   `json:"filters"`    // of 3 x 3 convolutions, each followed by 2 x 2 max-pooling
	Hidden     []int   `json:"hidden"`     // units of fully connected layers
	Activation string  `json:"activation"` // after each of them; "" is ReLU
	Block      int     `json:"block"`      // of LWTA and Maxout, which must divide units and filters, and of KWTA; 0 is 2
	Dropout    float64 `json:"dropout"`    // probability of zero, after each fully connected hidden layer
}

// withDefaults fills in defaults for samples of a shape.
func (n Network) withDefaults(shape []int) Network {
	image := len(shape) == 3
	if n.Filters == nil && n.Hidden == nil {
		n.Hidden = []int{128}
		if image && min(shape[1], shape[2]) >= 16 {
			n.Filters = []int{16, 32}
		}
	}
	if n.Activation == "" {
		n.Activation = ReLU
	}
	if n.Block == 0 {
		n.Block = 2
	}
	return n
}

// check returns an error that names invalid settings.
func (n Network) check(shape []int) error {
	c := experiment.Check{Package: "classify"}
	c.OneOf("Activation", n.Activation, ReLU, LWTA, Maxout, KWTA)
	c.AtLeast("Block", n.Block, 1)
	c.Share("Dropout", n.Dropout)
	c.That(len(n.Filters) == 0 || len(shape) == 3, "Filters", n.Filters,
		fmt.Sprintf("none for samples of shape %v", shape))
	blocks := n.Activation == LWTA || n.Activation == Maxout
	for name, sizes := range map[string][]int{"Filters": n.Filters, "Hidden": n.Hidden} {
		for _, s := range sizes {
			c.That(s >= 1 && (!blocks || n.Block < 1 || s%n.Block == 0), name, sizes,
				fmt.Sprintf("sizes of at least 1, multiples of the block of %d", n.Block))
		}
	}
	return c.Err()
}

// build returns the network for samples of a shape, or an error if it has more than limit weights.
func (n Network) build(shape []int, classes int, seed uint64, limit float64) (nn.Sequential, error) {
	weights, drops := tensor.Stream(seed, "classify/weights"), tensor.Stream(seed, "classify/dropout")
	left := limit
	fits := func(in, out int) bool { // is asked before any weight of a layer is made
		left -= float64(in) * float64(out)
		return left >= 0
	}
	tooLarge := fmt.Errorf("a network of more than %.0f weights", limit)
	var net nn.Sequential
	width := 1
	for _, d := range shape {
		width *= d
	}
	if len(n.Filters) > 0 {
		channels, h, w := shape[0], shape[1], shape[2]
		for _, filters := range n.Filters {
			if !fits(9*channels, filters) {
				return nil, tooLarge
			}
			net = append(net, nn.NewConv2D(channels, filters, 3, 3, autograd.SamePadding(3, 3), nn.He, weights),
				n.activation(filters*h*w))
			channels = n.passed(filters)
			if h >= 2 && w >= 2 {
				net, h, w = append(net, nn.Func(halve)), h/2, w/2
			}
		}
		width = channels * h * w
	}
	for _, units := range n.Hidden {
		if !fits(width, units) {
			return nil, tooLarge
		}
		net = append(net, nn.NewDense(width, units, nn.He, weights), n.activation(units))
		if n.Dropout > 0 {
			net = append(net, nn.NewDropout(float32(n.Dropout), drops))
		}
		width = n.passed(units)
	}
	if !fits(width, classes) {
		return nil, tooLarge
	}
	return append(net, nn.NewDense(width, classes, nn.Xavier, weights)), nil
}

// passed returns the number of outputs of a layer's activation.
func (n Network) passed(units int) int {
	if n.Activation == Maxout {
		return units / n.Block
	}
	return units
}

func halve(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) }

// activation returns the activation of a layer with the given number of outputs for a sample.
func (n Network) activation(outputs int) nn.Func {
	switch n.Activation {
	case LWTA:
		return func(x *autograd.Var) *autograd.Var { return competitive.LWTA(x, n.Block) }
	case Maxout:
		return func(x *autograd.Var) *autograd.Var { return competitive.Maxout(x, n.Block) }
	case KWTA:
		return func(x *autograd.Var) *autograd.Var { return competitive.KWTA(x, max(1, outputs/n.Block)) }
	}
	return autograd.ReLU
}
