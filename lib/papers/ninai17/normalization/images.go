// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// ConvNet is the network of table 10: three convolutions of 5 x 5, each followed by normalisation, ReLU and pooling of
// 3 x 3 with a stride of 2 (the largest element, then twice the mean), and two dense layers with nothing in between.
// Images are [N, 3, 32, 32], with the levels from 0 to 255 minus the mean image. Those of 28 x 28 pixels fit too.
//
// It differs from the authors' program at the edges of pooling: windows begin one pixel before the image instead of
// ending one after it, and means count that pixel as 0.
type ConvNet struct {
	Convs       []*nn.Conv2D
	Norms       []*nn.Norm // nil for Baseline
	Hidden, Out *nn.Dense
	L1          float32     // weight of the penalty on centred activations, once for each normalisation
	Dropout     *nn.Dropout // of the inputs of the two dense layers; nil for none
}

// NewConvNet returns the network of a variant for images of so many channels and 10 or 100 classes, with strengths such
// as those of [Images]. Weights are drawn from normal distributions truncated at two standard deviations; biases are 0.
// It returns an error if the variant is unknown.
func NewConvNet(v Variant, channels, classes int, s Strength, rng *tensor.RNG) (*ConvNet, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	n := &ConvNet{L1: s.L1}
	for _, l := range []struct {
		filters, window int
		std             float32
	}{{32, 5, 1e-4}, {32, 3, 1e-2}, {64, 3, 1e-2}} {
		conv := nn.NewConv2D(channels, l.filters, 5, 5, autograd.SamePadding(5, 5), nn.TruncatedNormal(l.std), rng)
		n.Convs = append(n.Convs, conv)
		if v != Baseline {
			n.Norms = append(n.Norms, nn.NewNorm(l.filters, v.scheme(l.window, s.Sigma)))
		}
		channels = l.filters
	}
	n.Hidden = nn.NewDense(64*4*4, 64, nn.TruncatedNormal(0.1), rng)
	n.Out = nn.NewDense(64, classes, nn.TruncatedNormal(0.1), rng)
	return n, nil
}

// Forward returns the logits [N, classes] of images x [N, C, 32, 32], and the penalty, nil without L1.
func (n *ConvNet) Forward(x *autograd.Var) (logits, penalty *autograd.Var) {
	return n.Observe(x, func(int, *autograd.Var) {})
}

// Observe is [ConvNet.Forward], and calls see with the net inputs of each layer, before normalisation and rectifier: 0
// to 2 are the convolutions, [N, filters, H, W], 3 is the hidden dense layer and 4 the logits.
func (n *ConvNet) Observe(x *autograd.Var, see func(layer int, z *autograd.Var)) (logits, penalty *autograd.Var) {
	window := autograd.Pool{H: 3, W: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	for i, conv := range n.Convs {
		x = conv.Forward(x)
		see(i, x)
		if n.Norms != nil {
			x = n.Norms[i].Forward(x)
			penalty = addPenalty(penalty, x, n.L1)
		}
		if x = autograd.ReLU(x); i == 0 {
			x = autograd.MaxPool2D(x, window)
		} else {
			x = autograd.MeanPool2D(x, window)
		}
	}
	for i, dense := range []*nn.Dense{n.Hidden, n.Out} {
		if n.Dropout != nil {
			x = n.Dropout.Forward(x)
		}
		x = dense.Forward(x)
		see(3+i, x)
	}
	return x, penalty
}

// addPenalty adds the penalty on the centred activations of a normalised x to others.
func addPenalty(penalty, x *autograd.Var, l1 float32) *autograd.Var {
	switch {
	case l1 == 0:
		return penalty
	case penalty == nil:
		return nn.CentredL1(x, l1)
	}
	return autograd.Add(penalty, nn.CentredL1(x, l1))
}
