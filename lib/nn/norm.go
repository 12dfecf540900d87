// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Field is the set of activations over which a [Norm] takes a mean, for each activation anew. The zero value is the
// whole sample. A field lies either in the batch or in the activation's own sample.
type Field struct {
	// Batch means all samples and positions of the activation's channel. The other settings are then 0.
	Batch bool
	// Groups splits the channels, or the units of a vector, into so many groups of neighbours. The field lies in the
	// activation's own group. 0 means 1.
	Groups int
	// Window is the side of a square window of positions around the activation, across all channels of its group; for
	// vectors, the number of neighbouring units. 0 means all positions. A window of even side reaches further by one to
	// the right and downwards.
	Window int
}

// A Scheme is a choice of fields.
type Scheme struct {
	Name   string
	A, B   Field
	Sigma  float64
	Affine bool // with a scale and a shift for each channel, or for each unit of a vector
}

// Schemes returns the rows of [NINAI17, table 9], with a window of the given side and sigma = 1 for divisive
// normalisation, which allows any sigma >= 0. The others have sigma = 0 there. The experiments of the document's
// authors give batch and layer normalisation sigma = 0.01, and divisive normalisation no scale and shift.
func Schemes(window int) []Scheme {
	batch, sample, local := Field{Batch: true}, Field{}, Field{Window: window}
	return []Scheme{
		{"BN", batch, batch, 0, true},
		{"LN", sample, sample, 0, true},
		{"DN", local, local, 1, false},
	}
}

// Norm is normalisation [NINAI17, eqs. 11 and 12]: from each activation it subtracts the mean over the summation field
// A, and divides by the root mean square over the suppression field B,
//
//	v = x - mean_A(x),   y = v / sqrt(Sigma² + mean_B(v²)),
//
// then applies Scale·y + Shift if these are not nil. Batch, layer, group and divisive normalisation are settings of the
// fields; see [Schemes].
//
//	x [N, L], [N, C, W] or [N, C, H, W] -> y of the same shape
//
// Where a window reaches beyond the edge, activations there count as 0, and the mean still divides by the size of the
// whole window. This is what the document's authors compute (a convolution with zero padding), and it makes both means
// smaller at edges. The cost does not depend on the size of a window. Each sample gives the same result in any batch,
// so that a batch of one works, except for fields of the batch.
//
// With fields of the batch, in training, mean and variance (over the N·positions numbers, not the unbiased estimate)
// are those of the batch, and update the running averages:
//
//	Mean = Momentum·Mean + (1-Momentum)·mean, and the same for Variance
//
// Outside training, the running averages are used. They are buffers of the model: they are saved with it but not
// trained. An empty batch does not change them. Source: [IS15].
//
// With Sigma = 0, activations that are constant over a field have no quotient: y is NaN there, which stops training
// with an error that names this operation. Choose Sigma > 0 if that can happen, as for rectified activations, or call
// [Norm.CheckInput] before.
type Norm struct {
	A, B     Field
	Sigma    float64        // semi-saturation constant, >= 0
	Scale    *autograd.Var  // [C] or [L]; nil for none
	Shift    *autograd.Var  // [C] or [L]; nil for none
	Mean     *tensor.Tensor // [C], running average; nil without fields of the batch
	Variance *tensor.Tensor // [C], running average; nil without fields of the batch
	Momentum float32        // of the running averages, 0 <= Momentum < 1
}

// NewNorm returns the normalisation of the given number of channels, or of units of a vector, by a scheme, with scales
// 1, shifts 0, running mean 0, running variance 1 and Momentum 0.9. It panics if the scheme is impossible: a negative
// number, a field of the batch with groups or a window, one field of the batch and one of the sample, different groups,
// or groups of different sizes.
func NewNorm(channels int, s Scheme) *Norm {
	n := &Norm{A: s.A, B: s.B, Sigma: s.Sigma, Momentum: 0.9}
	n.check()
	if g := max(s.A.Groups, 1); channels < 1 || channels%g != 0 {
		panic(fmt.Sprintf("nn: NewNorm: %d channels in %d groups: want at least 1 channel and groups of one size", channels,
			g))
	}
	if s.Affine {
		n.Scale, n.Shift = autograd.NewParam(tensor.New(channels)), autograd.NewParam(tensor.New(channels))
		n.Scale.Value().Fill(1)
	}
	if s.A.Batch {
		n.Mean, n.Variance = tensor.New(channels), tensor.New(channels)
		n.Variance.Fill(1)
	}
	return n
}

// defaultSigma is the square root of 1e-5, which as a square is the usual constant of batch and layer normalisation.
var defaultSigma = math.Sqrt(float64(float32(1e-5)))

// NewBatchNorm returns batch normalisation of the given number of channels with scale and shift, and Sigma² = 1e-5.
// Source: [IS15].
func NewBatchNorm(channels int) *Norm {
	batch := Field{Batch: true}
	return NewNorm(channels, Scheme{"BN", batch, batch, defaultSigma, true})
}

// NewLayerNorm returns layer normalisation of the given number of channels, or of units of a vector, with scale and
// shift, and Sigma² = 1e-5: both fields are the whole sample. Source: [BKH16].
func NewLayerNorm(channels int) *Norm {
	return NewNorm(channels, Scheme{"LN", Field{}, Field{}, defaultSigma, true})
}

// NewGroupNorm returns group normalisation of the given number of channels, or of units of a vector, with scale and
// shift, and Sigma² = 1e-5: both fields are the group of channels in the sample. Source: [WH18].
func NewGroupNorm(channels, groups int) *Norm {
	f := Field{Groups: groups}
	return NewNorm(channels, Scheme{"GN", f, f, defaultSigma, true})
}

// NewDivisiveNorm returns divisive normalisation with summation and suppression windows of the given sides, without
// scale and shift. Source: [NINAI17, table 9].
func NewDivisiveNorm(summation, suppression int, sigma float64) *Norm {
	return NewNorm(1, Scheme{"DN", Field{Window: summation}, Field{Window: suppression}, sigma, false})
}

// check panics if the settings are impossible for any input.
func (n *Norm) check() {
	for _, f := range []Field{n.A, n.B} {
		if f.Groups < 0 || f.Window < 0 || f.Batch && (f.Groups > 1 || f.Window > 0) {
			panic(fmt.Sprintf("nn: Norm: field %+v: want Batch alone, or groups and a window that are not negative", f))
		}
	}
	if n.A.Batch != n.B.Batch || max(n.A.Groups, 1) != max(n.B.Groups, 1) {
		panic(fmt.Sprintf("nn: Norm: fields %+v and %+v: want both of the batch, or both of the sample with the same groups",
			n.A, n.B))
	}
	if !(n.Sigma >= 0) || math.IsInf(n.Sigma, 0) || (n.Scale == nil) != (n.Shift == nil) {
		panic(fmt.Sprintf("nn: Norm: sigma %v, scale %t, shift %t: want a finite sigma >= 0, and both or neither of scale "+
			"and shift", n.Sigma, n.Scale != nil, n.Shift != nil))
	}
}

// Forward normalises x. It panics if the settings or the shape of x do not fit: channels that are not those of Scale or
// Mean, groups that do not divide them, a window larger than the image, or in training a field of the batch with a
// single number per channel, from which nothing would be left.
func (n *Norm) Forward(x *autograd.Var) *autograd.Var {
	n.check()
	if n.A.Batch {
		return n.batch(x)
	}
	return n.sample(x, nil)
}

// ForwardWith is Forward with a variable of one element, > 0, in the place of Sigma², which receives a gradient. It
// panics for fields of the batch. With it, the divisive normalisation of a rendering model, which learns sigma, alpha
// and b, is sqrt(2)·sigma·ForwardWith(x, alpha·sigma²) + b.
func (n *Norm) ForwardWith(x, sigma2 *autograd.Var) *autograd.Var {
	n.check()
	if n.A.Batch || sigma2.Value().Len() != 1 {
		panic(fmt.Sprintf("nn: Norm: ForwardWith: fields %+v and a constant of shape %v: want fields of the sample and one "+
			"number", n.A, sigma2.Shape()))
	}
	return n.sample(x, sigma2)
}

// checkParams panics unless scale and shift have the given number of elements.
func (n *Norm) checkParams(name string, x *autograd.Var, channels int) {
	if n.Scale != nil && n.Scale.Value().Len() != channels {
		panic(fmt.Sprintf("nn: %s: want x [N, %d, ...], got %v", name, n.Scale.Value().Len(), x.Shape()))
	}
}
