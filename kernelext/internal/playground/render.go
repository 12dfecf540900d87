// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var renderDemo = Demo{
	Name: "render", Title: "Up and down a rendering model", Notebook: "07_drmm_semi_supervised",
	Try: "Draw a digit: on the way up the model chooses a class and thousands of switches, and on the way down it " +
		"renders your image from them. Then swap the class and keep the switches: what of the image belongs to the " +
		"class, and what to the switches?",
	Controls: []Control{
		{Name: "pad", Label: "Draw here", Kind: Pad, Side: side},
		{Name: "clear", Label: "Clear", Kind: Button},
		examples(2),
		{Name: "class", Label: "class to render", Kind: Choice, Choices: append([]string{"as inferred"}, ten...)},
		{Name: "layer", Label: "switches of layer", Kind: Choice, Choices: []string{"1", "2", "3", "4", "5"}},
	},
	Files: []string{Digits, "drmm.safetensors"}, start: startRender,
}

// A rendering runs a deep rendering mixture model up for a drawing, and down for a class.
type rendering struct {
	*drawing
	net   *drmm.Net
	tape  *autograd.Tape
	class int // 0 for the inferred one, else the digit plus 1
	layer int
	found drmm.Inference
	down  drmm.Rendering
}

func startRender(files Files) (Session, error) {
	_, test, err := readDigits(files)
	if err != nil {
		return nil, err
	}
	shape, err := drmm.ParseShape(RenderingShape)
	if err != nil {
		return nil, err
	}
	size := drmm.Size{Channels: 1, H: side, W: side}
	r := &rendering{drawing: newDrawing(test, 2), tape: autograd.NewTape(1)}
	if r.net, err = drmm.NewNet(shape, size, 10, tensor.Stream(1, "weights")); err != nil {
		return nil, err
	}
	return r, load(files, "drmm.safetensors", r.net)
}

func (r *rendering) Do(e Event) error {
	if taken, err := r.do(e); taken {
		return err
	}
	switch e.Control {
	case "clear":
		r.empty, r.pad = true, make([]byte, side*side)
	case "class":
		r.class = min(max(int(e.Value), 0), 10)
	case "layer":
		r.layer = min(max(int(e.Value), 0), len(r.net.Layers)-1)
	default:
		return unknown("render", e)
	}
	return nil
}

func (r *rendering) Work() bool { return false }

func (r *rendering) Views() []View {
	views := r.views()
	if r.empty {
		return append(views, View{Kind: Answer, Text: "Draw a digit in the square."})
	}
	r.tape.Reset()
	r.net.Infer(&r.found, r.tape.Input(r.image))
	p := softmax(r.found.Logits.Value().Row(0))
	inferred := largest(p)
	class := inferred
	if r.class > 0 {
		class = r.class - 1
	}
	one := tensor.New(1, 10)
	one.Data()[class] = 1
	r.net.Render(&r.down, r.tape.Input(one), r.found.Switches)
	image := r.down.Image().Value()
	on, all := 0, 0
	for _, s := range r.found.Switches {
		all += len(s.At)
		for _, at := range s.At {
			if at >= 0 {
				on++
			}
		}
	}
	return append(views,
		View{Kind: Answer, Text: fmt.Sprintf("The model infers a %d (%s) and switches %d of %d elements on. Rendered as a "+
			"%d, the image has %.1f dB.", inferred, share(p[inferred]), on, all, class, metrics.PSNR(image, r.image, 1))},
		View{Kind: Bars, Label: "Posterior of the class", Names: ten, Values: p, Marks: marked(10, inferred)},
		View{Kind: Images, Label: "Image, and what the class and the switches render", Width: side, Height: side, Columns: 2,
			Zoom: 5, Pixels: append(grey(r.image.Data()), grey(image.Data())...),
			Names: []string{"image", fmt.Sprintf("rendered as %d", class)}},
		r.switches(),
		r.templates(class))
}

// switches shows where the elements of a layer are rendered: the plane before pooling, light where one is on.
func (r *rendering) switches() View {
	s := r.found.Switches[r.layer]
	channels := len(r.net.Layers[r.layer].Filters.Value().Data()) / r.net.Layers[r.layer].Filters.Value().Width()
	each := len(s.At) / channels
	pixels := make([]byte, channels*s.H*s.W)
	for i, at := range s.At {
		if at >= 0 {
			pixels[i/each*s.H*s.W+int(at)] = 255
		}
	}
	zoom := max(2, 48/max(s.H, s.W))
	return View{Kind: Images, Label: fmt.Sprintf("Switches of layer %d: a square for each core template, a point where "+
		"one is rendered", r.layer+1), Width: s.W, Height: s.H, Columns: 8, Zoom: min(zoom, 10), Pixels: pixels}
}

// templates shows what the class looks like on its way down: a plane of the strongest channel of each level.
func (r *rendering) templates(class int) View {
	const edge = 32
	label := fmt.Sprintf("The %d on its way down: at each level the channel with the most energy", class)
	v := View{Kind: Images, Label: label,
		Width: edge, Height: edge, Columns: len(r.down.Templates), Zoom: 3, Signed: true}
	for l := len(r.down.Templates) - 1; l >= 0; l-- {
		z := r.down.Templates[l].Value()
		h, w := z.Dim(2), z.Dim(3)
		best, most := 0, float32(-1)
		for c := range z.Dim(1) {
			energy := float32(0)
			for _, x := range z.Data()[c*h*w : (c+1)*h*w] {
				energy += x * x
			}
			if energy > most {
				best, most = c, energy
			}
		}
		plane := z.Data()[best*h*w : (best+1)*h*w]
		square := make([]float32, edge*edge)
		for i := range square {
			square[i] = plane[i/edge*h/edge*w+i%edge*w/edge]
		}
		v.Pixels = append(v.Pixels, signed(square, edge*edge)...)
		v.Names = append(v.Names, fmt.Sprintf("level %d", l))
	}
	return v
}
