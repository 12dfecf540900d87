// SPDX-License-Identifier: Apache-2.0

// Package pruning prunes LeNet-5 with all labels and the five-level DRMM with a hundred: the experiments of [NINAI17,
// section 3(C)], Tables 4, 5 and 16 to 21 and Figure 7, and beside them pruning by magnitude [HMD15] and at random.
//
//	data, err := experiment.Load("mnist")
//	result, err := pruning.Train(ctx, pruning.LeNet(prune.Use).On(data), data, experiment.Options{Dir: "checkpoints"})
//	fmt.Println(result.Metrics.Stages[0].Error)
//
// It is a package beside ninai17, not part of it: its settings say what to do with a trained network, and two different
// networks use them. The methods are in package prune, the DRMM and its objective in drmm and ninai17.
package pruning

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/prune"
)

// The networks.
const (
	LeNet5    = "lenet5" // 20 and 50 filters of 5 x 5, 500 units; all labels
	FiveLevel = "drmm"   // the five-level DRMM, a hundred labels
)

// A Base says how the network is trained before it is pruned. All settings with an equal base and seed start from the
// same network.
type Base struct {
	Epochs  int     `json:"epochs"`
	Rate    float64 `json:"rate,omitempty"`    // of LeNet-5; it falls to 0 along a cosine
	Channel int     `json:"channel,omitempty"` // of the DRMM: divides the numbers of filters; 1 in the document
	Images  int     `json:"images,omitempty"`  // of the DRMM: unlabelled images; 0 for all
}

// A Stage is a pruning and the retraining after it.
type Stage struct {
	Keep   []float64 `json:"keep"`   // share of the elements that remain, in all layers or in each
	Epochs int       `json:"epochs"` // of retraining
	// Spread is the number of epochs, at the start of the retraining, over which the pruning is spread: see prune.Gradual.
	// With 0 it is done at once.
	Spread int `json:"spread,omitempty"`
}

// A Setting describes one pruned network and its training completely: the result depends on nothing else.
type Setting struct {
	experiment.Source
	Net    string      `json:"net"` // LeNet5 or FiveLevel
	Base   Base        `json:"base"`
	Score  prune.Score `json:"score"`
	Units  bool        `json:"units,omitempty"`  // prune units, not weights
	Stages []Stage     `json:"stages"`           // one after the other
	Rate   float64     `json:"rate"`             // of retraining, at the start of each stage
	Regrow float64     `json:"regrow,omitempty"` // see prune.Learner
	Seed   uint64      `json:"seed"`             // of the initial weights, the order of images, labels and random scores
}

// The shares of the weights that remain in each layer in the document's tables.
var (
	DocumentMagnitude = []float64{0.66, 0.12, 0.08, 0.19}       // Table 16: LeNet-5, Deep Compression, 12 times fewer
	DocumentUse       = []float64{0.66, 0.07, 0.08, 0.26}       // Table 17: LeNet-5, use it or lose it, 12 times fewer
	DocumentUnits     = []float64{0.59, 0.10, 0.19}             // Table 18: units of LeNet-5's hidden layers
	DRMMMagnitude     = []float64{0.36, 0.33, 0.35, 0.25, 1, 1} // Table 19: DRMM, Deep Compression, 3.3 times fewer
	DRMMUse           = []float64{0.25, 0.35, 0.20, 0.84, 1, 1} // Table 20: DRMM, use it or lose it, 1.7 times fewer
	DRMMUnits         = []float64{0.33, 0.38, 0.38, 0.04, 1}    // Table 21: units of the DRMM
)

// LeNet returns the setting that prunes LeNet-5 to a twelfth of its weights, by the shares of the document's tables.
// The document gives no training settings. Ours were chosen on 10,000 held-out training images of MNIST: of the rates
// 0.01 and 0.04 for retraining, the larger one recovers more.
func LeNet(score prune.Score) Setting {
	keep := DocumentMagnitude
	if score != prune.Magnitude {
		keep = DocumentUse
	}
	return Setting{
		Net: LeNet5, Base: Base{Epochs: 10, Rate: 0.02}, Score: score, Rate: 0.04,
		Stages: []Stage{{Keep: keep, Epochs: 10, Spread: 3}},
	}
}

// LeNetUnits returns the setting that prunes the units of LeNet-5's hidden layers by the shares of Table 18.
func LeNetUnits(score prune.Score) Setting {
	s := LeNet(score)
	s.Units, s.Stages[0].Keep = true, DocumentUnits
	return s
}

// Curve returns the setting that prunes LeNet-5 further and further, for Figure 7 and beyond it: stages from 20 % of
// the weights removed to a hundredth remaining.
func Curve(score prune.Score, epochs int) Setting {
	s := LeNet(score)
	s.Stages = nil
	for _, keep := range []float64{0.8, 0.6, 0.4, 0.2, 1. / 12, 1. / 30, 1. / 60, 1. / 100} {
		s.Stages = append(s.Stages, Stage{Keep: LeNetShares(keep), Epochs: epochs})
	}
	return s
}

// UnitsCurve is [Curve] for the units of the hidden layers.
func UnitsCurve(score prune.Score, epochs int) Setting {
	s := LeNetUnits(score)
	s.Stages = nil
	for _, keep := range []float64{0.8, 0.6, 0.4, 0.2, 0.1} {
		s.Stages = append(s.Stages, Stage{Keep: []float64{keep}, Epochs: epochs})
	}
	return s
}

// LeNetShares returns shares for the layers of LeNet-5 such that the given share of all weights remains. Layers with
// few weights keep more, in the ratio of the document's tables: with a twelfth, 66, 12, 8 and 19 %; below that, all
// layers shrink, the first by the root of the ratio.
func LeNetShares(keep float64) []float64 {
	sizes := []float64{500, 25000, 400000, 5000}
	shares := func(x float64) []float64 { // x scales the document's shares, which 1 reproduces
		list := make([]float64, 4)
		for i, s := range DocumentMagnitude {
			if i == 0 && x < 1 {
				list[i] = s * sqrt(x)
			} else {
				list[i] = min(1, s*x)
			}
		}
		return list
	}
	lo, hi := 0.0, 100.0
	for range 60 { // the total rises with x
		x, total := (lo+hi)/2, 0.0
		for i, s := range shares(x) {
			total += s * sizes[i]
		}
		if total < keep*430500 {
			lo = x
		} else {
			hi = x
		}
	}
	return shares(hi)
}

// DRMM returns the setting that prunes the five-level DRMM, trained with a hundred labels as by [ninai17.Long], by the
// shares of the document's tables: by magnitude over three epochs, by use at once. The grid prune-drmm-other has the
// other way round, which raises the errors more.
func DRMM(score prune.Score) Setting {
	stage := Stage{Keep: DRMMUse, Epochs: 4}
	if score == prune.Magnitude {
		stage.Keep, stage.Spread = DRMMMagnitude, 3
	}
	return Setting{
		Net: FiveLevel, Base: Base{Epochs: ninai17.Long().Epochs, Channel: 1}, Score: score, Rate: 0.002,
		Stages: []Stage{stage},
	}
}

// DRMMUnitsOff returns the setting that prunes the units of the DRMM by the shares of Table 21.
func DRMMUnitsOff(score prune.Score) Setting {
	s := DRMM(score)
	s.Units, s.Stages[0].Keep = true, DRMMUnits
	return s
}

// DRMMCurve returns the setting that prunes the DRMM further and further, for Figure 7: all layers keep the same share
// but the two smallest, which stay whole, as in the document's tables.
func DRMMCurve(score prune.Score) Setting {
	s := DRMM(score)
	s.Stages = nil
	for _, k := range []float64{0.8, 0.6, 0.4, 0.25, 0.15, 0.08} {
		s.Stages = append(s.Stages, Stage{Keep: []float64{k, k, k, k, 1, 1}, Epochs: 2})
	}
	return s
}

// DRMMUnitsCurve is [DRMMCurve] for units.
func DRMMUnitsCurve(score prune.Score) Setting {
	s := DRMMCurve(score)
	s.Units = true
	for i := range s.Stages {
		s.Stages[i].Keep = s.Stages[i].Keep[:5]
	}
	return s
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// String describes the setting briefly.
func (s Setting) String() string {
	what := "weights"
	if s.Units {
		what = "units"
	}
	var shares []string
	for _, stage := range s.Stages {
		list := strings.Trim(fmt.Sprintf("%.3g", stage.Keep), "[]")
		shares = append(shares, strings.ReplaceAll(list, " ", "/"))
	}
	return fmt.Sprintf("%s, %s by %s, keep %s, seed %d", s.Net, what, s.Score, strings.Join(shares, ", "), s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "pruning"}
	c.OneOf("Net", s.Net, LeNet5, FiveLevel)
	c.That(slices.Contains(prune.Scores(), s.Score), "Score", fmt.Sprintf("%q", s.Score),
		fmt.Sprintf("one of %q", prune.Scores()))
	c.That(!s.Units || s.Score == prune.Use || s.Score == prune.Random, "Score", s.Score, "use or random for units")
	c.AtLeast("Base.Epochs", s.Base.Epochs, 1)
	c.That(s.Net != LeNet5 || s.Base.Rate > 0 && s.Base.Rate < 10, "Base.Rate", s.Base.Rate, "a number > 0")
	c.That(s.Net != FiveLevel || s.Base.Channel >= 1 && s.Base.Channel <= 8, "Base.Channel", s.Base.Channel, "1 to 8")
	c.AtLeast("Base.Images", s.Base.Images, 0)
	c.Positive("Rate", s.Rate)
	c.Share("Regrow", s.Regrow)
	c.That(len(s.Stages) > 0, "Stages", s.Stages, "at least one")
	layers := s.layers()
	before := slices.Repeat([]float64{1}, layers)
	for i, stage := range s.Stages {
		name := fmt.Sprintf("Stages[%d]", i)
		c.AtLeast(name+".Epochs", stage.Epochs, 1)
		c.That(stage.Spread >= 0 && stage.Spread <= stage.Epochs, name+".Spread", stage.Spread, "0 to Epochs")
		if n := len(stage.Keep); n != 1 && n != layers {
			c.That(false, name+".Keep", stage.Keep, fmt.Sprintf("one share, or %d", layers))
			continue
		}
		for l := range layers {
			share := stage.share(l)
			c.That(share > 0 && share <= before[l], name+".Keep", share, fmt.Sprintf("more than 0, at most %v", before[l]))
			before[l] = share
		}
	}
	return c.Err()
}

// layers returns the number of layers that are pruned.
func (s Setting) layers() int {
	n := 4
	if s.Net == FiveLevel {
		n = 6
	}
	if s.Units { // the last layer has none
		n--
	}
	return n
}

// share returns the share of a layer that remains.
func (s Stage) share(layer int) float64 {
	if len(s.Keep) == 1 {
		return s.Keep[0]
	}
	return s.Keep[layer]
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int {
	epochs := s.Base.Epochs
	for _, stage := range s.Stages {
		epochs += stage.Epochs
	}
	return epochs * s.Images
}
