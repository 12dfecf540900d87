// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Net is a network of one hidden layer whose activation is a rectified power,
//
//	h = max(W v, 0)^n,   c = tanh(S h),
//
// without biases [KH19, eq. 1]. W v is the plain inner product, not the current of the learning rule.
//
// In the document's second phase W holds the weights learnt without labels, and only S is trained, on features h that
// are computed once (Encode, ReadOut). With n = 1 and all weights trained it is the document's reference network.
type Net struct {
	Hidden *autograd.Var // W [units, inputs]
	Out    *autograd.Var // S [classes, units]
	Power  float64       // n, at least 1; 0 means 1

	// Relative divides the features of each example by their mean over the units, as divisive inhibition would: only the
	// activity of a unit relative to the others counts. The document does not say how it scales features of such different
	// size, up to 10^8 for n = 10, so that tanh does not saturate. Relative features need smaller rates than its 0.001,
	// such as 0.0003.
	Relative bool
	// Gain multiplies the features if they are not Relative; 0 means 1. See FitGain.
	Gain float64
}

// NewNet returns a network on top of hidden weights [units, inputs], which it shares. The output weights are drawn from
// U(-bound, bound).
func NewNet(hidden *tensor.Tensor, classes int, power float64, bound float32, rng *tensor.RNG) *Net {
	s := tensor.New(classes, hidden.Rows())
	rng.Uniform(s.Data(), -bound, bound)
	return &Net{Hidden: autograd.NewParam(hidden), Out: autograd.NewParam(s), Power: power}
}

// Features returns the activations of the hidden units, v [N, ...] -> h [N, units].
func (n *Net) Features(v *autograd.Var) *autograd.Var {
	z, power := autograd.Linear(v, n.Hidden, nil), cmp.Or(n.Power, 1)
	switch gain := float32(n.Gain); {
	case n.Relative:
		return autograd.RelativePower(z, power)
	case n.Gain == 0:
		return autograd.RectifiedPower(z, power)
	case gain == 0 || gain > math.MaxFloat32: // the powers leave the range of float32, so scale before the power
		return autograd.RectifiedPower(autograd.Scale(z, float32(math.Pow(n.Gain, 1/power))), power)
	default:
		return autograd.Scale(autograd.RectifiedPower(z, power), gain)
	}
}

// ReadOut returns the outputs for the given features, h [N, units] -> c [N, classes], from -1 to 1.
func (n *Net) ReadOut(h *autograd.Var) *autograd.Var {
	return autograd.Tanh(autograd.Linear(h, n.Out, nil))
}

// Forward returns the outputs for examples, v [N, ...] -> c [N, classes].
func (n *Net) Forward(v *autograd.Var) *autograd.Var { return n.ReadOut(n.Features(v)) }

// FitGain sets Gain so that the features of the examples v [N, ...] have a root mean square of 1, and sets Relative to
// false. If all features are zero, the gain is 1.
func (n *Net) FitGain(v *tensor.Tensor) {
	n.Relative, n.Gain = false, 1
	square, _ := n.measure(v)
	if !(square > 1e-70 && square < 1e70) { // measured again with a gain that makes the largest feature 1
		plain := Net{Hidden: n.Hidden}
		if _, top := plain.measure(v); top > 0 {
			n.Gain = min(math.Pow(float64(top), -cmp.Or(n.Power, 1)), math.MaxFloat64)
			square, _ = n.measure(v)
		}
	}
	if square > 0 {
		n.Gain /= math.Sqrt(square)
	}
}

// measure returns the mean square of the features of the examples v [N, ...] and the largest feature.
func (n *Net) measure(v *tensor.Tensor) (square float64, top float32) {
	tape, count := autograd.NewTape(0), 0
	for from := 0; from < v.Rows(); from += encodeBatch {
		tape.Reset()
		h := n.Features(tape.Input(v.Slice(from, min(from+encodeBatch, v.Rows())))).Data()
		for _, x := range h {
			square += float64(x) * float64(x)
			top = max(top, x)
		}
		count += len(h)
	}
	return square / float64(count), top
}

// OutputLayer returns the part of the network that the second phase trains, for [train.GradientDescent].Model.
func (n *Net) OutputLayer() any { return &struct{ Out *autograd.Var }{n.Out} }

// Encode returns the hidden features of the examples, as data for training the output layer or another layer of units.
// Features that fit into the given number of bytes are computed once and kept; otherwise they are computed whenever a
// batch is gathered. Labels, targets and weights stay the same. Do not use the result after changing the hidden
// weights.
func (n *Net) Encode(set *dataset.Set, bytes int) train.Data {
	lazy := &encoder{net: n, set: set, tape: autograd.NewTape(0)}
	if set.Len()*n.Hidden.Rows()*4 > bytes {
		return lazy
	}
	all := *set
	all.Name, all.Sum = set.Name+", features", "" // the sum would be wrong: features depend on the weights
	all.X = tensor.New(set.Len(), n.Hidden.Rows())
	for from := 0; from < set.Len(); from += encodeBatch {
		to := min(from+encodeBatch, set.Len())
		lazy.encode(set.X.Slice(from, to), all.X.Slice(from, to))
	}
	return &all
}

// encodeBatch is the number of examples that are encoded at a time.
const encodeBatch = 500

// An encoder computes features on demand.
type encoder struct {
	net  *Net
	set  *dataset.Set
	tape *autograd.Tape
	v    tensor.Tensor
}

func (e *encoder) Len() int { return e.set.Len() }

func (e *encoder) Gather(b *dataset.Batch, idx []int) {
	e.set.Gather(b, idx)
	e.v, b.X = b.X, e.v
	b.X.Resize(len(idx), e.net.Hidden.Rows())
	e.encode(&e.v, &b.X)
}

func (e *encoder) encode(v, h *tensor.Tensor) {
	e.tape.Reset()
	h.CopyFrom(e.net.Features(e.tape.Input(v)).Value())
}

// UnitLength returns the set with every image scaled to Euclidean length 1, as the document does with CIFAR-10. Images
// that are all zero stay unchanged.
func UnitLength(set *dataset.Set) *dataset.Set {
	scaled := *set
	scaled.X, scaled.Sum = set.X.Clone(), derived(set.Sum, "unit length")
	for i := range scaled.Len() {
		row := scaled.X.Row(i)
		if squares := simd.SumSquares(row); squares > 1e-30 && squares < 1e30 {
			simd.Scale(row, float32(1/math.Sqrt(float64(squares))), row)
		} else {
			unitLength(row)
		}
	}
	return &scaled
}

// unitLength scales a row to length 1. Its squares may be outside the range of float32.
func unitLength(row []float32) {
	var squares float64
	for _, x := range row {
		squares += float64(x) * float64(x)
	}
	for i, x := range row {
		if squares > 0 {
			row[i] = float32(float64(x) / math.Sqrt(squares))
		}
	}
}

// derived returns the identity of data that were made from others.
func derived(sum, how string) string {
	digest := sha256.Sum256([]byte(sum + " " + how))
	return hex.EncodeToString(digest[:])
}
