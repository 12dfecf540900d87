// SPDX-License-Identifier: Apache-2.0

package pruning

import (
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func sqrt(x float64) float64 { return math.Sqrt(x) }

// The rectifier and the pooling of LeNet-5.
var (
	relu = nn.Func(autograd.ReLU)
	pool = nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	flat = nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.Reshape(x, x.Rows(), x.Width()) })
)

// NewLeNet5 returns the network with 20 and 50 filters of 5 x 5, each followed by max-pooling and a rectifier, and 500
// rectified units, for images of 1 x 28 x 28 [NINAI17, Table 16]. Weights are drawn by [nn.Xavier]. A rectifier before
// the pooling would give the same outputs for four times the work.
func NewLeNet5(classes int, rng *tensor.RNG) nn.Sequential {
	none := autograd.ConvShape{}
	return nn.Sequential{
		nn.NewConv2D(1, 20, 5, 5, none, nn.Xavier, rng), pool, relu,
		nn.NewConv2D(20, 50, 5, 5, none, nn.Xavier, rng), pool, relu, flat,
		nn.NewDense(800, 500, nn.Xavier, rng), relu,
		nn.NewDense(500, classes, nn.Xavier, rng),
	}
}

// Gated returns LeNet-5 with a gate for the net inputs of each of its hidden layers. It shares the layers.
func Gated(net nn.Sequential) nn.Sequential {
	return nn.Sequential{
		net[0], nn.NewGate(20, 24, 24), net[1], net[2], net[3], nn.NewGate(50, 8, 8), net[4], net[5], net[6],
		net[7], nn.NewGate(500), net[8], net[9],
	}
}

// PooledActivity returns the share of active units of each layer of LeNet-5 for images x, after pooling. The outputs of
// the last layer are always active.
func PooledActivity(net nn.Sequential, x *tensor.Tensor) []float64 {
	v := autograd.NewTape(0).Input(x)
	var shares []float64
	for i, m := range net {
		switch m.(type) {
		case *nn.Conv2D, *nn.Dense, *nn.SparseConv2D, *nn.SparseDense:
			if i > 0 {
				shares = append(shares, positive(v.Value()))
			}
		}
		v = m.Forward(v)
	}
	return append(shares, 1)
}

// positive returns the share of elements above 0.
func positive(x *tensor.Tensor) float64 {
	n := 0
	for _, v := range x.Data() {
		if v > 0 {
			n++
		}
	}
	return float64(n) / float64(x.Len())
}
