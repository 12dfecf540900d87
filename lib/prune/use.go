// SPDX-License-Identifier: Apache-2.0

package prune

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An Activity is the input and output of a layer for a batch of samples.
type Activity struct {
	In  *autograd.Var // [N, in] or [N, channels, H, W]; not needed for units
	Out *autograd.Var // net inputs or rectified outputs, before pooling [N, ...]; nil if all units are always on
}

// A counter counts how often weights are used. Its memory is reused.
type counter struct {
	tape    *autograd.Tape
	in, out tensor.Tensor
	weight  *autograd.Var
}

// Observe updates the use pi of each element by its use in a batch: a unit is used when it is on, that is, when its
// output is greater than 0; a weight, when its input is greater than 0 and its unit is on. The share counts all
// samples and, for a weight that is shared by all positions of an image, all positions:
//
//	pi = momentum·pi + (1-momentum)·(share of the batch)
//
// The first batches are averaged with equal weights, so that pi starts from data. Observe panics if the shapes do not
// fit the layer.
//
// The count of a weight is the gradient of sum(out·conv(in)) with respect to that weight, with 0 or 1 for in and out.
// Source: [NINAI17, section 3(C)]; the pi of a weight as in its authors' published program.
func (l *Layer) Observe(a Activity, momentum float64) {
	share := l.share(a)
	l.observed++
	m := float32(min(momentum, 1-1/float64(l.observed)))
	for i, pi := range l.Use.Data() {
		l.Use.Data()[i] = float32(m*pi) + float32((1-m)*share[i])
	}
}

// share returns the share of the batch in which each element is used. The slice is reused.
func (l *Layer) share(a Activity) []float32 {
	c := &l.counter
	if l.Gate != nil {
		if a.Out.Width() != l.Use.Len() {
			panic(fmt.Sprintf("prune: Observe: %s: outputs %v for units %v", l.Name, a.Out.Shape(), l.Use.Shape()))
		}
		return c.units(a.Out)
	}
	if c.tape == nil {
		c.tape, c.weight = autograd.NewTape(a.In.Workers()), autograd.NewParam(tensor.New(l.Weight.Shape()...))
	}
	c.tape.Reset()
	c.weight.ZeroGrad()
	positive(&c.in, a.In.Value())
	x := c.tape.Input(&c.in)
	var y *autograd.Var
	if l.Keep.Rank() == 2 {
		y = autograd.Linear(autograd.Reshape(x, x.Rows(), x.Width()), c.weight, nil)
	} else {
		y = autograd.Conv2D(x, c.weight, nil, l.Shape)
	}
	c.out.Resize(y.Shape()...)
	if c.out.Fill(1); a.Out != nil {
		if a.Out.Value().Len() != c.out.Len() {
			panic(fmt.Sprintf("prune: Observe: %s: outputs %v, want %v", l.Name, a.Out.Shape(), y.Shape()))
		}
		positive(&c.out, a.Out.Value())
		c.out.Resize(y.Shape()...)
	}
	c.tape.Backward(autograd.Sum(autograd.Mul(y, c.tape.Input(&c.out))))
	counts := c.weight.Grad().Data()
	places := float32(y.Value().Len() / l.Keep.Rows())
	for i, n := range counts {
		counts[i] = n / places
	}
	return counts
}

// units returns the share of samples in which each unit is on.
func (c *counter) units(out *autograd.Var) []float32 {
	c.out.Resize(out.Width())
	on := c.out.Data()
	clear(on)
	for n := range out.Rows() {
		for i, v := range out.Value().Row(n) {
			switch {
			case v > 0:
				on[i]++
			case v != v: // NaN must not pass for a unit that is off
				on[i] = v
			}
		}
	}
	for i := range on {
		on[i] /= float32(out.Rows())
	}
	return on
}

// positive sets dst to 1 where src is greater than 0, and to 0 elsewhere. NaN stays NaN.
func positive(dst, src *tensor.Tensor) {
	dst.Resize(src.Shape()...)
	to := dst.Data()
	for i, v := range src.Data() {
		switch {
		case v > 0:
			to[i] = 1
		case v <= 0:
			to[i] = 0
		default:
			to[i] = v
		}
	}
}

// Network returns the layers of weights of a network of modules in sequence, and a function that returns their
// activities for inputs x, in the same order. Layers are named conv1, conv2, ... and fc1, fc2, ... The units of the
// last layer, whose outputs are logits, are always on.
func Network(net nn.Sequential) (layers []*Layer, observe func(x *autograd.Var) []Activity) {
	convs, full, last := 0, 0, 0
	for i, m := range net {
		switch m := m.(type) {
		case *nn.Conv2D:
			convs, last = convs+1, i
			layers = append(layers, Weights(fmt.Sprintf("conv%d", convs), m.Weight, m.Shape))
		case *nn.Dense:
			full, last = full+1, i
			layers = append(layers, Weights(fmt.Sprintf("fc%d", full), m.Weight, autograd.ConvShape{}))
		}
	}
	var found []Activity
	return layers, func(x *autograd.Var) []Activity {
		found = found[:0]
		for i, m := range net[:last+1] {
			in := x
			x = m.Forward(x)
			switch m.(type) {
			case *nn.Conv2D, *nn.Dense:
				a := Activity{in, x}
				if i == last {
					a.Out = nil
				}
				found = append(found, a)
			}
		}
		return found
	}
}

// GatedNetwork returns the units behind the gates of a network of modules in sequence, and a function that returns
// their activities for inputs x, in the same order. They are named gate1, gate2, ...
func GatedNetwork(net nn.Sequential) (layers []*Layer, observe func(x *autograd.Var) []Activity) {
	for _, m := range net {
		if g, ok := m.(*nn.Gate); ok {
			layers = append(layers, Units(fmt.Sprintf("gate%d", len(layers)+1), g))
		}
	}
	var found []Activity
	return layers, func(x *autograd.Var) []Activity {
		found = found[:0]
		for _, m := range net {
			x = m.Forward(x)
			if _, ok := m.(*nn.Gate); ok {
				found = append(found, Activity{Out: x})
			}
		}
		return found
	}
}
