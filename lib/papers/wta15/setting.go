// SPDX-License-Identifier: Apache-2.0

// Package wta15 trains winner-take-all autoencoders [WTA15]: fully connected and convolutional ones, stacks of them,
// and the contrasts with other competitions or none.
//
// A [Setting] describes a stack completely. [FullyConnected], [Convolutional] and [Stacked] return the settings of the
// document's experiments. The layers learn without labels, each from the frozen features of the layer below; the
// features of the trained stack, in which nothing competes any more, are then judged by a linear classifier:
//
//	data, err := experiment.Load("mnist")
//	result, err := wta15.Train(ctx, wta15.FullyConnected().On(data), data, experiment.Options{})
//	features := result.Stack.Features(data.Test.X, 0) // [N, 2000]
//
// The document is known from notes. What they leave open follows re-implementations, as the doc comments say.
package wta15

import (
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
)

// The values of a layer's Competition: along which axis of the activations units compete while the layer learns.
const (
	None     = "none"     // no competition: a plain autoencoder
	Units    = "units"    // the units of a sample: a k-sparse autoencoder
	Lifetime = "lifetime" // the samples of a batch, for each unit; FC-WTA
	Spatial  = "spatial"  // the positions of a map, for each image; only with Kernel
	Both     = "both"     // Spatial, and then Lifetime among the winners of a map; CONV-WTA
)

// A Layer is one autoencoder of a stack: an encoder with rectified units and a linear decoder. If Kernel is positive,
// it is convolutional: its encoder keeps the size of the images, and its decoder is one transposed convolution.
type Layer struct {
	Units       int     `json:"units"`             // units of the code; maps of a convolutional layer
	Competition string  `json:"competition"`       // None, Units, Lifetime, Spatial or Both
	Share       float64 `json:"share,omitempty"`   // of the samples or units that win; 0 with None and Spatial
	Tied        bool    `json:"tied,omitempty"`    // the decoder has the weights of the encoder; only fully connected
	Kernel      int     `json:"kernel,omitempty"`  // rows and columns of the encoder's filters, odd
	Before      []int   `json:"before,omitempty"`  // maps of the encoder's convolutions before the last one
	Decoder     int     `json:"decoder,omitempty"` // rows and columns of the decoder's filters, odd
	Pool        int     `json:"pool,omitempty"`    // rows and columns of the max-pooling that turns maps into features
	Rate        float64 `json:"rate"`              // learning rate of Adam; a tenth of it for the last 30 % of the epochs
	Epochs      int     `json:"epochs"`            // passes through the images that the layers learn from
}

// A Setting describes a stack of autoencoders and its training completely: the result depends on nothing else.
type Setting struct {
	experiment.Source
	Layers []Layer `json:"layers"`          // bottom first
	Learn  int     `json:"learn,omitempty"` // the layers learn from this many of the training images; 0 means all
	Batch  int     `json:"batch"`           // images among which the samples of a unit compete
	Seed   uint64  `json:"seed"`
}

// FullyConnected returns the FC-WTA autoencoder 784-2000-784 with a share of 5 %. The number of epochs, the tied
// weights and the learning rate are those of a public re-implementation; the notes name none. The last 30 % of the
// epochs at a tenth of the rate are ours.
func FullyConnected() Setting {
	return Setting{
		Layers: []Layer{{Units: 2000, Competition: Lifetime, Share: 0.05, Tied: true, Rate: 0.001, Epochs: 50}},
		Batch:  100,
	}
}

// Convolutional returns a CONV-WTA autoencoder with three convolutions of 5x5 in its encoder and a decoder of 11x11.
// The share, 5 %, is that of a public re-implementation, whose encoder has 128, 128 and 16 maps.
func Convolutional(maps int) Setting {
	return Setting{
		Layers: []Layer{{
			Units: maps, Competition: Both, Share: 0.05, Kernel: 5, Before: []int{maps, maps}, Decoder: 11, Pool: 4,
			Rate: 0.001, Epochs: 100,
		}},
		Batch: 100,
	}
}

// Stacked returns a setting with a second CONV-WTA autoencoder that learns from the pooled maps of the first one. Its
// encoder is a single convolution; the notes do not describe it.
func Stacked(s Setting, maps int) Setting {
	second := s.Layers[len(s.Layers)-1]
	second.Units, second.Before, second.Decoder, second.Pool = maps, nil, 5, 2
	s.Layers = append(append([]Layer(nil), s.Layers...), second)
	return s
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// images returns the number of images that the layers learn from.
func (s Setting) images() int {
	if s.Learn > 0 {
		return min(s.Learn, s.Images)
	}
	return s.Images
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int {
	epochs := 0
	for _, l := range s.Layers {
		epochs += l.Epochs
	}
	return epochs * s.images()
}

// String describes the setting briefly: "2000 units, lifetime 5%, seed 0".
func (s Setting) String() string {
	var parts []string
	for _, l := range s.Layers {
		parts = append(parts, l.String())
	}
	return fmt.Sprintf("%s, seed %d", strings.Join(parts, " + "), s.Seed)
}

// String describes the layer briefly: "2000 units, lifetime 5%" or "128 maps, both 5%".
func (l Layer) String() string {
	kind := "units"
	if l.Kernel > 0 {
		kind = "maps"
	}
	text := fmt.Sprintf("%d %s, %s", l.Units, kind, l.Competition)
	if l.Share > 0 {
		text += fmt.Sprintf(" %g%%", 100*l.Share)
	}
	return text
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "wta15"}
	c.That(len(s.Layers) > 0, "Layers", len(s.Layers), "at least one")
	c.AtLeast("Learn", s.Learn, 0)
	c.AtLeast("Batch", s.Batch, 1)
	for i, l := range s.Layers {
		name := fmt.Sprintf("Layers[%d].", i)
		c.AtLeast(name+"Units", l.Units, 1)
		c.Positive(name+"Rate", l.Rate)
		c.AtLeast(name+"Epochs", l.Epochs, 1)
		l.checkShape(&c, name)
		l.checkCompetition(&c, name)
		if s.Batch > 0 && (l.Competition == Lifetime || l.Competition == Both) {
			last := s.Batch // images in the smallest batch
			if s.images() > 0 && s.images()%s.Batch > 0 {
				last = s.images() % s.Batch
			}
			c.That(competitive.Winning(l.Share, last) >= 1, name+"Share", l.Share, fmt.Sprintf(
				"a share that leaves at least one winner in every batch: the smallest one of %d images has %d", s.images(), last))
		}
		if i > 0 {
			c.That(l.Kernel == 0 || s.Layers[i-1].Kernel > 0, name+"Kernel", l.Kernel, "0 above a fully connected layer")
		}
	}
	return c.Err()
}

func (l Layer) checkShape(c *experiment.Check, name string) {
	odd := func(n int) bool { return n >= 1 && n%2 == 1 }
	if l.Kernel == 0 {
		c.That(l.Decoder == 0, name+"Decoder", l.Decoder, "0 without Kernel")
		c.That(l.Pool == 0, name+"Pool", l.Pool, "0 without Kernel")
		c.That(len(l.Before) == 0, name+"Before", l.Before, "none without Kernel")
		return
	}
	c.That(odd(l.Kernel), name+"Kernel", l.Kernel, "an odd number")
	c.That(odd(l.Decoder), name+"Decoder", l.Decoder, "an odd number")
	c.AtLeast(name+"Pool", l.Pool, 1)
	c.That(!l.Tied, name+"Tied", l.Tied, "false with Kernel")
	for j, maps := range l.Before {
		c.AtLeast(fmt.Sprintf("%sBefore[%d]", name, j), maps, 1)
	}
}

func (l Layer) checkCompetition(c *experiment.Check, name string) {
	if l.Kernel > 0 {
		c.OneOf(name+"Competition", l.Competition, None, Spatial, Both)
	} else {
		c.OneOf(name+"Competition", l.Competition, None, Units, Lifetime)
	}
	switch l.Competition {
	case None, Spatial:
		c.That(l.Share == 0, name+"Share", l.Share, "0 for this competition")
	default:
		c.That(l.Share > 0 && l.Share <= 1, name+"Share", l.Share, "a number > 0 and <= 1")
	}
	if l.Competition == Units && l.Units > 0 {
		c.That(competitive.Winning(l.Share, l.Units) >= 1, name+"Share", l.Share,
			fmt.Sprintf("a share that leaves at least one winner among %d units", l.Units))
	}
}

// schedule returns the learning rate.
func (l Layer) schedule() optim.Schedule {
	return optim.Steps(optim.Step{Epoch: 0, Rate: l.Rate}, optim.Step{Epoch: 0.7 * float64(l.Epochs), Rate: l.Rate / 10})
}
