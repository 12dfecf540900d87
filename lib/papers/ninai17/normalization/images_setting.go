// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
)

// An ImageSetting describes a convolutional network that classifies images and its training completely: the result
// depends on nothing else.
type ImageSetting struct {
	experiment.Source
	Variant Variant `json:"variant"`
	Strength
	Batch   int       `json:"batch"`             // 1 learns online
	Epochs  int       `json:"epochs"`            // passes through the training images
	Rate    float64   `json:"rate"`              // of gradient descent with momentum 0.9
	Drops   []float64 `json:"drops,omitempty"`   // epochs at which the rate is divided by ten
	Decay   float64   `json:"decay,omitempty"`   // of weights and biases
	Dropout float64   `json:"dropout,omitempty"` // of the inputs of the dense layers
	Part    int       `json:"part,omitempty"`    // training images that are used, from the first; 0 for all
	Held    int       `json:"held,omitempty"`    // training images, the last, for tests instead of the test images
	Seed    uint64    `json:"seed"`              // of the initial weights and the order of images
}

// Classified returns the setting of a row of table 10 at the document's size: batches of 100, a rate of 0.001, 80,000
// iterations or, for Baseline, 50,000. The strengths are those for 10 classes.
func Classified(v Variant) ImageSetting {
	s := ImageSetting{
		Variant: v, Strength: Images(v, 10), Batch: 100, Epochs: 160, Rate: 1e-3, Drops: []float64{60, 100},
	}
	if v == Baseline {
		s.Epochs, s.Drops = 100, []float64{10, 60}
	}
	return s
}

// Regularised returns the setting of "Baseline + L2 + Dropout". The weight decay of 0.1 and the dropout of a half are
// those of the authors' program. Its dropout also drops logits, and its biases do not decay; ours are the other way.
func Regularised() ImageSetting {
	s := Classified(Baseline)
	s.Decay, s.Dropout = 0.1, 0.5
	return s
}

// Online returns the setting of figure 6: one pass with a batch of one. The document does not give the rate.
func Online(v Variant, rate float64) ImageSetting {
	return ImageSetting{Variant: v, Strength: Images(v, 10), Batch: 1, Epochs: 1, Rate: rate}
}

// On returns the setting for the given images.
func (s ImageSetting) On(d *experiment.Data) ImageSetting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s ImageSetting) At(src experiment.Source, seed uint64) ImageSetting {
	s.Source, s.Seed = src, seed
	return s
}

// String describes the setting briefly.
func (s ImageSetting) String() string {
	text := fmt.Sprintf("%s, batch %d, %d epochs at rate %g", s.Variant, s.Batch, s.Epochs, s.Rate)
	if s.Decay > 0 || s.Dropout > 0 {
		text += fmt.Sprintf(", decay %g, dropout %g", s.Decay, s.Dropout)
	}
	if s.Part > 0 {
		text += fmt.Sprintf(", %d images", s.Part)
	}
	if s.Held > 0 {
		text += fmt.Sprintf(", tested by %d others", s.Held)
	}
	return fmt.Sprintf("%s, seed %d", text, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s ImageSetting) Check() error {
	c := experiment.Check{Package: "normalization"}
	c.Add(s.Variant.Check())
	c.AtLeast("Batch", s.Batch, 1)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.AtLeast("Part", s.Part, 0)
	c.That(s.Held >= 0 && (s.Held == 0 || s.Held < s.Images), "Held", s.Held, "0, or fewer than all training images")
	c.Positive("Rate", s.Rate)
	c.NotNegative("Decay", s.Decay)
	c.Share("Dropout", s.Dropout)
	s.Strength.check(&c, s.Variant)
	for i, e := range s.Drops {
		c.That(e > 0 && (i == 0 || e >= s.Drops[i-1]), "Drops", s.Drops, "epochs > 0 in rising order")
	}
	return c.Err()
}

// check checks the strength for a variant. Sigma = 0 has no quotient where activations are constant, as they are in
// black images, so that only a positive one is accepted.
func (s Strength) check(c *experiment.Check, v Variant) {
	c.NotNegative("L1", float64(s.L1))
	if v == Baseline {
		c.That(s == Strength{}, "Strength", s, "zeros for the baseline, which has no normalisation")
		return
	}
	c.Positive("Sigma", s.Sigma)
}

// Samples implements [experiment.Setting].
func (s ImageSetting) Samples() int {
	n := s.Images - s.Held
	if s.Part > 0 {
		n = min(n, s.Part)
	}
	return s.Epochs * n
}

// schedule returns the learning rate.
func (s ImageSetting) schedule() optim.Schedule {
	steps := []optim.Step{{Epoch: 0, Rate: s.Rate}}
	for i, e := range s.Drops {
		steps = append(steps, optim.Step{Epoch: e, Rate: steps[i].Rate / 10})
	}
	return optim.Steps(steps...)
}

// LoadImages returns labelled images by name, as [experiment.Load] does. The empty name means CIFAR-10 if its files are
// found and Glyphs otherwise; it never downloads anything.
func LoadImages(name string) (*experiment.Data, error) {
	if name != "" {
		return experiment.Load(name)
	}
	set, _ := data.Lookup("cifar10")
	switch _, found, err := dataset.Find(set, ""); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case found:
		return experiment.Load("cifar10")
	}
	return experiment.Load("glyphs")
}

// checkImages returns an error unless the network fits the images.
func checkImages(d *experiment.Data) error {
	s := d.Train.X.Shape()
	if len(s) != 4 || s[2] != s[3] || s[2] < 25 || s[2] > 32 {
		return fmt.Errorf("normalization: images of shape %v: want [N, C, 32, 32] or [N, C, 28, 28]", s)
	}
	return nil
}
