// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"
	"strconv"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset/objects"
	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/render"
	"github.com/lateral-ml/lateral/lib/siamese"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var oneshotDemo = Demo{
	Name: "oneshot", Title: "Which one is alike? You against the net", Notebook: "10_siamese_similarity",
	Try: "In each trial, choose the picture that is most like the reference: click on it, or press its number, and then " +
		"press N for the next trial. In which round do you beat the net by most, and are its mistakes those that you would " +
		"make?",
	Controls: []Control{
		{Name: "choice", Label: "your choice", Kind: Pick, Choices: []string{"1", "2", "3", "4", "5"}},
		{Name: "next", Label: "Next trial (N)", Kind: Button, Key: "n"},
		{Name: "round", Label: "round", Kind: Choice, Choices: conditionNames()},
		{Name: "again", Label: "Start again", Kind: Button},
	},
	Files: []string{"siamese.safetensors"}, start: startOneshot,
}

// Of a game: trials of a round, choices of a trial, and pixels along the side of a picture.
const (
	roundTrials = 5
	choices     = 5
	photo       = 64
)

// conditions are the conditions of the benchmark [NINAI17, figure 10], with the question of each.
var conditions = []struct {
	name     string
	draw     siamese.Condition
	question string
}{
	{"different class", siamese.DifferentClass, "which picture shows the object of the reference?"},
	{"different superclass", siamese.DifferentSuperclass,
		"which picture shows the object of the reference? The others show objects of other kinds."},
	{"same superclass", siamese.SameSuperclass,
		"which picture shows another object of the same kind as the reference?"},
	{"stick figures", siamese.DifferentClass, "which picture shows the stick figure of the reference?"},
}

func conditionNames() (names []string) {
	for _, r := range conditions {
		names = append(names, r.name)
	}
	return names
}

// A oneshot is a game: person, net and pixels answer the same trials. Its objects are those that the net was tested
// with, which are not those that it learnt from; each picture is drawn for its trial.
type oneshot struct {
	net           *Branch
	solids, stick *objects.Collection
	tape          *autograd.Tape
	found         drmm.Inference

	game, round, trial int // from 0
	rng                *tensor.RNG
	images             *tensor.Tensor // [1 + choices, 1, photo, photo], the reference first
	features           *tensor.Tensor // [1 + choices, features] of the net
	seen               int            // images whose features are known
	target             int            // which choice is right
	chosen             int            // by the person; -1 before
	told               bool           // the page's list shows the round
	scores             [4]score
}

// A score is right answers in a round, and trials.
type score struct{ you, net, pixels, of int }

func startOneshot(files Files) (Session, error) {
	net, err := NewBranch()
	if err != nil {
		return nil, err
	}
	if err := load(files, "siamese.safetensors", net); err != nil {
		return nil, err
	}
	o := &oneshot{net: net, solids: objects.Solids(3, 1, "test"), stick: objects.Sticks(60, 1, "test"),
		tape: autograd.NewTape(1)}
	return o, o.begin(0, 0)
}

// begin draws the first trial of a round.
func (o *oneshot) begin(game, round int) error {
	o.game, o.round, o.trial = game, round, -1
	o.rng = tensor.Stream(uint64(game), "playground/"+conditions[round].name)
	return o.next()
}

// next draws the next trial of the round, or the first of the next round.
func (o *oneshot) next() error {
	if o.trial++; o.trial == roundTrials {
		round := (o.round + 1) % len(conditions)
		if round == 0 {
			o.game, o.scores = o.game+1, [4]score{}
		}
		o.told = false
		return o.begin(o.game, round)
	}
	things, sticks := o.solids, o.round == len(conditions)-1
	if sticks {
		things = o.stick
	}
	var class []int // of two pictures of each object
	for k := range things.Meshes {
		class = append(class, k, k)
	}
	trials, err := siamese.Trials(conditions[o.round].draw, class, things.Super, 1, choices, o.rng)
	if err != nil {
		return err
	}
	t, order := trials[0], o.rng.Perm(choices)
	meshes := []*render.Mesh{things.Meshes[class[t.Reference]]}
	for place, k := range order {
		meshes = append(meshes, things.Meshes[class[t.Choices[k]]])
		if k == 0 {
			o.target = place
		}
	}
	views := objects.Views{Side: photo, Seed: uint64(o.game), Stream: fmt.Sprintf("playground/%d/%d", o.round, o.trial),
		Textures: objects.TestTextures, Tumble: sticks, Workers: 1}
	o.images = (&objects.Collection{Meshes: meshes}).Render(1, views)
	o.seen, o.chosen = 0, -1
	return nil
}

func (o *oneshot) Do(e Event) error {
	switch e.Control {
	case "choice":
		if o.chosen < 0 {
			o.chosen = min(max(int(e.Value), 0), choices-1)
			o.settle()
		}
	case "next":
		if o.answered() {
			return o.next()
		}
	case "round":
		o.told = true
		return o.begin(o.game, min(max(int(e.Value), 0), len(conditions)-1))
	case "again":
		o.scores, o.told = [4]score{}, false
		return o.begin(o.game+1, 0)
	default:
		return unknown("oneshot", e)
	}
	return nil
}

// Work shows the net one picture.
func (o *oneshot) Work() bool {
	if o.seen == o.images.Rows() {
		return false
	}
	o.tape.Reset()
	o.net.DRMM.Infer(&o.found, o.tape.Input(o.images.Slice(o.seen, o.seen+1)))
	f := o.found.Mean.Value()
	if o.features == nil {
		o.features = tensor.New(o.images.Rows(), f.Width())
	}
	copy(o.features.Row(o.seen), f.Data())
	o.seen++
	o.settle()
	return o.seen < o.images.Rows()
}

// answered tells whether person and net have answered.
func (o *oneshot) answered() bool { return o.chosen >= 0 && o.seen == o.images.Rows() }

// settle counts the answers to a trial once all are there. It is called after each of them.
func (o *oneshot) settle() {
	if !o.answered() {
		return
	}
	s := &o.scores[o.round]
	s.of++
	for _, a := range []struct {
		right *int
		place int
	}{{&s.you, o.chosen}, {&s.net, largest(alike(o.features))}, {&s.pixels, largest(alike(o.images))}} {
		if a.place == o.target {
			*a.right++
		}
	}
}

// alike returns the cosine of each choice with the reference, by some features of all pictures.
func alike(features *tensor.Tensor) (list []float64) {
	cosine := siamese.Cosine(features)
	for k := range choices {
		list = append(list, cosine(0, k+1))
	}
	return list
}

func (o *oneshot) Views() []View {
	names := append([]string(nil), oneshotDemo.Controls[0].Choices...)
	marks := make([]int, choices)
	views := []View{
		{Kind: Answer, Text: o.text()},
		{Kind: Images, Label: "Reference", Width: photo, Height: photo, Columns: 1, Zoom: 2, Photo: true,
			Pixels: grey(o.images.Row(0)), Names: []string{"reference"}},
	}
	if !o.told {
		views = append(views, View{Kind: FieldView, Label: "round", Values: []float64{float64(o.round)}})
		o.told = true
	}
	var cosines View
	if o.answered() {
		near := alike(o.features)
		net := largest(near)
		names[o.chosen] += " you"
		names[net] += " net"
		marks[net] = 2
		marks[o.target] = 1
		cosines = View{Kind: Bars, Label: "Cosine of the net's features: each picture with the reference",
			Names: oneshotDemo.Controls[0].Choices, Values: near, Marks: marks}
	}
	views = append(views, View{Kind: Images, Label: "Which of these? The right one has a full frame once you have chosen",
		Width: photo, Height: photo, Columns: choices, Zoom: 2, Photo: true, Pixels: grey(o.images.Data()[photo*photo:]),
		Names: names, Marks: marks, Pick: "choice"}, o.table())
	if o.answered() {
		views = append(views, cosines)
	}
	return views
}

// text is the question, or the answers to it.
func (o *oneshot) text() string {
	where := fmt.Sprintf("Round %d of %d, %s, trial %d of %d: ", o.round+1, len(conditions), conditions[o.round].name,
		o.trial+1, roundTrials)
	switch {
	case o.chosen < 0:
		return where + conditions[o.round].question
	case !o.answered():
		return where + fmt.Sprintf("you chose %d; the net is looking at picture %d of %d.", o.chosen+1, o.seen+1, choices+1)
	}
	near := alike(o.features)
	net := largest(near)
	text := where + fmt.Sprintf("you chose %d, %s. The net chose %d, %s: its cosine is %.3f", o.chosen+1,
		o.verdict(o.chosen), net+1, o.verdict(net), near[net])
	if net != o.target {
		text += fmt.Sprintf(", that of number %d is %.3f", o.target+1, near[o.target])
	}
	s := o.total()
	text += fmt.Sprintf(". Score: you %d, the net %d, of %d.", s.you, s.net, s.of)
	if o.trial == roundTrials-1 && o.round == len(conditions)-1 {
		text += " That was the last round; the next trial begins a new game."
	}
	return text
}

func (o *oneshot) verdict(place int) string {
	if place == o.target {
		return "right"
	}
	return "wrong"
}

// total returns the score of the game.
func (o *oneshot) total() (sum score) {
	for _, s := range o.scores {
		sum.you, sum.net, sum.pixels, sum.of = sum.you+s.you, sum.net+s.net, sum.pixels+s.pixels, sum.of+s.of
	}
	return sum
}

// table shows the score of each round.
func (o *oneshot) table() View {
	v := View{Kind: TableView, Label: "Right answers; guesses would be right in one trial of five",
		Rows: [][]string{{"round", "you", "the net", "pixels", "trials"}}}
	line := func(name string, s score) {
		v.Rows = append(v.Rows, []string{name, strconv.Itoa(s.you), strconv.Itoa(s.net), strconv.Itoa(s.pixels),
			strconv.Itoa(s.of)})
	}
	for i, s := range o.scores {
		line(conditions[i].name, s)
	}
	line("all", o.total())
	return v
}
