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
	"github.com/lateral-ml/lateral/lib/prune"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var pruneDemo = Demo{
	Name: "prune", Title: "Prune a net, in this browser", Notebook: "09_pruning",
	Try: "Drag the slider to the left until the accuracy falls, once for each way to choose weights, then press " +
		"Retrain: how much of the accuracy comes back? How many weights must go before fewer weights are also faster here?",
	Controls: []Control{
		{Name: "keep", Label: "weights kept, %", Kind: Slider, Min: 1, Max: 100, Step: 1, Value: 100},
		{Name: "score", Label: "keep the weights that are", Kind: Choice,
			Choices: []string{"large", "used most", "drawn at random"}},
		{Name: "retrain", Label: "Retrain for 200 steps", Kind: Button},
	},
	Files: []string{Digits, "wide.safetensors"}, start: startPrune,
}

// scores are the scores behind the choices.
var scores = []prune.Score{prune.Magnitude, prune.Use, prune.Random}

// A pruning removes weights of a trained net and measures what is left.
type pruning struct {
	learn  digitSet
	test   digitSet
	net    nn.Sequential    // pruned
	whole  []*tensor.Tensor // its parameters before
	use    []*tensor.Tensor // how often each weight is used, by layer
	fast   nn.Sequential
	layers []*prune.Layer
	tape   *autograd.Tape

	keep     float64
	score    int
	fault    string
	accuracy float64
	curves   [4]Series // accuracy by share kept, for each score and after retraining
	steps    int       // of retraining that are due
	opt      *optim.Adam
	rng      *tensor.RNG
	due      int          // measurements of time
	times    [2][]float64 // of the dense and the compressed net, in milliseconds
}

// rounds is the number of measurements of time, of which the median counts.
const rounds = 5

func startPrune(files Files) (Session, error) {
	p := &pruning{net: NewWideNet(1), tape: autograd.NewTape(1), keep: 1}
	learn, test, err := readDigits(files)
	if err != nil {
		return nil, err
	}
	p.learn, p.test = learn, test
	if err := load(files, "wide.safetensors", p.net); err != nil {
		return nil, err
	}
	for _, v := range nn.Params(p.net) {
		p.whole = append(p.whole, v.Value().Clone())
	}
	for i, name := range []string{"large", "used most", "random", "retrained"} {
		p.curves[i] = Series{Name: name, Max: 1, X: []float64{}, Y: []float64{}}
	}
	p.cut()
	return p, nil
}

func (p *pruning) Do(e Event) error {
	switch e.Control {
	case "keep":
		p.keep = min(max(e.Value/100, 0.01), 1)
	case "score":
		p.score = int(e.Value) % len(scores)
	case "retrain":
		p.steps, p.opt, p.rng = 200, &optim.Adam{LR: 0.001}, tensor.Stream(1, "order")
		return nil
	default:
		return unknown("prune", e)
	}
	p.cut()
	return nil
}

// cut prunes the whole net anew and measures its accuracy.
func (p *pruning) cut() {
	for i, v := range nn.Params(p.net) {
		v.Value().CopyFrom(p.whole[i])
	}
	layers, observe := prune.Network(p.net)
	p.layers = layers
	if scores[p.score] == prune.Use {
		p.observe(observe)
	}
	p.fault = ""
	if p.keep < 1 {
		rng := tensor.Stream(1, "random")
		if err := prune.Prune(p.layers, scores[p.score], rng, prune.Cut{Keep: p.keep}); err != nil {
			p.fault = err.Error()
		}
	}
	p.steps = 0
	p.measure(p.score)
}

// observe sets how often each weight of the whole net is used. It looks at images only once.
func (p *pruning) observe(activities func(*autograd.Var) []prune.Activity) {
	if p.use == nil {
		p.tape.Reset()
		for i, a := range activities(p.tape.Input(p.learn.x.Slice(0, 500))) {
			p.layers[i].Observe(a, 0.99)
			p.use = append(p.use, p.layers[i].Use)
		}
	}
	for i, l := range p.layers {
		l.Use = p.use[i]
	}
}

// measure measures the accuracy, adds it to a curve and has the time measured anew.
func (p *pruning) measure(curve int) {
	p.fast = prune.Compress(p.net)
	p.tape.Reset()
	right := 0
	for i, y := range metrics.Predictions(p.fast.Forward(p.tape.Input(p.test.x)).Value()) {
		if y == p.test.y[i] {
			right++
		}
	}
	p.accuracy = float64(right) / Test
	p.note(curve)
	p.due, p.times = rounds, [2][]float64{}
}

// note adds the accuracy to a curve, ordered by share.
func (p *pruning) note(curve int) {
	c := &p.curves[curve]
	at, found := slices.BinarySearch(c.X, 100*p.keep)
	if !found {
		c.X, c.Y = slices.Insert(c.X, at, 100*p.keep), slices.Insert(c.Y, at, p.accuracy)
	}
	c.Y[at] = p.accuracy
}

// train makes one step of retraining: removed weights stay removed.
func (p *pruning) train() {
	x, labels := tensor.New(50, 1, side, side), make([]int, 50)
	p.learn.draw(x, labels, p.rng)
	p.tape.Reset()
	p.tape.Backward(loss.CrossEntropy(p.net.Forward(p.tape.Input(x)), labels))
	p.opt.Step(nn.Params(p.net))
	for _, l := range p.layers {
		w := l.Weight.Value().Data()
		for i, keep := range l.Keep.Data() {
			w[i] *= keep
		}
	}
}

// Work retrains for a frame if that is due; otherwise it measures both nets once, one after the other, on 100 images.
func (p *pruning) Work() bool {
	if p.steps > 0 {
		for start := time.Now(); p.steps > 0 && time.Since(start) < 30*time.Millisecond; p.steps-- {
			p.train()
		}
		if p.steps == 0 {
			p.measure(len(p.curves) - 1)
		}
		return true
	}
	if p.due == 0 {
		return false
	}
	p.due--
	x := p.test.x.Slice(0, 100)
	for i, net := range []nn.Sequential{p.net, p.fast} {
		start := time.Now()
		repeats := 0
		for repeats == 0 || time.Since(start) < 15*time.Millisecond {
			p.tape.Reset()
			net.Forward(p.tape.Input(x))
			repeats++
		}
		p.times[i] = append(p.times[i], float64(time.Since(start).Microseconds())/1000/float64(repeats))
	}
	return p.due > 0
}

// median returns the median, 0 of nothing.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func (p *pruning) Views() []View {
	kept, all := 0, 0
	for _, l := range p.layers {
		kept += l.Remaining()
		all += l.Keep.Len()
	}
	dense, sparse := median(p.times[0]), median(p.times[1])
	speed := "measuring"
	if dense > 0 && sparse > 0 {
		speed = fmt.Sprintf("100 images take %.2f ms with all zeros multiplied and %.2f ms compressed", dense, sparse)
	}
	text := fmt.Sprintf("%d of %d weights remain: %s of the test digits are right; %s.", kept, all, share(p.accuracy),
		speed)
	if p.steps > 0 {
		text = fmt.Sprintf("%d of %d weights remain: retraining, %d steps to go.", kept, all, p.steps)
	}
	if p.fault != "" {
		text = p.fault
	}
	w := p.layers[0].Weight.Value()
	return []View{
		{Kind: Answer, Text: text},
		{Kind: Lines, Label: "Test accuracy by weights kept, as far as you went", X: "weights kept, %", Series: p.curves[:]},
		{Kind: Bars, Label: "Milliseconds for 100 images in this browser", Names: []string{"all", "kept"},
			Values: []float64{dense, sparse}, Marks: []int{0, 1}},
		{Kind: Images, Label: "Weights of 32 of the 128 units: white where they were removed", Width: side, Height: side,
			Columns: 8, Zoom: 2, Signed: true, Pixels: signed(w.Slice(0, 32).Data(), side*side)},
	}
}
