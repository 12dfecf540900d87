// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/dataset/objects"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// units is the number of hidden units of the nets that compete: as many as the bits of a word.
const units = 64

// A RuleNet is the net of the quick start: a hidden layer whose units compete, and a linear read-out.
type RuleNet struct {
	Hidden, Out *nn.Dense
	rule        string
}

// NewRuleNet returns a net under the rule ReLU, LWTA or maxout.
func NewRuleNet(rule string, seed uint64) *RuleNet {
	rng, outputs := tensor.Stream(seed, "weights"), units
	if rule == "maxout" {
		outputs = units / 2
	}
	hidden := nn.NewDense(side*side, units, nn.Uniform, rng)
	return &RuleNet{hidden, nn.NewDense(outputs, 10, nn.Uniform, rng), rule}
}

// Forward returns what the competition leaves of the hidden units, and the logits.
func (n *RuleNet) Forward(x *autograd.Var) (left, logits *autograd.Var) {
	z := n.Hidden.Forward(x)
	switch n.rule {
	case "ReLU":
		left = autograd.ReLU(z)
	case "LWTA":
		left = competitive.LWTA(z, 2)
	case "maxout":
		left = competitive.Maxout(z, 2)
	default:
		panic("playground: NewRuleNet: unknown rule " + n.rule)
	}
	return left, n.Out.Forward(left)
}

// NewWideNet returns the net that is pruned.
func NewWideNet(seed uint64) nn.Sequential {
	rng := tensor.Stream(seed, "weights")
	return nn.Sequential{nn.NewDense(side*side, 128, nn.Uniform, rng), nn.Func(autograd.ReLU),
		nn.NewDense(128, 10, nn.Uniform, rng)}
}

// Of the dictionary: atoms, and pixels along the side of a patch.
const (
	Atoms = 144
	Patch = 12
)

// RenderingShape is the shape of the deep rendering mixture model: that of the document with half of its filters.
const RenderingShape = "16x5x5 full pool, 32x3x3 valid, 32x3x3 full pool, 64x3x3 valid, 10x1x1 valid"

// A Branch is one branch of the Siamese network of notebook 10, with the names of its parameters.
type Branch struct{ DRMM *drmm.Net }

// NewBranch returns a branch with the layers of similarity.Small, a package that is too large for a page.
func NewBranch() (*Branch, error) {
	shape := drmm.NineLayer(128)
	for i := range shape[:len(shape)-1] {
		shape[i].Filters /= 6
	}
	size := drmm.Size{Channels: 1, H: photo, W: photo}
	net, err := drmm.NewNet(shape, size, objects.Kinds(), tensor.Stream(1, "weights"))
	if err != nil {
		return nil, err
	}
	for _, l := range net.Layers {
		l.Norm = nn.NewBatchNorm(l.Filters.Rows())
	}
	return &Branch{net}, nil
}
