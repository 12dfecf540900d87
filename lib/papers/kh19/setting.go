// SPDX-License-Identifier: Apache-2.0

// Package kh19 trains the networks of [KH19]. Each has a hidden layer, whose units compete for images and learn without
// labels, and a classifier on top of it. For comparison, the same network can be trained end to end by
// back-propagation.
//
//	data, err := experiment.Load("mnist")
//	result, err := kh19.Train(ctx, kh19.Digits().On(data), data, experiment.Options{})
//	fmt.Println(result.Metrics.TestError)
//
// The units themselves are in package hebbian. The document's symbols map to fields as follows: p, k and Delta are
// Features.P, K and Delta; n and m are Setting.Power and LossPower.
package kh19

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/hebbian"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// EpochImages is the number of images shown in one epoch of a setting. It is the size of MNIST's training set; smaller
// sets are shown several times per epoch.
const EpochImages = 60000

// Features are the hyper-parameters of the hidden layer, which learns without labels.
type Features struct {
	P          float64 `json:"p"`                    // p of the p-norm
	K          int     `json:"k"`                    // rank of the unit that is pushed away
	Delta      float64 `json:"delta"`                // how strongly it is pushed away
	Average    bool    `json:"average,omitempty"`    // scale updates by hebbian.Average, not hebbian.MaxNormalised
	Rate       float64 `json:"rate"`                 // initial learning rate; it decays linearly to 0
	UnitLength bool    `json:"unitLength,omitempty"` // scale images to length 1
	Epochs     int     `json:"epochs"`               // of EpochImages images each
}

// A Setting describes one network and its training completely: the result depends on nothing else.
type Setting struct {
	experiment.Source
	Units    int      `json:"units"`              // number of hidden units
	EndToEnd bool     `json:"endToEnd,omitempty"` // train all weights by back-propagation
	Features Features `json:"features"`           // used only without EndToEnd

	// Supervised training, by Adam.
	Power     float64 `json:"power"`              // n: the hidden activations are max(W v, 0)^n
	LossPower float64 `json:"lossPower"`          // m: the loss is |c - t|^m
	Relative  bool    `json:"relative,omitempty"` // see hebbian.Net
	Rate      float64 `json:"rate"`               // learning rate until it first drops; see Schedule
	Epochs    int     `json:"epochs"`             // of EpochImages images each
	Batch     int     `json:"batch"`

	// HoldOut is for choosing settings: the classifier learns from a third of the training images, and is evaluated on
	// another sixth of them instead of the test images.
	HoldOut bool   `json:"holdOut,omitempty"`
	Seed    uint64 `json:"seed"`
}

// Digits returns the network of figure 3 [KH19, appendix B]. The document averages an update over the batch
// (section 3); Average = false scales it as its authors' program does. For training with labels, the document uses
// m = 10, a rate of 0.001 and 300 epochs. This setting normalises the features (Relative), which the document does not
// mention; with that, m = 6, a smaller rate and fewer epochs gave a lower error on held-out images.
func Digits() Setting {
	return Setting{
		Units: 2000, Features: Features{P: 4, K: 2, Delta: 0.4, Rate: 0.04, Epochs: 100},
		Power: 4.5, LossPower: 6, Relative: true, Rate: 0.0003, Epochs: 60, Batch: 100,
	}
}

// Article returns [Digits] with the norm and the rank of the published article: p = 3, k = 7.
func Article() Setting {
	s := Digits()
	s.Features.P, s.Features.K = 3, 7
	return s
}

// Photographs returns the network of figure 5, for CIFAR-10 with images of length 1 [KH19, appendix B]. With labels,
// the document's learning rate starts at 0.004 and drops in nine steps; ours drops in five, as for digits.
func Photographs() Setting {
	return Setting{
		Units: 2000, Features: Features{P: 4, K: 2, Delta: 0.3, Rate: 0.02, UnitLength: true, Epochs: 100},
		Power: 10, LossPower: 6, Relative: true, Rate: 0.0002, Epochs: 500, Batch: 10,
	}
}

// Reference returns a setting's network trained end to end, with n = 1 and m = 4 [KH19, appendix B]. At the document's
// learning rate, 0.004, many units are inactive for every digit. A quarter of that rate gave a lower error on held-out
// digits and no higher error on photographs.
func Reference(s Setting) Setting {
	return Setting{
		Source: s.Source, Units: s.Units, EndToEnd: true, Features: Features{UnitLength: s.Features.UnitLength},
		Power: 1, LossPower: 4, Rate: 0.001, Epochs: 100, Batch: 100, Seed: s.Seed,
	}
}

// A Variant is a setting with a name.
type Variant struct {
	Name    string
	Setting Setting
}

// Variants returns variants of [Digits] with other learning rules: the document's, the article's, and the rule of the
// authors' published program, which has 100 units, half the rate and twice as many epochs.
func Variants(base Setting) []Variant {
	var list []Variant
	add := func(name string, change func(s *Setting)) {
		s := base
		change(&s)
		list = append(list, Variant{name, s})
	}
	add("document: p = 4, k = 2, largest", func(*Setting) {})
	add("document, averaged batches", func(s *Setting) { s.Features.Average = true })
	add("document, images of length 1", func(s *Setting) { s.Features.UnitLength = true })
	add("document, Δ = 0", func(s *Setting) { s.Features.Delta = 0 })
	add("document, k = 7", func(s *Setting) { s.Features.K = 7 })
	add("article: p = 3, k = 7", func(s *Setting) { s.Features.P, s.Features.K = 3, 7 })
	add("article, Δ = 0", func(s *Setting) { s.Features.P, s.Features.K, s.Features.Delta = 3, 7, 0 })
	add("article, images of length 1", func(s *Setting) {
		s.Features.P, s.Features.K, s.Features.UnitLength = 3, 7, true
	})
	add("program: p = 2, 100 units, half the rate, twice as long", func(s *Setting) {
		s.Units, s.Features.P = min(100, s.Units), 2
		s.Features.Rate, s.Features.Epochs = s.Features.Rate/2, 2*s.Features.Epochs
	})
	return list
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int {
	return (s.Passes(s.Features.Epochs) + s.Passes(s.Epochs)) * s.Images
}

// Passes returns the number of passes over the training images in a number of epochs.
func (s Setting) Passes(epochs int) int { return epochs * max(1, EpochImages/max(1, s.Images)) }

// String describes the setting in a few words.
func (s Setting) String() string {
	if s.EndToEnd {
		return fmt.Sprintf("%d units, end to end, n = %g, seed %d", s.Units, s.Power, s.Seed)
	}
	f, more := s.Features, ""
	if f.Average {
		more += ", average"
	}
	if f.UnitLength {
		more += ", unit length"
	}
	return fmt.Sprintf("%d units, p = %g, k = %d, Δ = %g%s, n = %g, seed %d",
		s.Units, f.P, f.K, f.Delta, more, s.Power, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "kh19"}
	c.AtLeast("Units", s.Units, 1)
	c.That(s.Power >= 1 && !math.IsInf(s.Power, 1), "Power", s.Power, "a number >= 1")
	c.That(s.LossPower >= 1 && !math.IsInf(s.LossPower, 1), "LossPower", s.LossPower, "a number >= 1")
	c.Positive("Rate", s.Rate)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.AtLeast("Batch", s.Batch, 1)
	if !s.EndToEnd {
		f := s.Features
		c.That(f.P >= 1 && !math.IsInf(f.P, 1), "Features.P", f.P, "a number >= 1")
		c.That(f.K >= 2 && f.K <= s.Units, "Features.K", f.K, "at least 2, at most Units")
		c.NotNegative("Features.Delta", f.Delta)
		c.Positive("Features.Rate", f.Rate)
		c.AtLeast("Features.Epochs", f.Epochs, 1)
	}
	return c.Err()
}

// Learner returns the untrained hidden layer for images with the given number of pixels. It learns without labels.
func (s Setting) Learner(pixels int) *hebbian.Learner {
	f, scale := s.Features, hebbian.MaxNormalised
	if f.Average {
		scale = hebbian.Average
	}
	c := hebbian.Competition{Rule: hebbian.Rule{P: f.P}, K: f.K, Delta: f.Delta, Scale: scale}
	l := hebbian.NewLearner(c, hebbian.NewWeights(s.Units, pixels, s.Seed))
	l.Rate = optim.Linear(f.Rate, 0, float64(s.Passes(f.Epochs)))
	return l
}

// Inputs returns the images as inputs of the hidden layer: scaled to length 1 if Features.UnitLength is set.
func (s Setting) Inputs(set *dataset.Set) *dataset.Set {
	if s.Features.UnitLength {
		return hebbian.UnitLength(set)
	}
	return set
}

// Network returns the untrained classifier on top of hidden weights [units, pixels], which it shares. End to end,
// hidden is not used: the hidden weights are drawn at random. Without Relative, the features are scaled by a constant
// computed from the training images.
func (s Setting) Network(hidden *tensor.Tensor, train *dataset.Set) *hebbian.Net {
	rng, classes := tensor.Stream(s.Seed, "classifier"), len(train.Classes)
	if s.EndToEnd {
		first := nn.NewDense(train.X.Width(), s.Units, nn.Uniform, rng)
		return hebbian.NewNet(first.Weight.Value(), classes, s.Power, 1/float32(math.Sqrt(float64(s.Units))), rng)
	}
	net := hebbian.NewNet(hidden, classes, s.Power, 0.001, rng)
	if net.Relative = s.Relative; !s.Relative {
		net.FitGain(s.Inputs(train).X)
	}
	return net
}

// Schedule returns the learning rate for training with labels. As in the document, it falls in five steps, from Rate to
// a hundredth of it: it drops after a third of the epochs and then after every further sixth. End to end, it drops
// once, halfway through, to a quarter.
func (s Setting) Schedule() optim.Schedule {
	epochs := float64(s.Passes(s.Epochs))
	if s.EndToEnd {
		return optim.Steps(optim.Step{Epoch: 0, Rate: s.Rate}, optim.Step{Epoch: epochs / 2, Rate: s.Rate / 4})
	}
	third, sixth := epochs/3, epochs/6
	return optim.Steps(optim.Step{Epoch: 0, Rate: s.Rate}, optim.Step{Epoch: third, Rate: s.Rate / 2},
		optim.Step{Epoch: third + sixth, Rate: s.Rate / 10}, optim.Step{Epoch: third + 2*sixth, Rate: s.Rate / 20},
		optim.Step{Epoch: third + 3*sixth, Rate: s.Rate / 100})
}

// Labelled returns the images on which the classifier is trained and those on which it is evaluated.
func (s Setting) Labelled(d *experiment.Data) (learn, judge *dataset.Set) {
	if !s.HoldOut {
		return d.Train, d.Test
	}
	some, _ := d.Train.Split(0.5, tensor.Stream(5, "some"))
	held, rest := some.Split(1.0/3, tensor.Stream(5, "held"))
	return rest, held
}
