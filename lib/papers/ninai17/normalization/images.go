// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// ConvNet is the network of table 10: three convolutions of 5 x 5, each followed by normalisation, ReLU and pooling of
// 3 x 3 with a stride of 2 (the largest element, then twice the mean), and two dense layers with nothing in between.
// Images are [N, 3, 32, 32], with the levels from 0 to 255 minus the mean image.
//
// It differs from the authors' program at the edges of pooling: windows begin one pixel before the image instead of
// ending one after it, and means count that pixel as 0.
type ConvNet struct {
	Convs       []*nn.Conv2D
	Norms       []*nn.Norm // nil for Baseline
	Hidden, Out *nn.Dense
	L1          float32 // weight of the penalty on centred activations, once for each normalisation
}

// NewConvNet returns the network of a variant for 10 or 100 classes, with strengths such as those of [Images]. Weights
// are drawn from normal distributions truncated at two standard deviations; biases are 0. It returns an error if the
// variant is unknown.
func NewConvNet(v Variant, classes int, s Strength, rng *tensor.RNG) (*ConvNet, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	n := &ConvNet{L1: s.L1}
	channels := 3
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

// Forward returns the logits [N, classes] of images x [N, 3, 32, 32], and the penalty, nil without L1.
func (n *ConvNet) Forward(x *autograd.Var) (logits, penalty *autograd.Var) {
	window := autograd.Pool{H: 3, W: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}
	for i, conv := range n.Convs {
		x = conv.Forward(x)
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
	return n.Out.Forward(n.Hidden.Forward(x)), penalty
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

// ImageSchedule returns the learning rate of table 10 for batches of 100 and SGD with momentum 0.9, and the number of
// iterations: 0.001, divided by 10 at two iterations. epoch is that of a training set of the given size.
func ImageSchedule(v Variant, images int) (rate optim.Schedule, iterations int) {
	first, second, iterations := 30_000, 50_000, 80_000
	if v == Baseline {
		first, second, iterations = 5_000, 30_000, 50_000
	}
	return func(epoch float64) float64 {
		switch at := epoch * float64(images) / 100; {
		case at < float64(first):
			return 1e-3
		case at < float64(second):
			return 1e-4
		}
		return 1e-5
	}, iterations
}

// SRCNN is the network of tables 12 and 13, which improves an enlarged image: convolutions of 9 x 9, 5 x 5 and 5 x 5
// without padding, with 64, 32 and 1 channels, and ReLU after the first two. Normalisation, if any, comes before ReLU.
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
	return x, penalty
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
