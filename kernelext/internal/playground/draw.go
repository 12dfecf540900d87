// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/retrieval"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// ruleNames are the rules of competition, as files are named.
var ruleNames = []string{"ReLU", "LWTA", "maxout"}

var drawDemo = Demo{
	Name: "draw", Title: "Draw a digit: who wins?", Notebook: "06_locally_competitive_networks",
	Try: "Draw a digit and look at its submask, the pattern of units that win, and at the training images with the most " +
		"similar submasks. Then turn a 3 into an 8, stroke by stroke: when do the neighbours change, and when " +
		"does the answer?",
	Controls: []Control{
		{Name: "pad", Label: "Draw here", Kind: Pad, Side: side},
		{Name: "clear", Label: "Clear", Kind: Button},
		examples(3),
		{Name: "rule", Label: "competition", Kind: Choice, Choices: ruleNames, Value: 1},
	},
	Files: []string{Digits, "ReLU.safetensors", "LWTA.safetensors", "maxout.safetensors"}, start: startDraw,
}

// A draw asks three nets that differ in their competition about a drawing.
type draw struct {
	*drawing
	learn digitSet
	nets  [3]*RuleNet
	codes [3]*retrieval.Codes // submasks of the training images
	rule  int
	tape  *autograd.Tape
}

func startDraw(files Files) (Session, error) {
	learn, test, err := readDigits(files)
	if err != nil {
		return nil, err
	}
	d := &draw{drawing: newDrawing(test, 3), learn: learn, rule: 1, tape: autograd.NewTape(1)}
	for i, name := range ruleNames {
		d.nets[i] = NewRuleNet(name, 1)
		if err := load(files, name+".safetensors", d.nets[i]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *draw) Do(e Event) error {
	if taken, err := d.do(e); taken {
		return err
	}
	switch e.Control {
	case "clear":
		d.empty, d.pad = true, make([]byte, side*side)
	case "rule":
		d.rule = int(e.Value) % len(d.nets)
	default:
		return unknown("draw", e)
	}
	return nil
}

// Work has nothing to do: an answer takes no time.
func (d *draw) Work() bool { return false }

func (d *draw) Views() []View {
	views := d.views()
	if d.empty {
		return append(views, View{Kind: Answer, Text: "Draw a digit in the square: large, with one stroke after the other."})
	}
	net := d.nets[d.rule]
	if d.codes[d.rule] == nil {
		d.tape.Reset()
		left, _ := net.Forward(d.tape.Input(d.learn.x))
		d.codes[d.rule] = retrieval.PackCodes(competitive.Submask(left))
	}
	d.tape.Reset()
	left, logits := net.Forward(d.tape.Input(d.image))
	mask := competitive.Submask(left)
	near := (&retrieval.Index{Codes: d.codes[d.rule], Workers: 1}).Search(retrieval.PackCodes(mask), 5)

	p := softmax(logits.Value().Row(0))
	digit, wins := largest(p), 0
	for _, v := range mask.Data() {
		wins += int(v)
	}
	var names []string
	pixels := []byte(nil)
	for i, id := range near.ID {
		names = append(names, fmt.Sprintf("%d, %v bits", d.learn.y[id], near.Distance[i]))
		pixels = append(pixels, grey(d.learn.x.Row(int(id)))...)
	}
	return append(views,
		View{Kind: Answer, Text: fmt.Sprintf("The %s net predicts %d (%s). %d of its %d units win.", ruleNames[d.rule], digit,
			share(p[digit]), wins, units)},
		View{Kind: Bars, Label: "Probability of each digit", Names: ten, Values: p, Marks: marked(10, digit)},
		View{Kind: Images, Label: "What the net sees", Width: side, Height: side, Columns: 1, Zoom: 4,
			Pixels: grey(d.image.Data())},
		View{Kind: Images, Label: "Submask: a square for each unit, filled if it wins" + pairs(d.rule), Width: 8, Height: 8,
			Columns: 1, Zoom: 14, Pixels: grey(mask.Data())},
		View{Kind: Images, Label: "The five training images with the most similar submasks: digit, and bits that differ",
			Width: side, Height: side, Columns: 5, Zoom: 3, Pixels: pixels, Names: names},
		d.strongest(mask))
}

// pairs says how units compete, for a caption.
func pairs(rule int) string {
	if rule == 0 {
		return ""
	}
	return "; neighbours in a row compete in pairs"
}

// strongest shows the weights of the winners with the largest net inputs.
func (d *draw) strongest(mask *tensor.Tensor) View {
	net := d.nets[d.rule]
	z := append([]float32(nil), net.Hidden.Forward(d.tape.Input(d.image)).Data()...)
	v := View{Kind: Images, Label: "Weights of the eight winners with the largest net inputs", Width: side, Height: side,
		Columns: 8, Zoom: 2, Signed: true}
	for i := range z {
		if mask.Data()[i] == 0 {
			z[i] = -1e30
		}
	}
	for range 8 {
		u := largest(z)
		if z[u] <= -1e30 {
			break
		}
		v.Pixels = append(v.Pixels, signed(net.Hidden.Weight.Value().Row(u), side*side)...)
		v.Names = append(v.Names, fmt.Sprintf("%.1f", z[u]))
		z[u] = -1e30
	}
	return v
}
