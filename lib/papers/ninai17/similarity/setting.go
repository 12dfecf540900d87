// SPDX-License-Identifier: Apache-2.0

// Package similarity trains networks to judge whether two pictures show the same shape, and tests them on shapes that
// they have never seen: the one-shot benchmark of [NINAI17, section 4], with the nine-layer DRMM of its Table 7 in a
// Siamese network.
//
//	data, err := similarity.Load("objects-small")
//	setting := similarity.Document().Sized(experiment.Quick).On(data)
//	result, err := similarity.Train(ctx, setting, data, experiment.Options{})
//	fmt.Println(result.Metrics.Test()[siamese.DifferentClass])
//
// Training has three phases: recognition of the superclass, with top-down reconstruction; then the cross-entropy of
// pairs; then also the contrastive loss. The pictures are of package dataset/objects, the pairs and trials of siamese.
package similarity

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/drmm"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/ninai17"
	"github.com/lateral-ml/lateral/lib/prune"
)

// The networks.
const (
	NineLevel = "drmm" // the nine-layer DRMM of Table 7
	VGG       = "vgg"  // ten convolutions as in VGG networks, the mean over all positions at the end
)

// The normalisations of the net inputs of all convolutions.
const (
	DN   = "dn"   // divisive with learnt constants, over windows as large as the filters and all channels
	BN   = "bn"   // of the batch
	None = "none" // none
)

// A Pretraining is the phase of recognition.
type Pretraining struct {
	Epochs int `json:"epochs"` // 0 for none
	// Labels is the share of the images of each superclass whose labels are used. If it is below 1, half of a batch has
	// labels, and the other half is any images, or none if no term of the objective needs them.
	Labels   float64         `json:"labels"`
	Weights  ninai17.Weights `json:"weights"`            // Marginal and Consistency are 0; only Labels counts for VGG
	Rendered int             `json:"rendered,omitempty"` // how many images of a batch are rendered; 0 for all
	// Prune removes the least used weights of the DRMM's layers along the way, by the schedule of Table 8, which leaves
	// 59 %; see [Periods]. They stay removed in the phases of pairs.
	Prune bool `json:"prune,omitempty"`
}

// Periods are the epochs between two prunings of each layer of the DRMM [NINAI17, Table 8].
var Periods = []int{5, 4, 4, 3, 3, 3, 2, 2, 2}

// A Pairing is the phases of the pairs.
type Pairing struct {
	Epochs      int     `json:"epochs"`      // with cross-entropy alone
	Contrastive int     `json:"contrastive"` // epochs after that, with the contrastive loss too
	Weight      float64 `json:"weight"`      // of the contrastive loss
	Margin      float64 `json:"margin"`      // alpha, at most 2
	Rate        float64 `json:"rate"`        // learning rate in the first of these epochs
	Classes     int     `json:"classes"`     // of a batch
	// Negatives is the number of pairs of different classes that are used, as a multiple of the number of pairs of the
	// same class; 0 for all. They are random, or the nearest with Hard.
	Negatives float64 `json:"negatives"`
	Hard      bool    `json:"hard,omitempty"`
}

// A Setting describes one network and its training completely: the result depends on nothing else.
type Setting struct {
	experiment.Source
	Net      string `json:"net"`      // NineLevel or VGG
	Channel  int    `json:"channel"`  // divides the numbers of filters; 1 in the document
	Features int    `json:"features"` // filters of the last layer, whose means are the features; 720 in the document
	Norm     string `json:"norm"`     // DN, BN or None
	// Gentle is for networks without batch normalisation. Each picture is brought to mean 0 and standard deviation 1, as
	// batch normalisation does in effect, and the first steps of RMSProp are no longer than later ones. Without the first,
	// the features of the DRMM with DN shrink to nothing; without the second it learns more slowly.
	Gentle bool `json:"gentle,omitempty"`

	Pretraining Pretraining `json:"pretraining"`
	Pairing     Pairing     `json:"pairing"`

	Batch int     `json:"batch"` // images of a batch
	Rate  float64 `json:"rate"`  // learning rate of the first phase in its first epoch
	// FinalRate is the learning rate after the last epoch of recognition, and after the last of pairs; rates fall
	// exponentially, epoch by epoch.
	FinalRate float64 `json:"finalRate"`
	Trials    int     `json:"trials"` // in each condition
	Seed      uint64  `json:"seed"`   // of initial weights, labels, batches and trials
}

// Document returns the setting of [NINAI17, Tables 7 and 15], for [Load]'s "objects-paper". The document does not give
// the margin, the number of classes in a batch, how pairs of different classes are weighted, or how the epochs of pairs
// divide: those are ours. All images of recognition have labels, so that KL has no effect, and squares are means over
// pixels, where eqs. 2 and 4 of the document sum them.
func Document() Setting {
	return Setting{
		Net: NineLevel, Channel: 1, Features: 720, Norm: DN,
		Pretraining: Pretraining{Epochs: 500, Labels: 1,
			Weights: ninai17.Weights{Labels: 1, Reconstruction: 0.2, KL: -0.5, NonNegativity: 0.5}},
		Pairing: Pairing{Epochs: 250, Contrastive: 250, Weight: 0.1, Margin: 1, Rate: 1e-3, Classes: 40, Negatives: 3},
		Batch:   200, Rate: 1e-3, FinalRate: 1e-6, Trials: 5000,
	}
}

// Small returns [Document] with a sixth of the channels and so many epochs that a training takes about twenty minutes
// of one core, for [Load]'s "objects-large". The lower rate of the pairs is ours.
func Small() Setting {
	s := Document()
	s.Channel, s.Features = 6, 128
	s.Pretraining.Epochs, s.Pretraining.Rendered = 20, 8
	s.Pairing.Epochs, s.Pairing.Contrastive, s.Pairing.Classes, s.Pairing.Rate = 10, 2, 15, 3e-4
	s.Batch, s.FinalRate, s.Trials = 60, 5e-5, 2000
	return s
}

// Online returns the setting of [NINAI17, Figure 3]: a VGG network learns from one pair at a time, without recognition
// before. The document says neither the rate nor how many pairs; they are ours. Its network with DN also has a penalty
// on centred activations, which ours lacks.
func Online(norm string) Setting {
	s := Document()
	s.Net, s.Norm, s.Channel, s.Batch, s.FinalRate = VGG, norm, 1, 2, 1e-4
	s.Pretraining = Pretraining{}
	s.Pairing = Pairing{Epochs: 20, Margin: 1, Rate: 3e-4, Classes: 2}
	return s
}

// FewLabels returns the setting of recognition alone with a tenth of the labels: by the DRMM from all pictures, or by
// the same layers as an ordinary network, from the labelled pictures alone. The document reports test errors of 65.43
// and 71.43 % [NINAI17, section 3(A)].
func FewLabels(semisupervised bool) Setting {
	s := Document()
	s.Pretraining.Labels, s.Norm = 0.1, BN
	s.Pairing.Epochs, s.Pairing.Contrastive = 0, 0
	if !semisupervised {
		s.Pretraining.Weights = ninai17.Weights{Labels: 1}
	}
	return s
}

// Sized returns a setting at the size of a profile.
func (s Setting) Sized(profile string) Setting {
	small := Small()
	if profile == experiment.Paper {
		return s
	}
	if s.Net == VGG {
		small.Channel = 8
	}
	if s.Batch == 2 { // online
		s.Channel, s.Trials = experiment.Pick(profile, 16, 8, 1), experiment.Pick(profile, 200, small.Trials, 0)
		s.Pairing.Epochs = experiment.Pick(profile, 1, 2, 0)
		return s
	}
	s.Channel, s.Features, s.Trials = small.Channel, small.Features, small.Trials
	s.Batch, s.FinalRate = small.Batch, small.FinalRate
	s.Pairing.Classes, s.Pairing.Rate = small.Pairing.Classes, small.Pairing.Rate
	shrink := func(epochs *int, to int) {
		if *epochs > 0 {
			*epochs = to
		}
	}
	recognition := small.Pretraining.Epochs
	if s.Pretraining.Labels < 1 {
		recognition /= 4 // an epoch shows the labelled pictures several times
	}
	shrink(&s.Pretraining.Epochs, experiment.Pick(profile, 2, recognition, 0))
	shrink(&s.Pairing.Epochs, experiment.Pick(profile, 2, small.Pairing.Epochs, 0))
	shrink(&s.Pairing.Contrastive, experiment.Pick(profile, 1, small.Pairing.Contrastive, 0))
	s.Pretraining.Rendered = small.Pretraining.Rendered
	if profile == experiment.Quick {
		s.Channel, s.Trials = 2*small.Channel, 500
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
	text := fmt.Sprintf("%s with 1/%d of the channels, %s, %d epochs of recognition", s.Net, s.Channel, s.Norm,
		s.Pretraining.Epochs)
	if s.Pretraining.Epochs > 0 && s.Pretraining.Labels < 1 {
		text += fmt.Sprintf(" with %g %% of the labels", 100*s.Pretraining.Labels)
	}
	if s.Pretraining.Prune {
		text += ", pruned"
	}
	text += fmt.Sprintf(", %d and %d of pairs", s.Pairing.Epochs, s.Pairing.Contrastive)
	if s.Pairing.Hard {
		text += " with hard negatives"
	}
	return fmt.Sprintf("%s, seed %d", text, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "similarity"}
	c.OneOf("Net", s.Net, NineLevel, VGG)
	c.OneOf("Norm", s.Norm, DN, BN, None)
	c.That(!s.Gentle || s.Norm != BN, "Gentle", s.Gentle, "false with batch normalisation")
	c.That(s.Channel >= 1 && s.Channel <= 24, "Channel", s.Channel, "1 to 24")
	c.AtLeast("Features", s.Features, 1)
	p := s.Pretraining
	c.AtLeast("Pretraining.Epochs", p.Epochs, 0)
	c.That(p.Epochs == 0 || p.Labels > 0 && p.Labels <= 1, "Pretraining.Labels", p.Labels, "a number > 0 and <= 1")
	c.That(p.Weights.Marginal == 0 && p.Weights.Consistency == 0, "Pretraining.Weights", p.Weights,
		"0 for Marginal and Consistency")
	c.NotNegative("Pretraining.Weights.Labels", p.Weights.Labels)
	c.NotNegative("Pretraining.Weights.Reconstruction", p.Weights.Reconstruction)
	c.Finite("Pretraining.Weights.KL", p.Weights.KL)
	c.NotNegative("Pretraining.Weights.NonNegativity", p.Weights.NonNegativity)
	last := prune.Neocortex(Periods...).Last()
	c.That(!p.Prune || s.Net == NineLevel && p.Epochs > last, "Pretraining.Prune", p.Prune,
		fmt.Sprintf("a DRMM and more than %d epochs of recognition with it", last))
	c.That(p.Rendered >= 0 && p.Rendered <= s.Batch, "Pretraining.Rendered", p.Rendered, "0 for all, or at most Batch")
	q := s.Pairing
	c.AtLeast("Pairing.Epochs", q.Epochs, 0)
	c.AtLeast("Pairing.Contrastive", q.Contrastive, 0)
	c.NotNegative("Pairing.Weight", q.Weight)
	c.That(q.Margin > 0 && q.Margin <= 2, "Pairing.Margin", q.Margin, "a number > 0 and at most 2")
	c.Positive("Pairing.Rate", q.Rate)
	c.That(s.FinalRate <= q.Rate, "FinalRate", s.FinalRate, "at most Pairing.Rate")
	c.AtLeast("Pairing.Classes", q.Classes, 2)
	c.NotNegative("Pairing.Negatives", q.Negatives)
	c.That(s.Batch > 2 || q.Negatives == 0, "Pairing.Negatives", q.Negatives, "0 for a batch of one pair")
	c.That(!q.Hard || q.Negatives > 0, "Pairing.Hard", q.Hard, "a number of Negatives with it")
	c.That(p.Epochs+q.Epochs+q.Contrastive > 0, "Epochs", 0, "at least one epoch in some phase")
	c.That(s.Batch >= 2 && s.Batch%2 == 0, "Batch", s.Batch, "an even number of at least 2")
	c.Positive("Rate", s.Rate)
	c.Positive("FinalRate", s.FinalRate)
	c.That(s.FinalRate <= s.Rate, "FinalRate", s.FinalRate, "at most Rate")
	c.AtLeast("Trials", s.Trials, 1)
	return c.Err()
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int {
	return (s.Pretraining.Epochs + s.Pairing.Epochs + s.Pairing.Contrastive) * s.Images
}

// rate returns the schedule of a phase: the rate falls by the same factor after each epoch.
func (s Setting) rate(from float64, epochs int) optim.Schedule {
	return func(epoch float64) float64 {
		return from * math.Pow(s.FinalRate/from, math.Floor(epoch)/float64(epochs))
	}
}

// Shape returns the shape of the DRMM.
func (s Setting) Shape() drmm.Shape {
	shape := drmm.NineLayer(s.Features)
	for i := range shape[:len(shape)-1] {
		shape[i].Filters /= s.Channel
	}
	return shape
}
