// SPDX-License-Identifier: Apache-2.0

package drmm

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Mixture is a shallow rendering mixture model. An image contains the template of one class at one position, or
// nothing, plus noise,
//
//	I = a T_t Z mu_c + eta,   eta ~ N(0, Variance)
//
// where a = 1 renders the template at one of several positions t with zeros around it. The model is learnt by hard EM,
// without gradients. Source: [NINAI17, section 2].
type Mixture struct {
	Templates *tensor.Tensor // mu_c [classes, channels, h, w], not larger than an image
	Classes   []float64      // pi_c, sum 1
	Positions []float64      // pi_t, sum 1, one for each upper left corner, row by row
	Active    float64        // pi_a, the probability of a = 1
	Variance  float64        // of the noise, per pixel
}

// leastVariance keeps the likelihood finite for images that are rendered exactly.
const leastVariance = 1e-6

// NewMixture returns a mixture whose templates, h x w, are cut from the middle of images drawn from x [N, channels, H,
// W], one per class. Classes and positions are uniform, and the variance is that of the pixels.
func NewMixture(x *tensor.Tensor, classes, h, w int, rng *tensor.RNG) *Mixture {
	s := x.Shape()
	if len(s) != 4 || classes < 1 || classes > s[0] || h < 1 || w < 1 || h > s[2] || w > s[3] {
		panic(fmt.Sprintf("drmm: NewMixture: %d templates of %d x %d from images %v", classes, h, w, s))
	}
	m := &Mixture{
		Templates: tensor.New(classes, s[1], h, w), Classes: equal(classes),
		Positions: equal((s[2] - h + 1) * (s[3] - w + 1)), Active: 0.99, Variance: variance(x.Data()),
	}
	middle := (s[2]-h)/2*(s[3]-w+1) + (s[3]-w)/2
	for c, n := range rng.Perm(s[0])[:classes] {
		m.addPatch(m.Templates.Row(c), x, n, middle)
	}
	return m
}

func equal(n int) []float64 {
	p := make([]float64, n)
	for i := range p {
		p[i] = 1 / float64(n)
	}
	return p
}

func variance(x []float32) float64 {
	mean := float64(simd.Sum(x)) / float64(len(x))
	return max(leastVariance, float64(simd.SumSquares(x))/float64(len(x))-mean*mean)
}

// addPatch adds the patch of image n at a position to dst.
func (m *Mixture) addPatch(dst []float32, x *tensor.Tensor, n, position int) {
	s, h, w := x.Shape(), m.Templates.Dim(2), m.Templates.Dim(3)
	columns := s[3] - w + 1
	row, col := position/columns, position%columns
	for c := range s[1] {
		for i := range h {
			src := x.Row(n)[(c*s[2]+row+i)*s[3]+col:][:w]
			out := dst[(c*h+i)*w:][:w]
			simd.Add(out, out, src)
		}
	}
}

// A Configuration is the most probable latent variables of an image.
type Configuration struct {
	Active          bool // a; if it is false, Class and Position are 0
	Class, Position int
	LogLikelihood   float64 // joint log-likelihood of the image and these variables, in nats
}

// Infer returns the most probable configuration of each of the images x [N, channels, H, W]: the largest of
//
//	log(1-pi_a) - ||I||²/(2 s²)                                             (a = 0)
//	log(pi_a pi_c pi_t) - (||I||² - 2 <T_t Z mu_c, I> + ||mu_c||²)/(2 s²)    (a = 1)
//
// each minus (D/2) log(2 pi s²), where s² is the variance and D the number of pixels. A convolution with the templates
// gives the inner products for all classes and positions; the maximum over t is max-pooling and the maximum over a is a
// rectifier. Ties go to a = 0, then to the first class and position.
func (m *Mixture) Infer(x *tensor.Tensor) []Configuration {
	tape := autograd.NewTape(0)
	u := autograd.Conv2D(tape.Input(x), tape.Input(m.Templates), nil, autograd.ConvShape{})
	found := make([]Configuration, x.Rows())
	positions := len(m.Positions)
	var energy []float64 // of each template
	for c := range m.Classes {
		energy = append(energy, float64(simd.SumSquares(m.Templates.Row(c))))
	}
	for n := range found {
		image := float64(simd.SumSquares(x.Row(n)))
		best := Configuration{LogLikelihood: math.Log(1-m.Active) - image/(2*m.Variance)}
		scores := u.Value().Row(n)
		for c, pi := range m.Classes {
			for t, at := range m.Positions {
				square := image - 2*float64(scores[c*positions+t]) + energy[c]
				l := math.Log(m.Active) + math.Log(pi) + math.Log(at) - square/(2*m.Variance)
				if l > best.LogLikelihood {
					best = Configuration{true, c, t, l}
				}
			}
		}
		best.LogLikelihood -= float64(x.Width()) / 2 * math.Log(2*math.Pi*m.Variance)
		found[n] = best
	}
	return found
}

// Step does one step of hard EM on images x [N, channels, H, W]. It returns the joint log-likelihood of the images and
// their most probable configurations before the step, in nats, which never decreases from step to step:
//
//	E: the most probable configuration of each image
//	M: mu_c = mean of the patches assigned to class c, pi = frequencies, Variance = mean squared error of a pixel
//
// A class without patches keeps its template but is never chosen again. The variance stays above 1e-6.
func (m *Mixture) Step(x *tensor.Tensor) float64 {
	found := m.Infer(x)
	sum, images := 0.0, float64(len(found))
	counts, positions, on := make([]float64, len(m.Classes)), make([]float64, len(m.Positions)), 0.0
	means := tensor.New(m.Templates.Shape()...)
	for n, f := range found {
		sum += f.LogLikelihood
		if !f.Active {
			continue
		}
		on++
		counts[f.Class]++
		positions[f.Position]++
		m.addPatch(means.Row(f.Class), x, n, f.Position)
	}
	// ||I - T_t mu_c||² summed over the images of a class is sum ||I||² - n ||mu_c||² for their mean mu_c.
	squares := 0.0
	for n := range found {
		squares += float64(simd.SumSquares(x.Row(n)))
	}
	for c, n := range counts {
		if n > 0 {
			simd.Scale(m.Templates.Row(c), float32(1/n), means.Row(c))
			squares -= n * float64(simd.SumSquares(m.Templates.Row(c)))
		}
	}
	for c := range counts {
		m.Classes[c] = counts[c] / max(on, 1)
	}
	for t := range positions {
		m.Positions[t] = positions[t] / max(on, 1)
	}
	m.Active = on / images
	m.Variance = max(leastVariance, squares/(images*float64(x.Width())))
	return sum
}

// Render returns the noise-free image of a configuration, channels x H x W.
func (m *Mixture) Render(f Configuration, height, width int) *tensor.Tensor {
	s := m.Templates.Shape()
	image := tensor.New(s[1], height, width)
	if !f.Active {
		return image
	}
	columns := width - s[3] + 1
	row, col := f.Position/columns, f.Position%columns
	for c := range s[1] {
		for i := range s[2] {
			copy(image.Data()[(c*height+row+i)*width+col:], m.Templates.Row(f.Class)[(c*s[2]+i)*s[3]:][:s[3]])
		}
	}
	return image
}
