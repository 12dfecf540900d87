// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Net is one branch of a Siamese network, with what compares two branches.
type Net struct {
	Input *nn.Norm      // what each picture goes through first; nil for nothing
	DRMM  *drmm.Net     // nil for VGG
	VGG   nn.Sequential // nil for the DRMM
	Out   *nn.Dense     // superclasses of VGG's features; the DRMM has its own
	// Head gives the logits of "different" and "same" from the absolute differences of two feature vectors [NINAI17, eqs.
	// 6 and 17].
	Head *nn.Dense
}

// A View is what a network makes of images. Its variables belong to the tape of the images.
type View struct {
	Input    *autograd.Var  // the images, normalised if the network does so [N, 1, 64, 64]
	Features *autograd.Var  // means of the last layer over all positions [N, F]
	Logits   *autograd.Var  // of the superclasses
	Found    drmm.Inference // of the DRMM; empty for VGG
}

// deepSigma is the initial Sigma of divisive normalisation in the DRMM. With 0.5, as in the authors' program, nine
// random layers take from the pictures almost all that distinguishes them.
const deepSigma = 2

// NewNet returns a network for images of 64 x 64 with the given number of superclasses, with random weights by the
// seed of the setting. Without normalisation of the batch, signals must not fade from layer to layer: without any,
// weights are drawn with twice the variance of the document's, as suits rectifiers; divisive normalisation amplifies as
// much by itself.
func NewNet(s Setting, superclasses int) (*Net, error) {
	rng := tensor.Stream(s.Seed, "weights")
	n := &Net{}
	if s.Gentle {
		n.Input = &nn.Norm{Sigma: 0.01} // over the whole picture
	}
	if s.Net == VGG {
		n.VGG = newVGG(s, rng)
		n.Out = nn.NewDense(vggWidth(s, 512), superclasses, nn.Xavier, rng)
		n.Head = nn.NewDense(vggWidth(s, 512), 2, nn.Xavier, rng)
		return n, nil
	}
	var err error
	n.DRMM, err = drmm.NewNet(s.Shape(), drmm.Size{Channels: 1, H: side, W: side}, superclasses, rng)
	if err != nil {
		return nil, err
	}
	for _, l := range n.DRMM.Layers {
		l.Norm = newNorm(s.Norm, l.Filters.Rows(), l.Filters.Shape()[2])
		switch norm := l.Norm.(type) {
		case nil:
			w := l.Filters.Data()
			simd.Scale(w, math.Sqrt2, w)
		case *nn.LearntNorm:
			norm.Sigma.Data()[0] = deepSigma
		}
	}
	n.Head = nn.NewDense(s.Features, 2, nn.Xavier, rng)
	return n, nil
}

// newNorm returns the normalisation of a layer of filters of the given size; nil for None.
func newNorm(kind string, channels, kernel int) nn.Module {
	switch kind {
	case DN:
		return nn.NewLearntNorm(kernel)
	case BN:
		return nn.NewBatchNorm(channels)
	}
	return nil
}

func vggWidth(s Setting, filters int) int { return max(1, filters/s.Channel) }

// newVGG returns the convolutions of a VGG network of ten layers, without the last pooling of five, because images are
// small.
func newVGG(s Setting, rng *tensor.RNG) nn.Sequential {
	var net nn.Sequential
	channels := 1
	pool := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	for block, filters := range [][]int{{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}} {
		if block > 0 {
			net = append(net, pool)
		}
		for _, f := range filters {
			f = vggWidth(s, f)
			net = append(net, nn.NewConv2D(channels, f, 3, 3, autograd.SamePadding(3, 3), nn.He, rng))
			if norm := newNorm(s.Norm, f, 3); norm != nil {
				net = append(net, norm)
			}
			net, channels = append(net, nn.Func(autograd.ReLU)), f
		}
	}
	mean := func(x *autograd.Var) *autograd.Var {
		s := x.Shape()
		return autograd.Reshape(autograd.MeanPool2D(x, autograd.Pool{H: s[2], W: s[3]}), s[0], s[1])
	}
	return append(net, nn.Func(mean))
}

// lookBatch is the number of images that a network looks at at a time outside training.
const lookBatch = 64

// Look sets v to what the network makes of images x [N, 1, 64, 64]. It reuses the memory of v.
func (n *Net) Look(v *View, x *autograd.Var) {
	if n.Input != nil {
		x = n.Input.Forward(x)
	}
	v.Input = x
	if n.DRMM != nil {
		n.DRMM.Infer(&v.Found, x)
		v.Features, v.Logits = v.Found.Mean, v.Found.Logits
		return
	}
	v.Features = n.VGG.Forward(x)
	v.Logits = n.Out.Forward(v.Features)
}

// Embed returns the features of images x [N, 1, 64, 64] -> [N, F], with the given number of goroutines (0 means one per
// core).
func (n *Net) Embed(x *tensor.Tensor, workers int) *tensor.Tensor {
	var v View
	var all *tensor.Tensor
	tape := autograd.NewTape(workers)
	for i := 0; i < x.Rows(); i += lookBatch {
		tape.Reset()
		n.Look(&v, tape.Input(x.Slice(i, min(i+lookBatch, x.Rows()))))
		f := v.Features
		if all == nil {
			all = tensor.New(x.Rows(), f.Width())
		}
		copy(all.Data()[i*f.Width():], f.Data())
	}
	return all
}

// Same returns the similarity that the head computes from features x [N, F]: the logarithm of the odds that two images
// are of the same class.
func (n *Net) Same(x *tensor.Tensor) func(i, j int) float64 {
	w, b := n.Head.Weight.Value(), n.Head.Bias.Data()
	different, same := w.Row(0), w.Row(1)
	return func(i, j int) float64 {
		a, c := x.Row(i), x.Row(j)
		sum := float64(b[1] - b[0])
		for k, v := range a {
			d := v - c[k]
			if d < 0 {
				d = -d
			}
			sum += float64(d) * float64(same[k]-different[k])
		}
		return sum
	}
}

// Predict returns the similarity of a reference [1, 1, 64, 64] to each of the candidates [N, 1, 64, 64], by the cosine
// of their features: from -1 to 1.
func (n *Net) Predict(reference, candidates *tensor.Tensor) []float64 {
	both := tensor.New(1+candidates.Rows(), 1, side, side)
	copy(both.Data(), reference.Data())
	copy(both.Data()[reference.Len():], candidates.Data())
	alike := siamese.Cosine(n.Embed(both, 0))
	list := make([]float64, candidates.Rows())
	for i := range list {
		list[i] = alike(0, i+1)
	}
	return list
}

// constrain keeps the learnt constants of the normalisation in their ranges.
func (n *Net) constrain() {
	if n.DRMM != nil {
		n.DRMM.Constrain()
	}
	for _, m := range n.VGG {
		if norm, ok := m.(*nn.LearntNorm); ok {
			norm.Alpha.Data()[0] = max(norm.Alpha.Data()[0], 1e-3)
		}
	}
}
