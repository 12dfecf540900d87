// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// SparseDense is a fully connected layer that has only some of its weights, those of a mask, as after pruning. The
// layer and its file hold only these, and the forward pass takes time only for these; Backward computes the gradient of
// all weights where that is faster. Training keeps the mask; see [autograd.SparseLinear].
//
//	x [N, in] -> y [N, out]
type SparseDense struct {
	Weight *autograd.Var // [connections], by unit, then by input
	Bias   *autograd.Var // [out]; nil for a layer without bias

	connections *autograd.Connections
}

// NewSparseDense returns a copy of d with only the weights for which mask [out, in] is not zero. It panics if the
// shapes of mask and weights differ.
func NewSparseDense(d *Dense, mask *tensor.Tensor) *SparseDense {
	c, w := connect("NewSparseDense", d.Weight, mask, func(i int) int { return i })
	return &SparseDense{Weight: w, Bias: copyOf(d.Bias), connections: c}
}

// Forward returns the net inputs of the units.
func (s *SparseDense) Forward(x *autograd.Var) *autograd.Var {
	return autograd.SparseLinear(x, s.Weight, s.Bias, s.connections)
}

// Dense returns a copy of the layer with all weights; missing weights are zero.
func (s *SparseDense) Dense() *Dense {
	w := tensor.New(s.connections.Units(), s.connections.Inputs())
	fill(w, s.Weight, s.connections)
	return &Dense{Weight: autograd.NewParam(w), Bias: copyOf(s.Bias)}
}

func (s *SparseDense) wiring() (**autograd.Connections, *autograd.Var) {
	return &s.connections, s.Weight
}

// SparseConv2D is a convolutional layer whose filters have only some of their weights; see [autograd.SparseConv2D].
//
//	x [N, channels, H, W] -> y [N, filters, OH, OW] with the size of [autograd.ConvShape.OutputSize]
type SparseConv2D struct {
	Weight *autograd.Var // [connections], by filter, then by kernel row, channel and kernel column
	Bias   *autograd.Var // [filters]; nil for a layer without bias
	Kernel [3]int        // channels, height and width
	Shape  autograd.ConvShape

	connections *autograd.Connections
}

// NewSparseConv2D returns a copy of c with only the weights for which mask [filters, channels, kh, kw] is not zero. It
// panics if the shapes of mask and weights differ.
func NewSparseConv2D(c *Conv2D, mask *tensor.Tensor) *SparseConv2D {
	k := [3]int(c.Weight.Shape()[1:])
	connections, w := connect("NewSparseConv2D", c.Weight, mask, func(i int) int { // the order of taps in autograd
		row, channel, column := i/(k[0]*k[2]), i/k[2]%k[0], i%k[2]
		return (channel*k[1]+row)*k[2] + column
	})
	return &SparseConv2D{Weight: w, Bias: copyOf(c.Bias), Kernel: k, Shape: c.Shape, connections: connections}
}

// Forward returns the convolution of images x.
func (s *SparseConv2D) Forward(x *autograd.Var) *autograd.Var {
	return autograd.SparseConv2D(x, s.Weight, s.Bias, s.connections, s.Kernel, s.Shape)
}

// Conv2D returns a copy of the layer with all weights; missing weights are zero.
func (s *SparseConv2D) Conv2D() *Conv2D {
	w := tensor.New(s.connections.Units(), s.Kernel[0], s.Kernel[1], s.Kernel[2])
	fill(w, s.Weight, s.connections)
	return &Conv2D{Weight: autograd.NewParam(w), Bias: copyOf(s.Bias), Shape: s.Shape}
}

func (s *SparseConv2D) wiring() (**autograd.Connections, *autograd.Var) {
	return &s.connections, s.Weight
}

// connect returns the connections of a mask and their weights. The connections of a unit are in the order input(0),
// input(1), ...
func connect(name string, w *autograd.Var, mask *tensor.Tensor, input func(i int) int) (
	*autograd.Connections, *autograd.Var,
) {
	if !tensor.SameShape(w.Value(), mask) {
		panic(fmt.Sprintf("nn: %s: mask of shape %v for weights of shape %v", name, mask.Shape(), w.Shape()))
	}
	if mask.Width() > 1<<24 {
		panic(fmt.Sprintf("nn: %s: %d inputs; a file holds the numbers of at most %d", name, mask.Width(), 1<<24))
	}
	counts := make([]int32, mask.Rows())
	var sources []int32
	var weights []float32
	for u := range counts {
		for i := range mask.Width() {
			if at := input(i); mask.Row(u)[at] != 0 {
				sources, weights = append(sources, int32(at)), append(weights, w.Value().Row(u)[at])
				counts[u]++
			}
		}
	}
	c, err := autograd.NewConnections(mask.Width(), counts, sources)
	if err != nil {
		panic(fmt.Sprintf("nn: %s: %v", name, err)) // cannot happen with a mask
	}
	return c, autograd.NewParam(tensor.From(weights, len(weights)))
}

// fill copies the existing weights to their positions in all.
func fill(all *tensor.Tensor, w *autograd.Var, c *autograd.Connections) {
	for u := range c.Units() {
		sources, first := c.Of(u)
		for i, at := range sources {
			all.Row(u)[at] = w.Data()[first+i]
		}
	}
}

func copyOf(v *autograd.Var) *autograd.Var {
	if v == nil {
		return nil
	}
	return autograd.NewParam(v.Value().Clone())
}

// wired is a layer that has only some of its weights. Besides them, a file holds the number of connections of each unit
// and the input of each connection.
type wired interface {
	wiring() (**autograd.Connections, *autograd.Var)
}

// A wiredLayer is a sparse layer with its name in the model.
type wiredLayer struct {
	name string
	wired
}

// tensors returns what a file holds besides the weights.
func (l wiredLayer) tensors() []tensor.Named {
	at, _ := l.wiring()
	c := *at
	counts, inputs := tensor.New(c.Units()), tensor.New(c.Len())
	for u := range c.Units() {
		sources, first := c.Of(u)
		counts.Data()[u] = float32(len(sources))
		for i, s := range sources {
			inputs.Data()[first+i] = float32(s)
		}
	}
	return []tensor.Named{{Name: l.field("counts"), Tensor: counts}, {Name: l.field("inputs"), Tensor: inputs}}
}

// field returns the name of a field of the layer.
func (l wiredLayer) field(name string) string {
	if l.name == "" {
		return name
	}
	return l.name + "." + name
}

// read returns the connections that a file contains for the layer, or nil if there are none.
func (l wiredLayer) read(found map[string]*tensor.Tensor) (*autograd.Connections, error) {
	counts, inputs := found[l.field("counts")], found[l.field("inputs")]
	if counts == nil || inputs == nil {
		return nil, nil
	}
	at, _ := l.wiring()
	if units := (*at).Units(); counts.Len() != units {
		return nil, fmt.Errorf("%s has %d units, but the model has %d", l.field("counts"), counts.Len(), units)
	}
	whole := make([][]int32, 2)
	for i, t := range []*tensor.Tensor{counts, inputs} {
		for _, v := range t.Data() {
			if v != float32(int32(v)) {
				return nil, fmt.Errorf("%s or %s contains %g, which is not an integer", l.field("counts"), l.field("inputs"), v)
			}
			whole[i] = append(whole[i], int32(v))
		}
	}
	c, err := autograd.NewConnections((*at).Inputs(), whole[0], whole[1])
	if err != nil {
		return nil, fmt.Errorf("%s are invalid: %w", l.field("inputs"), err)
	}
	return c, nil
}

// rewire replaces the connections of the layer. It then has one weight per connection and no gradient.
func (l wiredLayer) rewire(c *autograd.Connections) {
	at, w := l.wiring()
	*at = c
	w.Value().Resize(c.Len())
	w.ZeroGrad()
}
