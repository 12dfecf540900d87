// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"
	"slices"
	"time"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var penaltyDemo = Demo{
	Name: "penalty", Title: "A net that pays for activity", Notebook: "00_quickstart",
	Try: "Press Train, wait until the net is right for most digits, then drag the penalty up: each image activates " +
		"fewer units, and rows of the raster become empty. How far can you go before the accuracy falls, and do dead units " +
		"come back when you drag it down again?",
	Controls: []Control{
		{Name: "train", Label: "Train", Kind: Toggle},
		{Name: "again", Label: "Start again", Kind: Button},
		{Name: "lambda", Label: "activity penalty λ", Kind: Slider, Max: 0.1, Step: 0.001},
	},
	Files: []string{Digits}, start: startPenalty,
}

// A penalty trains a ReLU net of 64 hidden units while the reader changes what activity costs.
type penalty struct {
	learn, test digitSet
	order       []int // of the test images, by digit
	lambda      float64
	running     bool

	net    *RuleNet
	params []*autograd.Var
	opt    *optim.Adam
	tape   *autograd.Tape
	rng    *tensor.RNG
	batch  *tensor.Tensor
	labels []int
	step   int

	accuracy, active float64 // on the test images, active in units of an image
	dead             int     // units
	raster           []byte
	curve            [3]Series
}

// shown is the number of test images whose activity the raster shows; each digit has as many of them.
const shown = 100

func startPenalty(files Files) (Session, error) {
	p := &penalty{batch: tensor.New(50, 1, side, side), labels: make([]int, 50)}
	var err error
	if p.learn, p.test, err = readDigits(files); err != nil {
		return nil, err
	}
	for digit := range 10 {
		n := 0
		for i, y := range p.test.y {
			if y == digit && n < shown/10 {
				p.order, n = append(p.order, i), n+1
			}
		}
	}
	p.reset()
	return p, nil
}

func (p *penalty) reset() {
	p.net, p.rng, p.tape = NewRuleNet("ReLU", 1), tensor.Stream(1, "order"), autograd.NewTape(1)
	p.opt = &optim.Adam{LR: 0.002}
	p.params = nn.Params(p.net)
	p.step, p.curve = 0, [3]Series{{Name: "test accuracy", Max: 1}, {Name: "active units, share", Max: 1},
		{Name: "λ / 0.1", Max: 1}}
	p.measure()
}

func (p *penalty) Do(e Event) error {
	switch e.Control {
	case "train":
		p.running = e.Value > 0
	case "again":
		p.reset()
	case "lambda":
		p.lambda = e.Value
	default:
		return unknown("penalty", e)
	}
	return nil
}

// every is the number of steps between two measurements.
const every = 20

// Work trains for a frame of the page or until it is time to measure.
func (p *penalty) Work() bool {
	for start := time.Now(); p.running && time.Since(start) < 30*time.Millisecond; {
		p.train()
		if p.step%every == 0 {
			p.measure()
			break
		}
	}
	return p.running
}

// train makes one step of Adam on the cross-entropy plus lambda times the sum of all activities of an image.
func (p *penalty) train() {
	p.learn.draw(p.batch, p.labels, p.rng)
	p.tape.Reset()
	left, logits := p.net.Forward(p.tape.Input(p.batch))
	p.tape.Backward(autograd.Add(loss.CrossEntropy(logits, p.labels), loss.L1(left, float32(p.lambda))))
	p.opt.Step(p.params)
	p.step++
}

func (p *penalty) measure() {
	p.tape.Reset()
	left, logits := p.net.Forward(p.tape.Input(p.test.x))
	a := left.Value()
	right, wins := 0, make([]int, units)
	for i, y := range metrics.Predictions(logits.Value()) {
		if y == p.test.y[i] {
			right++
		}
		for u, v := range a.Row(i) {
			if v > 0 {
				wins[u]++
			}
		}
	}
	total := 0
	p.dead = 0
	for _, n := range wins {
		if total += n; n == 0 {
			p.dead++
		}
	}
	p.accuracy, p.active = float64(right)/Test, float64(total)/Test
	p.raster = make([]byte, units*shown)
	for column, i := range p.order {
		for u, v := range a.Row(i) {
			if v > 0 {
				p.raster[u*shown+column] = byte(min(255, 60+80*v))
			}
		}
	}
	for i, y := range []float64{p.accuracy, p.active / units, p.lambda / 0.1} {
		p.curve[i].X = append(p.curve[i].X, float64(p.step))
		p.curve[i].Y = append(p.curve[i].Y, y)
	}
}

func (p *penalty) Views() []View {
	state := "The net is untrained."
	if p.step > 0 {
		state = fmt.Sprintf("Step %d.", p.step)
	}
	return []View{
		{Kind: Answer, Text: fmt.Sprintf("%s %s of %d test digits are right; %.1f of %d units are active for an image; "+
			"%d units are dead.", state, share(p.accuracy), Test, p.active, units, p.dead)},
		{Kind: Lines, Label: "What the penalty does", X: "step", Series: p.curve[:]},
		{Kind: Images, Label: "Who is active: a row for each unit, a column for each of 100 test images, sorted by digit",
			Width: shown, Height: units, Columns: 1, Zoom: 5, Pixels: p.raster},
		{Kind: Images, Label: "Weights of the 64 units", Width: side, Height: side, Columns: 16, Zoom: 1, Signed: true,
			Pixels: signed(slices.Clone(p.net.Hidden.Weight.Value().Data()), side*side)},
	}
}
