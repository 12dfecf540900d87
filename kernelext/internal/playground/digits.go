// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Digits is the file of images: Learn of them to learn from, Test to test with.
const (
	Digits = "digits.idx.gz"
	Learn  = 1500
	Test   = 500
)

// side is that of a digit.
const side = 28

// A digitSet is images [N, 1, 28, 28] and their labels.
type digitSet struct {
	x *tensor.Tensor
	y []int
}

func (d digitSet) slice(from, to int) digitSet { return digitSet{d.x.Slice(from, to), d.y[from:to]} }

// draw fills a batch with images at random, and returns their labels in labels.
func (d digitSet) draw(x *tensor.Tensor, labels []int, rng *tensor.RNG) {
	for i := range labels {
		n := rng.IntN(len(d.y))
		copy(x.Row(i), d.x.Row(n))
		labels[i] = d.y[n]
	}
}

// readDigits reads the file Digits.
func readDigits(files Files) (learn, test digitSet, err error) {
	z, err := gzip.NewReader(bytes.NewReader(files[Digits]))
	if err != nil {
		return learn, test, fmt.Errorf("playground: %s: %w", Digits, err)
	}
	raw, err := io.ReadAll(z)
	const n, images, labels = Learn + Test, 16, 8 // of images, and bytes before each part
	if err == nil && len(raw) != images+n*side*side+labels+n {
		err = errors.New("has another size than the program expects")
	}
	if err != nil {
		return learn, test, fmt.Errorf("playground: %s: %w", Digits, err)
	}
	all := digitSet{tensor.New(n, 1, side, side), make([]int, n)}
	for i, b := range raw[images : images+n*side*side] {
		all.x.Data()[i] = float32(b) / 255
	}
	for i, b := range raw[len(raw)-n:] {
		all.y[i] = int(b)
	}
	return all.slice(0, Learn), all.slice(Learn, n), nil
}

// load reads the parameters and buffers of a model from a file.
func load(files Files, name string, model any) error {
	named, _, err := tensor.ReadSafetensors(bytes.NewReader(files[name]))
	if err != nil {
		return fmt.Errorf("playground: %s: %w", name, err)
	}
	held := map[string]*tensor.Tensor{}
	for _, t := range named {
		held[t.Name] = t.Tensor
	}
	state := nn.StateOf(model)
	wanted := state.Buffers
	for _, p := range state.Params {
		wanted = append(wanted, tensor.Named{Name: p.Name, Tensor: p.Value()})
	}
	for _, w := range wanted {
		t := held[w.Name]
		if t == nil || !tensor.SameShape(t, w.Tensor) {
			return fmt.Errorf("playground: %s: no tensor %q of shape %v", name, w.Name, w.Tensor.Shape())
		}
		w.Tensor.CopyFrom(t)
	}
	return nil
}

// framed writes a drawing into an image as the digits that the nets know are framed: the ink fits a box of 20 x 20
// pixels, and its centre of mass is in the middle. It returns false for a drawing without ink.
func framed(image []float32, drawing []byte) bool {
	clear(image)
	left, top, right, bottom, found := side, side, -1, -1, false
	for i, v := range drawing {
		if v > 24 {
			x, y := i%side, i/side
			left, right, top, bottom, found = min(left, x), max(right, x), min(top, y), max(bottom, y), true
		}
	}
	if !found {
		return false
	}
	scale := float64(max(right-left, bottom-top)+1) / 20 // pixels of the drawing for one of the image
	at := func(x, y float64) float64 {                   // bilinear, in the drawing
		sum := 0.0
		for _, corner := range [4][2]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
			cx, cy := math.Floor(x)+corner[0], math.Floor(y)+corner[1]
			if cx >= 0 && cy >= 0 && cx < side && cy < side {
				sum += (1 - math.Abs(x-cx)) * (1 - math.Abs(y-cy)) * float64(drawing[int(cy)*side+int(cx)])
			}
		}
		return sum / 255
	}
	var mass, mx, my float64 // of the drawing
	for i, v := range drawing {
		mass += float64(v)
		mx += float64(v) * float64(i%side)
		my += float64(v) * float64(i/side)
	}
	mx, my = mx/mass, my/mass
	const middle = float64(side-1) / 2
	for i := range image {
		image[i] = float32(at(mx+(float64(i%side)-middle)*scale, my+(float64(i/side)-middle)*scale))
	}
	return true
}

// grey returns the pixels of an image with values from 0 to 1.
func grey(values []float32) []byte {
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = byte(255*min(max(v, 0), 1) + 0.5)
	}
	return out
}

// signed returns the pixels of images of a number of values each, scaled together or each by its own largest magnitude.
func signed(values []float32, each int) []byte {
	out := make([]byte, len(values))
	for from := 0; from < len(values); from += each {
		part := values[from:min(from+each, len(values))]
		most := float32(1e-12)
		for _, v := range part {
			most = max(most, v, -v)
		}
		for i, v := range part {
			out[from+i] = byte(128 + 127*v/most)
		}
	}
	return out
}

// ten are the names of the digits.
var ten = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// examples are the choices of an image: one's own, or a test image of a digit. A digit is there at first.
func examples(digit int) Control {
	c := Control{Name: "example", Label: "or an example", Kind: Choice, Choices: []string{"your own"}}
	c.Value = float64(digit + 1)
	c.Choices = append(c.Choices, ten...)
	return c
}

// A drawing is the pad of a demonstration and the choice of examples beside it.
type drawing struct {
	image *tensor.Tensor // [1, 1, 28, 28], as the nets see it
	empty bool
	test  digitSet
	pad   []byte // what the page has to show on the pad; nil if it shows it already
}

func newDrawing(test digitSet, digit int) *drawing {
	d := &drawing{image: tensor.New(1, 1, side, side), test: test}
	d.example(digit)
	return d
}

// do takes an event of the pad or the examples, and tells whether it was one.
func (d *drawing) do(e Event) (bool, error) {
	switch e.Control {
	case "pad":
		if len(e.Pixels) != side*side {
			return true, fmt.Errorf("playground: a drawing of %d pixels, not %d", len(e.Pixels), side*side)
		}
		d.empty = !framed(d.image.Data(), e.Pixels)
		return true, nil
	case "example":
		if e.Value > 0 {
			d.example(int(e.Value) - 1)
		}
		return true, nil
	}
	return false, nil
}

// example takes the first test image of a digit.
func (d *drawing) example(digit int) {
	for i, y := range d.test.y {
		if y == digit {
			d.image.CopyFrom(d.test.x.Slice(i, i+1))
			break
		}
	}
	d.empty, d.pad = false, grey(d.image.Data())
}

// views returns the view that fills the pad, once after an example was chosen.
func (d *drawing) views() []View {
	if d.pad == nil {
		return nil
	}
	v := View{Kind: PadView, Label: "pad", Width: side, Height: side, Pixels: d.pad}
	d.pad = nil
	return []View{v}
}

// share writes a number from 0 to 1 as a percentage.
func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

// softmax returns the probabilities of logits.
func softmax(logits []float32) []float64 {
	top := float32(math.Inf(-1))
	for _, v := range logits {
		top = max(top, v)
	}
	out, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		out[i] = math.Exp(float64(v - top))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// largest returns the position of the largest value, the first of equal ones.
func largest[T float32 | float64](values []T) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// marked returns n marks, all 0 but one.
func marked(n, at int) []int {
	marks := make([]int, n)
	marks[at] = 1
	return marks
}
