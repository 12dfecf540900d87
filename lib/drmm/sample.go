// SPDX-License-Identifier: Apache-2.0

package drmm

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Priors are the probabilities of the latent variables, from which images are drawn.
type Priors struct {
	Classes []float64     // pi_c of each class, sum 1
	Layers  []LayerPriors // of g^(l), starting at the image
}

// LayerPriors are the probabilities of a layer's switches, for each element of z^(l).
type LayerPriors struct {
	Active []float64 // probability that the element is rendered, a = 1
	// Positions holds, element by element, the probabilities of the 2 x 2 positions of an element that is rendered:
	// upper left, upper right, lower left, lower right. It is nil for a layer without pooling.
	Positions []float64

	above    Size
	h, w     int // of the plane before pooling
	observed int // number of images
}

// NewPriors returns priors without observations for a network; see [Priors.Observe].
func NewPriors(n *Net) *Priors {
	p := &Priors{Classes: make([]float64, n.Out.Weight.Rows())}
	for _, l := range n.Layers {
		size := l.above.Channels * l.above.H * l.above.W
		prior := LayerPriors{Active: make([]float64, size), above: l.above}
		if l.shape.Pool {
			prior.Positions = make([]float64, 4*size)
		}
		p.Layers = append(p.Layers, prior)
	}
	return p
}

// Observe updates the priors to the relative frequencies among all images observed so far: of the most probable
// classes, of the elements that are on, pi_x = (1/N) sum_n a_nx, and of their positions. The positions of an element
// that never was on are uniform. A batch without images changes nothing. Source: [NINAI17, section 2], the learning
// step of the switching variables.
func (p *Priors) Observe(found *Inference) {
	n := found.Logits.Rows()
	if n == 0 {
		return
	}
	chosen := OneHotArgmax(found.Logits)
	for c := range p.Classes {
		sum := 0.0
		for i := range n {
			sum += float64(chosen.Value().At(i, c))
		}
		p.Classes[c] = share(p.Classes[c], p.Layers[0].observed, sum, n)
	}
	for l := range p.Layers {
		p.Layers[l].observe(found.Switches[l], n)
	}
}

// share returns the frequency in old+n images, given the frequency was in the old ones and the count sum in the n new
// ones.
func share(was float64, old int, sum float64, n int) float64 {
	return (was*float64(old) + sum) / float64(old+n)
}

func (p *LayerPriors) observe(g Switches, n int) {
	p.h, p.w = g.H, g.W
	size := len(p.Active)
	for x := range size {
		var on float64
		var at [4]float64
		for i := range n {
			place := int(g.At[i*size+x])
			if place < 0 {
				continue
			}
			on++
			at[place/g.W%2*2+place%g.W%2]++
		}
		before := p.Active[x] * float64(p.observed)
		p.Active[x] = (before + on) / float64(p.observed+n)
		if p.Positions == nil {
			continue
		}
		for t := range at {
			if before+on == 0 {
				p.Positions[4*x+t] = 0.25
				continue
			}
			p.Positions[4*x+t] = (p.Positions[4*x+t]*before + at[t]) / (before + on)
		}
	}
	p.observed += n
}

// A Draw holds the drawn classes and nuisance variables of some images.
type Draw struct {
	Classes  *tensor.Tensor // [N, C], 1 for the class of each image and 0 for the others
	Switches []Switches     // of each layer
}

// Draw draws the classes and switches of n images, all independently. It panics if nothing was observed.
func (p *Priors) Draw(n int, rng *tensor.RNG) Draw {
	if p.Layers[0].observed == 0 {
		panic("drmm: Draw: the priors have observed nothing")
	}
	d := Draw{Classes: tensor.New(n, len(p.Classes))}
	for i := range n {
		d.Classes.Set(1, i, draw(p.Classes, rng))
	}
	for l := range p.Layers {
		d.Switches = append(d.Switches, p.Layers[l].draw(n, rng))
	}
	return d
}

// draw returns an index drawn with the given probabilities.
func draw(probabilities []float64, rng *tensor.RNG) int {
	u := rng.Float64()
	for i, p := range probabilities {
		if u -= p; u < 0 {
			return i
		}
	}
	return len(probabilities) - 1
}

func (p *LayerPriors) draw(n int, rng *tensor.RNG) Switches {
	size := len(p.Active)
	g := Switches{At: make([]int32, n*size), H: p.h, W: p.w}
	for i := range g.At {
		x := i % size
		row, col := x/p.above.W%p.above.H, x%p.above.W
		switch {
		case rng.Float64() >= p.Active[x]:
			g.At[i] = -1
		case p.Positions == nil:
			g.At[i] = int32(row*p.w + col)
		default:
			t := draw(p.Positions[4*x:4*x+4], rng)
			g.At[i] = int32((2*row+t/2)*p.w + 2*col + t%2)
		}
	}
	return g
}

// Sample renders images of the drawn classes and switches and adds noise:
//
//	I = mu_cg + eta,   eta ~ N(0, sigma²)
//
// It returns the noisy images [N, C, H, W]; r holds the images without noise and all templates. A sigma of 0 adds no
// noise. Source: [NINAI17, section 2].
func (n *Net) Sample(r *Rendering, tape *autograd.Tape, d Draw, sigma float32, rng *tensor.RNG) *tensor.Tensor {
	if !(sigma >= 0) {
		panic(fmt.Sprintf("drmm: Sample: sigma is %v, want 0 or more", sigma))
	}
	n.Render(r, tape.Input(d.Classes), d.Switches)
	image := r.Image().Value().Clone()
	if sigma > 0 {
		for i := range image.Data() {
			image.Data()[i] += float32(sigma * float32(rng.NormFloat64()))
		}
	}
	return image
}
