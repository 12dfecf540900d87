// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var normDemo = Demo{
	Name: "norm", Title: "Contrast and the normaliser", Notebook: "08_divisive_normalization",
	Try: "Lower the contrast of the right half and compare what is left of it under each normaliser: only a local one " +
		"can bring it back. Then raise σ: from which contrast on does the curve bend, and what happens to noise when σ is 0?",
	Controls: []Control{
		{Name: "contrast", Label: "contrast of the right half, %", Kind: Slider, Min: 1, Max: 100, Step: 1, Value: 15},
		{Name: "norm", Label: "normaliser", Kind: Choice, Value: 2,
			Choices: []string{"none", "layer (whole image)", "divisive (window)"}},
		{Name: "sigma", Label: "σ", Kind: Slider, Max: 0.3, Step: 0.005, Value: 0.02},
		{Name: "window", Label: "side of the window", Kind: Slider, Min: 3, Max: 31, Step: 2, Value: 9},
	},
	start: startNorm,
}

// scene is the side of the image that is normalised.
const scene = 64

// A normalising shows what normalisation does to an image whose right half has little contrast.
type normalising struct {
	image    *tensor.Tensor // [1, 1, scene, scene], mean 0
	contrast float64
	kind     int
	sigma    float64
	window   int
	tape     *autograd.Tape
}

func startNorm(Files) (Session, error) {
	n := &normalising{image: synth.Leaves(1, scene, 5, "playground"), contrast: 0.15, kind: 2, sigma: 0.02, window: 9,
		tape: autograd.NewTape(1)}
	mean := float32(0)
	for _, v := range n.image.Data() {
		mean += v / scene / scene
	}
	for i := range n.image.Data() {
		n.image.Data()[i] -= mean
	}
	return n, nil
}

func (n *normalising) Do(e Event) error {
	switch e.Control {
	case "contrast":
		n.contrast = min(max(e.Value/100, 0.01), 1)
	case "norm":
		n.kind = min(max(int(e.Value), 0), 2)
	case "sigma":
		n.sigma = max(e.Value, 0)
	case "window":
		n.window = min(max(int(e.Value)|1, 1), scene-1)
	default:
		return unknown("norm", e)
	}
	return nil
}

func (n *normalising) Work() bool { return false }

// dimmed returns the image with the right half at some contrast.
func (n *normalising) dimmed(contrast float64) *tensor.Tensor {
	x := n.image.Clone()
	for i := range x.Data() {
		if i%scene >= scene/2 {
			x.Data()[i] *= float32(contrast)
		}
	}
	return x
}

// normalised returns an image behind a normaliser. Where a field is constant and sigma is 0, it is 0.
func (n *normalising) normalised(x *tensor.Tensor, kind int) *tensor.Tensor {
	var norm *nn.Norm
	switch kind {
	case 0:
		return x
	case 1:
		norm = &nn.Norm{Sigma: n.sigma}
	default:
		norm = nn.NewDivisiveNorm(n.window, n.window, n.sigma)
	}
	n.tape.Reset()
	y := norm.Forward(n.tape.Input(x)).Value().Clone()
	for i, v := range y.Data() {
		if math.IsNaN(float64(v)) {
			y.Data()[i] = 0
		}
	}
	return y
}

// halves returns the root mean squares of the left and the right half.
func halves(x *tensor.Tensor) (left, right float64) {
	for i, v := range x.Data() {
		if i%scene < scene/2 {
			left += float64(v) * float64(v)
		} else {
			right += float64(v) * float64(v)
		}
	}
	const pixels = scene * scene / 2
	return math.Sqrt(left / pixels), math.Sqrt(right / pixels)
}

func (n *normalising) Views() []View {
	names := normDemo.Controls[1].Choices
	curves := make([]Series, len(names))
	var now [3]float64 // right half over left
	for kind, name := range names {
		curves[kind] = Series{Name: name, Max: 1}
		for step := range 21 {
			contrast := max(float64(step)/20, 0.01)
			left, right := halves(n.normalised(n.dimmed(contrast), kind))
			curves[kind].X = append(curves[kind].X, 100*contrast)
			curves[kind].Y = append(curves[kind].Y, min(right/max(left, 1e-9), 1.2))
		}
		left, right := halves(n.normalised(n.dimmed(n.contrast), kind))
		now[kind] = right / max(left, 1e-9)
	}
	x := n.dimmed(n.contrast)
	y := n.normalised(x, n.kind)
	levels := func(t *tensor.Tensor) []byte { // two standard deviations of the whole image each way
		left, right := halves(t)
		scale := 0.25 / max(math.Sqrt((left*left+right*right)/2), 1e-9)
		out := make([]float32, t.Len())
		for i, v := range t.Data() {
			out[i] = float32(0.5 + float64(v)*scale)
		}
		return grey(out)
	}
	return []View{
		{Kind: Answer, Text: fmt.Sprintf("At a contrast of %.0f %%, the right half is %s as strong as the left half behind "+
			"the normaliser \"%s\", and %s without one.", 100*n.contrast, share(now[n.kind]), names[n.kind], share(now[0]))},
		{Kind: Images, Label: "The image, and the image behind the normaliser", Width: scene, Height: scene, Columns: 2,
			Zoom: 4, Photo: true, Pixels: append(levels(x), levels(y)...), Names: []string{"image", names[n.kind]}},
		{Kind: Lines, Label: "Strength of the right half, relative to the left half", X: "contrast of the right half, %",
			Series: curves},
	}
}
