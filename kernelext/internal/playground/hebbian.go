// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var hebbianDemo = Demo{
	Name: "hebbian", Title: "One Hebbian update, then a thousand", Notebook: "04_competing_hidden_units",
	Try: "Press One image a few times and watch two units change: the winner moves towards the image, and the unit of " +
		"rank k away from it. Then press A thousand images until digits appear; start again with Δ = 0, or with " +
		"k = 7, and compare how many units still win after ten thousand.",
	Controls: []Control{
		{Name: "one", Label: "One image", Kind: Button},
		{Name: "thousand", Label: "A thousand images", Kind: Button},
		{Name: "again", Label: "Start again", Kind: Button},
		{Name: "k", Label: "rank k of the unit that unlearns", Kind: Slider, Min: 2, Max: 10, Step: 1, Value: 2},
		{Name: "delta", Label: "strength Δ of unlearning", Kind: Slider, Max: 0.8, Step: 0.05, Value: 0.4},
		{Name: "p", Label: "p of the norm", Kind: Slider, Min: 2, Max: 4, Step: 0.5, Value: 3},
	},
	Files: []string{Digits}, start: startHebbian,
}

// pool is the number of units that compete.
const pool = 25

// A hebb lets units compete for one image after another.
type hebb struct {
	learn   digitSet
	setting hebbian.Competition
	learner *hebbian.Learner
	rng     *tensor.RNG
	updates int
	won     int // units that won for some image of the last thousand
	due     int // updates that the reader asked for and that were not made

	image    int       // that the page shows
	currents []float64 // for it, before the update
	ranked   []int32   // for it, the winner first, the unit of rank k last
}

func startHebbian(files Files) (Session, error) {
	learn, _, err := readDigits(files)
	if err != nil {
		return nil, err
	}
	h := &hebb{learn: learn, setting: hebbian.Competition{Rule: hebbian.Rule{P: 3}, K: 2, Delta: 0.4}}
	h.reset()
	return h, nil
}

// reset draws new weights, somewhat smaller than those of the document, so that updates can be large enough to see.
// They must not be small: a unit wins while its weights are larger than those of the others, learns and shrinks to the
// sphere, and so every unit has its turn. From small weights the first unit that learns wins for ever.
func (h *hebb) reset() {
	w := hebbian.NewWeights(pool, side*side, 1)
	for i := range w.Data() {
		w.Data()[i] *= 0.7
	}
	h.rng, h.updates, h.due, h.won = tensor.Stream(1, "order"), 0, 0, 0
	h.restart(w)
}

// restart goes on with some weights under the present setting.
func (h *hebb) restart(w *tensor.Tensor) {
	h.learner = hebbian.NewLearner(h.setting, w)
	h.learner.Workers = 1
	h.present(h.image)
}

// present lets the units compete for an image.
func (h *hebb) present(image int) {
	h.image = image
	x := h.learn.x.Slice(image, image+1)
	h.currents = h.setting.Rule.Currents(h.learner.Weights(), x.Data())
	h.ranked = slices.Clone(h.learner.Compete(x.Reshape(1, side*side)))
}

func (h *hebb) Do(e Event) error {
	switch e.Control {
	case "one":
		h.due++
	case "thousand":
		h.due += 1000
	case "again":
		h.reset()
	case "k":
		h.setting.K = min(max(int(e.Value), 2), pool)
		h.restart(h.learner.Weights())
	case "delta":
		h.setting.Delta = max(e.Value, 0)
		h.restart(h.learner.Weights())
	case "p":
		h.setting.P = max(e.Value, 2)
		h.restart(h.learner.Weights())
	default:
		return unknown("hebbian", e)
	}
	return nil
}

// rate is the learning rate: large enough that one image leaves a trace.
const rate = 0.02

func (h *hebb) Work() bool {
	start := time.Now()
	for first := true; h.due > 0 && (first || time.Since(start) < 30*time.Millisecond); first = false {
		image := h.rng.IntN(Learn)
		if first { // the one that the page shows: all currents would take longer than the update
			h.present(image)
		}
		h.learner.Update(h.learn.x.Slice(image, image+1).Reshape(1, side*side), rate)
		h.due--
		if h.updates++; h.updates%1000 == 0 {
			h.won = 0
			for _, wins := range h.learner.Wins() {
				if wins > 0 {
					h.won++
				}
			}
			h.learner.ResetWins()
		}
	}
	return h.due > 0
}

func (h *hebb) Views() []View {
	w := h.learner.Weights()
	formed := 0
	for _, n := range h.setting.Rule.PNorms(w) {
		if math.Abs(n-1) < 0.05 {
			formed++
		}
	}
	winner, loser := int(h.ranked[0]), int(h.ranked[len(h.ranked)-1])
	marks := marked(pool, winner)
	marks[loser] = 2
	names := make([]string, pool)
	for u := range names {
		names[u] = fmt.Sprint(u + 1)
	}
	won := ""
	if h.won > 0 {
		won = fmt.Sprintf("; %d units won for the last thousand images", h.won)
	}
	verb := "Next, for this %d, unit %d would win and unit %d, of rank %d, would unlearn."
	if h.updates > 0 {
		verb = "For this %d, unit %d won and learnt; unit %d, of rank %d, unlearnt."
	}
	return []View{
		{Kind: Answer, Text: fmt.Sprintf("%d updates; %d of %d units have reached the sphere of norm 1%s. ", h.updates,
			formed, pool, won) + fmt.Sprintf(verb, h.learn.y[h.image], winner+1, loser+1, h.setting.K)},
		{Kind: Images, Label: "The image", Width: side, Height: side, Columns: 1, Zoom: 4,
			Pixels: grey(h.learn.x.Row(h.image))},
		{Kind: Bars, Label: "Input currents of the units before the update: winner and unit of rank k marked", Names: names,
			Values: h.currents, Marks: marks},
		{Kind: Images, Label: "Weights of the units, each scaled by itself", Width: side, Height: side, Columns: 5, Zoom: 3,
			Signed: true, Pixels: signed(w.Data(), side*side), Names: names, Marks: marks},
	}
}
