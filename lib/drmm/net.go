// SPDX-License-Identifier: Apache-2.0

// Package drmm is the deep rendering mixture model of [NINAI17, sections 2, 3(A) and 7]: a mixture model of images
// whose inference is a convolutional network.
//
// An image is rendered from the top down. A class c has a template mu_c. Each layer l renders every element x of its
// template z^(l) as a patch if its switch a_x is on: the core template Gamma times the element, at the position t_x,
// one of 2 x 2:
//
//	z^(l-1) = sum_x T_{t_x} Z_x (Gamma M_a)_x z^(l)_x,   image = z^(0) + noise
//
// The most probable classes and nuisance variables g = (a, t) of an image are found from the bottom up. The maximum
// over a is a rectifier, the maximum over t is max-pooling, and the sum over a patch is a convolution with the core
// templates.
//
//	net, err := drmm.NewNet(drmm.FiveLayer(), drmm.Size{Channels: 1, H: 28, W: 28}, 10, rng)
//	net.Infer(&found, x)                                          // bottom-up: logits and switches
//	net.Render(&rendered, drmm.OneHotArgmax(found.Logits), found.Switches) // top-down: templates and image
//
// Package papers/ninai17 trains such a model on a few labelled and many unlabelled images.
//
// Names: Gamma is [Layer.Filters], mu the rows of [Net.Out], a and t are [Switches], z is [Rendering.Templates].
package drmm

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Net is a deep rendering mixture model.
type Net struct {
	Layers []*Layer
	Out    *nn.Dense // row c of the weight is the template of class c; the bias holds the log priors of the classes

	sizes []Size
}

// A Layer renders level l-1 of templates from level l.
type Layer struct {
	Filters *autograd.Var // core templates Gamma [filters, channels below, k, k]
	Norm    nn.Module     // normalises the net inputs, in the bottom-up pass only; nil for none
	Gate    *nn.Gate      // of the net inputs, after Norm: units that pruning left; nil for all

	shape        LayerShape
	below, above Size
}

// NewNet returns a model of images with the given number of classes. Templates are drawn from rng by [nn.Xavier], and
// net inputs are batch-normalised [NINAI17, section 7]. It returns an error if the shape does not fit the image.
func NewNet(s Shape, image Size, classes int, rng *tensor.RNG) (*Net, error) {
	sizes, err := s.Sizes(image)
	if err != nil {
		return nil, err
	}
	n := &Net{sizes: sizes}
	for i, l := range s {
		below := sizes[i].Channels
		filters := tensor.New(l.Filters, below, l.Kernel, l.Kernel)
		nn.Xavier(filters, nil, below*l.Kernel*l.Kernel, l.Filters*l.Kernel*l.Kernel, rng)
		layer := &Layer{
			Filters: autograd.NewParam(filters), Norm: nn.NewBatchNorm(l.Filters), shape: l, below: sizes[i], above: sizes[i+1],
		}
		n.Layers = append(n.Layers, layer)
	}
	n.Out = nn.NewDense(sizes[len(s)].Channels, classes, nn.Xavier, rng)
	return n, nil
}

// NormalizeDivisively replaces the normalisation of every layer by divisive normalisation with learnt constants, with
// windows as large as the layer's filters: the estimate of a pattern of unknown contrast [NINAI17, section 3(B)]. It
// returns an error, and changes nothing, if a window is larger than the maps of its layer before pooling.
func (n *Net) NormalizeDivisively() error {
	for i, l := range n.Layers {
		if h, w := l.planeSize(); min(h, w) < l.shape.Kernel {
			return fmt.Errorf("drmm: layer %d: windows of %d x %d are larger than its maps of %d x %d: use larger images or "+
				"smaller filters", i+1, l.shape.Kernel, l.shape.Kernel, h, w)
		}
	}
	for _, l := range n.Layers {
		l.Norm = nn.NewLearntNorm(l.shape.Kernel)
	}
	return nil
}

// Constrain restores the constraints on the weights after a step of training: the constants Alpha of divisive
// normalisation stay positive.
func (n *Net) Constrain() {
	for _, l := range n.Layers {
		if norm, ok := l.Norm.(*nn.LearntNorm); ok {
			norm.Constrain()
		}
	}
}

// planeSize returns the size of the layer's maps before pooling.
func (l *Layer) planeSize() (h, w int) {
	return l.ConvShape().OutputSize(l.below.H, l.below.W, l.shape.Kernel, l.shape.Kernel)
}

// Sizes returns the sizes of the templates z^(0) to z^(L).
func (n *Net) Sizes() []Size { return n.sizes }

// Shape returns the shape of the layers.
func (n *Net) Shape() (s Shape) {
	for _, l := range n.Layers {
		s = append(s, l.shape)
	}
	return s
}

// ConvShape returns the shape of the layer's convolution.
func (l *Layer) ConvShape() autograd.ConvShape { return l.shape.Padding.ConvShape(l.shape.Kernel) }

// AddGates gives every layer a gate that keeps all its units, [filters, h, w] before pooling.
func (n *Net) AddGates() {
	for _, l := range n.Layers {
		h, w := l.planeSize()
		l.Gate = nn.NewGate(l.shape.Filters, h, w)
	}
}

// Switches are the nuisance variables g = (a, t) of a layer for a batch of images, one for each element of z^(l).
type Switches struct {
	// At [N, channels, h, w] is where each element is rendered: an index into the h x w plane of the layer before pooling,
	// row by row, or -1 if the element is off (a = 0).
	At []int32
	// H and W are the size of that plane.
	H, W int
}

// From returns the switches of a batch of the given number of images without those of the images before image.
func (s Switches) From(image, images int) Switches {
	s.At = s.At[image*(len(s.At)/images):]
	return s
}

// An Inference is the result of the bottom-up pass. Its variables belong to the tape of the images.
type Inference struct {
	Inputs   []*autograd.Var // net input of each layer, normalised: [N, filters, h, w] before pooling
	Features []*autograd.Var // of each layer, after the maxima over t and a: [N, filters, h, w]
	Switches []Switches      // of each layer, those of the maxima
	Mean     *autograd.Var   // of the top layer's features over all positions [N, filters]
	Logits   *autograd.Var   // [N, classes]; their softmax is the class posterior q(c|I)
}

// Infer finds the most probable switches and the class posterior of images x [N, C, H, W], from the bottom up:
//
//	u = Gammaᵀ z^(l-1), normalised and gated   (the score of each core template at each position)
//	z^(l) = max_a max_t a·u = max(0, max-pool(u))   with the maximising a and t as switches
//
// The logits are the means over all positions of the top layer, times the class templates. Infer writes to found and
// reuses its memory. The switches are valid until the tape is reset. Source: [NINAI17, section 2].
func (n *Net) Infer(found *Inference, x *autograd.Var) {
	if s, image := x.Shape(), n.sizes[0]; len(s) != 4 || s[1] != image.Channels || s[2] != image.H || s[3] != image.W {
		panic(fmt.Sprintf("drmm: Infer: want images [N, %d, %d, %d], got %v", image.Channels, image.H, image.W, s))
	}
	found.Inputs, found.Features, found.Switches = found.Inputs[:0], found.Features[:0], found.Switches[:0]
	for _, l := range n.Layers {
		u := autograd.Conv2D(x, l.Filters, nil, l.shape.Padding.ConvShape(l.shape.Kernel))
		if l.Norm != nil {
			u = l.Norm.Forward(u)
		}
		if l.Gate != nil {
			u = l.Gate.Forward(u)
		}
		best := u
		if l.shape.Pool {
			best = autograd.MaxPool2D(u, autograd.Pool{H: 2, W: 2})
		}
		x = autograd.ReLU(best)
		found.Inputs, found.Features = append(found.Inputs, u), append(found.Features, x)
		found.Switches = append(found.Switches, switchesOf(x, best, u))
	}
	top := n.sizes[len(n.Layers)]
	mean := autograd.MeanPool2D(x, autograd.Pool{H: top.H, W: top.W})
	found.Mean = autograd.Reshape(mean, x.Rows(), top.Channels)
	found.Logits = n.Out.Forward(found.Mean)
}

// switchesOf returns the switches of a layer with features x, the maxima over positions and the net inputs u.
func switchesOf(x, best, u *autograd.Var) Switches {
	y, op := autograd.Record[switchesOp]("Switches", x, best, u)
	y.Resize(0)
	op.at = slices.Grow(op.at[:0], x.Value().Len())[:x.Value().Len()]
	op.pooled = nil
	if best != u {
		op.pooled = competitive.Winners(best)
	}
	s := x.Shape()
	autograd.For(y, s[0]*s[1], 1<<14/(s[2]*s[3])+1, (*switchesOp).find)
	return Switches{op.at, u.Shape()[2], u.Shape()[3]}
}

// switchesOp is the operation that finds the switches. It is on the tape, which reuses its memory.
type switchesOp struct {
	at     []int32
	pooled []int32 // the positions of the maxima in the net inputs, nil without pooling
}

func (op *switchesOp) Backward(*autograd.Var) {}

// Choices yields the switches.
func (op *switchesOp) Choices(*autograd.Var) iter.Seq[int32] { return slices.Values(op.at) }

func (op *switchesOp) find(y *autograd.Var, lo, hi int) {
	x := y.In(0)
	n, plane := x.Shape()[2]*x.Shape()[3], y.In(2).Shape()[2]*y.In(2).Shape()[3]
	for i := lo; i < hi; i++ {
		at := op.at[i*n : (i+1)*n]
		if op.pooled != nil { // max-pooling already has the switches, as positions within each plane
			for j, w := range op.pooled[i*n : (i+1)*n] {
				at[j] = w - int32(i*plane)
			}
		} else {
			for j := range at {
				at[j] = int32(j)
			}
		}
		for j, v := range x.Data()[i*n : (i+1)*n] {
			at[j] = (at[j]+1)&on(v) - 1
		}
	}
}

// on returns a mask of ones if the feature v is not zero, and 0 otherwise; features are never negative. A branch would
// be mispredicted half of the time.
func on(v float32) int32 {
	bits := int32(math.Float32bits(v) & math.MaxInt32)
	return -bits >> 31
}

// OneHotArgmax returns, for each sample, 1 for the class with the largest logit and 0 for the others: [N, C] -> [N, C].
// Ties go to the first class. It has no gradient.
func OneHotArgmax(logits *autograd.Var) *autograd.Var {
	y, op := autograd.Record[oneHotOp]("OneHotArgmax", logits)
	y.Resize(logits.Shape()...)
	clear(y.Data())
	op.chosen = op.chosen[:0]
	for n := range logits.Rows() {
		c := simd.ArgMax(logits.Value().Row(n))
		op.chosen = append(op.chosen, int32(c))
		y.Value().Row(n)[c] = 1
	}
	return y
}

type oneHotOp struct {
	chosen []int32 // class of each sample
}

func (op *oneHotOp) Backward(*autograd.Var) {}

// Choices yields the classes.
func (op *oneHotOp) Choices(*autograd.Var) iter.Seq[int32] { return slices.Values(op.chosen) }

// A Rendering is the result of the top-down pass. Its variables belong to the tape of the pass's arguments.
type Rendering struct {
	// Templates are the rendered templates from z^(0), which is the image, to z^(L): [N, channels, h, w].
	Templates []*autograd.Var
}

// Image returns the rendered image [N, C, H, W], without noise.
func (r *Rendering) Image() *autograd.Var { return r.Templates[0] }

// Render renders images from the top down: z^(L) is the template of the class at every position, and each layer renders
// the one below by [RenderLayer]. classes [N, C] holds the weights of the class templates, 1 for the class of an image
// and 0 for the others. Render writes to r and reuses its memory. Source: [NINAI17, eqs. 19 to 22].
func (n *Net) Render(r *Rendering, classes *autograd.Var, switches []Switches) {
	if len(switches) != len(n.Layers) || len(classes.Shape()) != 2 || classes.Width() != n.Out.Weight.Rows() {
		panic(fmt.Sprintf("drmm: Render: classes %v and switches of %d layers for %d classes and %d layers",
			classes.Shape(), len(switches), n.Out.Weight.Rows(), len(n.Layers)))
	}
	last := len(n.Layers)
	if cap(r.Templates) <= last {
		r.Templates = make([]*autograd.Var, last+1)
	}
	r.Templates = r.Templates[:last+1]
	top, size := autograd.MatMul(classes, n.Out.Weight), n.sizes[last]
	top = autograd.Reshape(top, top.Rows(), size.Channels, 1, 1)
	r.Templates[last] = autograd.Expand(top, top.Rows(), size.Channels, size.H, size.W)
	for l := last; l > 0; l-- {
		layer := n.Layers[l-1]
		r.Templates[l-1] = RenderLayer(r.Templates[l], switches[l-1], layer.Filters, layer.shape.Padding)
	}
}

// RenderLayer renders z^(l-1) from z^(l): each element that is on adds the element times its core template, at the
// position that was chosen for it,
//
//	z^(l-1) = sum_x T_{t_x} Z_x (Gamma M_a)_x z^(l)_x
//
//	z [N, K, h, w], filters [K, C, k, k] -> [N, C, H, W]
//
// M_a sets elements that are off to zero, Z_x pads the patch at x with zeros to the size of an image, and T_t moves it
// to one of the 2 x 2 positions. Together they are a transposed convolution of the elements, which [autograd.MaxUnpool]
// has put where the switches point. Source: [NINAI17, eqs. 19 to 22].
func RenderLayer(z *autograd.Var, g Switches, filters *autograd.Var, padding Padding) *autograd.Var {
	placed := autograd.MaxUnpool(z, g.At, g.H, g.W)
	return autograd.ConvTranspose2D(placed, filters, nil, padding.ConvShape(filters.Shape()[2]))
}
