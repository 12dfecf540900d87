// SPDX-License-Identifier: Apache-2.0

package drmm_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Priors estimated from samples of known priors are the same within sampling error.
func TestPriorsAreShares(t *testing.T) {
	net := smallNet(t, true)
	p := NewPriors(net)
	tape := autograd.NewTape(1)
	var found Inference
	var on, images float64
	for i := range 3 { // batches of different sizes
		tape.Reset()
		x := tensor.New(4+i, 2, 11, 10)
		tensor.Stream(uint64(i), "x").Normal(x.Data(), 0, 1)
		net.Infer(&found, tape.Input(x))
		p.Observe(&found)
		size := len(p.Layers[0].Active)
		for n := range 4 + i {
			images++
			if found.Switches[0].At[n*size+7] >= 0 {
				on++
			}
		}
	}
	near(t, "share of element 7", p.Layers[0].Active[7], on/images, 1e-12)
	sum := 0.0
	for _, c := range p.Classes {
		sum += c
	}
	near(t, "sum of classes", sum, 1, 1e-12)
	for x := range p.Layers[0].Active {
		four := p.Layers[0].Positions[4*x:]
		near(t, "sum of positions", four[0]+four[1]+four[2]+four[3], 1, 1e-12)
	}

	// Samples drawn from them have these frequencies again.
	const draws = 4000
	d := p.Draw(draws, tensor.Stream(1, "draw"))
	for l, layer := range p.Layers {
		size := len(layer.Active)
		g := d.Switches[l]
		for _, x := range []int{0, size / 2, size - 1} {
			var on float64
			at := map[int32]float64{}
			for n := range draws {
				if place := g.At[n*size+x]; place >= 0 {
					on++
					at[place]++
				}
			}
			near(t, "share drawn", on/draws, layer.Active[x], 4/math.Sqrt(draws)/2)
			if layer.Positions != nil && len(at) > 4 {
				t.Errorf("layer %d: element %d has %d positions", l+1, x, len(at))
			}
		}
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Sampling renders the drawn variables: the noise-free image equals the image of Render, and the noise has sigma.
// A batch without images is no observation, whether it comes first or later.
func TestObserveAnEmptyBatch(t *testing.T) {
	net := smallNet(t, true)
	p := NewPriors(net)
	tape := autograd.NewTape(1)
	classes := net.Out.Weight.Rows()
	empty := &Inference{Logits: tape.Input(tensor.New(0, classes)), Switches: make([]Switches, len(net.Layers))}
	p.Observe(empty)
	if !reflect.DeepEqual(p, NewPriors(net)) {
		t.Errorf("classes %v after no image", p.Classes)
	}
	x := tensor.New(4, 2, 11, 10)
	tensor.Stream(1, "x").Normal(x.Data(), 0, 1)
	var found Inference
	net.Infer(&found, tape.Input(x))
	p.Observe(&found)
	want := NewPriors(net)
	want.Observe(&found)
	p.Observe(empty)
	if !reflect.DeepEqual(p, want) {
		t.Errorf("classes %v, want %v", p.Classes, want.Classes)
	}
}

func TestSample(t *testing.T) {
	net := smallNet(t, true)
	p := NewPriors(net)
	tape := autograd.NewTape(1)
	var found Inference
	net.Infer(&found, tape.Input(images(20, 2, 11, 10)))
	p.Observe(&found)
	d := p.Draw(50, tensor.Stream(1, "draw"))
	var r, again Rendering
	noisy := net.Sample(&r, tape, d, 0.5, tensor.Stream(2, "noise"))
	net.Render(&again, tape.Input(d.Classes), d.Switches)
	if !slices.Equal(r.Image().Data(), again.Image().Data()) {
		t.Error("the noise-free image is not the one that is rendered")
	}
	var squares float64
	for i, v := range noisy.Data() {
		e := float64(v - r.Image().Data()[i])
		squares += e * e
	}
	near(t, "noise", math.Sqrt(squares/float64(noisy.Len())), 0.5, 0.02)
	if clean := net.Sample(&r, tape, d, 0, nil); !slices.Equal(clean.Data(), again.Image().Data()) {
		t.Error("sigma 0 adds noise")
	}
}

// Hard EM on images sampled from a mixture: the log-likelihood never decreases, and the most likely of a few starts
// recovers every template.
func TestHardEM(t *testing.T) {
	truth := &Mixture{Templates: tensor.New(3, 1, 4, 4)}
	for c, pixels := range [][]int{{0, 1, 2, 3, 4, 8, 12}, {0, 5, 10, 15}, {4, 5, 6, 7, 2, 10, 14}} {
		for _, i := range pixels {
			truth.Templates.Row(c)[i] = 1
		}
	}
	rng := tensor.Stream(1, "images")
	x := tensor.New(300, 1, 6, 6)
	rng.Normal(x.Data(), 0, 0.1)
	for n := range 300 {
		if n%10 == 9 {
			continue // an image without a template
		}
		image := truth.Render(Configuration{Active: true, Class: n % 3, Position: rng.IntN(9)}, 6, 6)
		for i, v := range image.Data() {
			x.Row(n)[i] += v
		}
	}
	var m *Mixture
	best := math.Inf(-1)
	for seed := range uint64(12) {
		try := NewMixture(x, 6, 4, 4, tensor.Stream(seed, "mixture"))
		last := math.Inf(-1)
		for step := range 20 {
			l := try.Step(x)
			if l < last-1e-6*math.Abs(last) {
				t.Errorf("seed %d, step %d: the log-likelihood fell from %v to %v", seed, step, last, l)
			}
			last = l
		}
		if last > best {
			m, best = try, last
		}
	}
	if !(m.Variance < 0.0125) { // the true value is 0.01; wrongly explained images add to it
		t.Errorf("the variance is %v, want about 0.01", m.Variance)
	}
	for c := range 3 {
		best := math.Inf(1)
		for k := range m.Classes {
			var d float64
			for i, v := range m.Templates.Row(k) {
				e := float64(v - truth.Templates.Row(c)[i])
				d += e * e
			}
			best = min(best, d)
		}
		if !(best < 0.1) {
			t.Errorf("template %d is %v from the nearest found", c, best)
		}
	}
}

// The likelihood of a configuration is that of the formula, computed from the rendered image.
func TestConfigurationIsTheBest(t *testing.T) {
	x := images(5, 2, 5, 6)
	m := NewMixture(x, 3, 4, 3, tensor.Stream(1, "mixture"))
	m.Classes, m.Active, m.Variance = []float64{0.5, 0.3, 0.2}, 0.7, 2
	for n, f := range m.Infer(x) {
		best := math.Inf(-1)
		for c := -1; c < 3; c++ {
			for at := range m.Positions {
				g, l := Configuration{c >= 0, max(c, 0), at, 0}, math.Log(0.3)
				if g.Active {
					l = math.Log(0.7) + math.Log(m.Classes[c]) + math.Log(m.Positions[at])
				}
				for i, v := range m.Render(g, 5, 6).Data() {
					e := float64(x.Row(n)[i] - v)
					l -= e*e/4 + math.Log(4*math.Pi)/2
				}
				best = max(best, l)
			}
		}
		near(t, "log-likelihood", f.LogLikelihood, best, 1e-4)
	}
}
