// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// SRCNN is the network of tables 12 and 13, which improves an enlarged image: convolutions of 9 x 9, 5 x 5 and 5 x 5
// without padding, with 64, 32 and 1 channels, and ReLU after the first two. Normalisation, if any, comes before ReLU.
// Levels are taken from their middle, 1/2, before the first layer and after the last. Biases could do the same, but
// gradient descent then takes several times as many steps.
type SRCNN struct {
	Convs []*nn.Conv2D
	Norms []*nn.Norm // of the first two layers; nil for Baseline
	L1    float32
}

// Margin is the number of pixels that the output of [SRCNN] lacks at each edge.
const Margin = 8

// NewSRCNN returns the network of a variant, with weights from normal distributions with standard deviation 0.001,
// truncated at two of them. Divisive normalisation has summation windows of 5 x 5 and suppression windows of 7 x 7. The
// document's DN* has sigma = 1; its penalty of 0.1 is never added to the objective in the authors' program, so that L1
// = 0 is what was trained. Their program also divides the sum over the suppression window by the size of the summation
// window. With a constant sigma, that is the same as sigma·5/7 here and a result 5/7 as large, which the weights of the
// next layer can undo. It returns an error if the variant is unknown.
func NewSRCNN(v Variant, s Strength, rng *tensor.RNG) (*SRCNN, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	n, channels := &SRCNN{L1: s.L1}, 1
	for _, l := range []struct{ filters, size int }{{64, 9}, {32, 5}, {1, 5}} {
		conv := nn.NewConv2D(channels, l.filters, l.size, l.size, autograd.ConvShape{}, nn.TruncatedNormal(1e-3), rng)
		n.Convs = append(n.Convs, conv)
		if v != Baseline && l.filters > 1 {
			scheme := v.scheme(5, s.Sigma)
			if scheme.B.Window > 0 {
				scheme.B.Window = 7
			}
			n.Norms = append(n.Norms, nn.NewNorm(l.filters, scheme))
		}
		channels = l.filters
	}
	return n, nil
}

// Forward returns the improved images [N, 1, H-16, W-16] of x [N, 1, H, W] in [0, 1], and the penalty, nil without L1.
func (n *SRCNN) Forward(x *autograd.Var) (y, penalty *autograd.Var) {
	x = autograd.AddScalar(x, -0.5)
	for i, conv := range n.Convs {
		if x = conv.Forward(x); i == len(n.Convs)-1 {
			break
		}
		if n.Norms != nil {
			x = n.Norms[i].Forward(x)
			penalty = addPenalty(penalty, x, n.L1)
		}
		x = autograd.ReLU(x)
	}
	return autograd.AddScalar(x, 0.5), penalty
}

// Loss returns the objective for crops x and target [N, 1, S, S]: half the mean squared error without the [Margin],
// plus the penalty.
func (n *SRCNN) Loss(x, target *autograd.Var) *autograd.Var {
	y, penalty := n.Forward(x)
	s := target.Shape()
	target = autograd.Slice(autograd.Slice(target, 2, Margin, s[2]-Margin), 3, Margin, s[3]-Margin)
	cost := autograd.Scale(loss.MSE(y, target), 0.5)
	if penalty != nil {
		cost = autograd.Add(cost, penalty)
	}
	return cost
}

// Enlarge returns the network's estimate [H, W] for an enlarged image low [H, W], both in levels from 0 to 255; see
// package superres. The pixels of the [Margin] are those of low. It panics if low has no others.
func (n *SRCNN) Enlarge(low *tensor.Tensor, workers int) *tensor.Tensor {
	h, w := low.Dim(0), low.Dim(1)
	x := tensor.New(1, 1, h, w)
	for i, v := range low.Data() {
		x.Data()[i] = v / 255
	}
	y, _ := n.Forward(autograd.NewTape(workers).Input(x))
	estimate := low.Clone()
	for r := range h - 2*Margin {
		for c := range w - 2*Margin {
			estimate.Row(Margin + r)[Margin+c] = 255 * y.Value().At(0, 0, r, c)
		}
	}
	return estimate
}
