// SPDX-License-Identifier: Apache-2.0

// Package lcn15 trains networks whose units compete locally, and records which units are active: a different subnetwork
// for every input, encoded by package retrieval with one bit per unit [LCN15].
//
// A [Setting] describes one network completely; [ReLUNet], [LWTANet], [MaxoutNet] and the others return those of the
// document's experiments:
//
//	data, err := experiment.LoadSplit("mnist")
//	result, err := lcn15.Train(ctx, lcn15.ReLUNet().On(data), data, experiment.Options{})
//	last := len(result.Net.Hidden) - 1
//	codes := result.Net.Submasks(data.Test.X, last)
package lcn15

import (
	"fmt"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/optim"
)

// The values of a setting's Competition.
const (
	ReLU   = "relu"   // each unit competes with zero
	LWTA   = "lwta"   // the units of a block compete; all but the winner output zero
	Maxout = "maxout" // the same, but the block has one output, its winner's
)

// A Layer is a layer of units that compete. With a Kernel it is convolutional, and then neighbouring maps compete at
// each position, before pooling.
type Layer struct {
	Units      int     `json:"units"`                // that compete; a convolutional layer's maps
	Block      int     `json:"block,omitempty"`      // units of a block, which must divide Units; 0 with ReLU
	Kernel     int     `json:"kernel,omitempty"`     // rows and columns of the filters; 0 for a fully connected layer
	Pad        int     `json:"pad,omitempty"`        // zeros around the maps that the filters see
	Pool       int     `json:"pool,omitempty"`       // rows and columns of the window of max-pooling; 0 for none
	PoolStride int     `json:"poolStride,omitempty"` // of the pooling
	PoolPad    int     `json:"poolPad,omitempty"`    // border of the maps that pooling windows may cover
	Dropout    float64 `json:"dropout,omitempty"`    // share of the layer's inputs that training sets to zero
	NoRescale  bool    `json:"noRescale,omitempty"`  // do not divide the other inputs by 1 - Dropout
	MaxNorm    float64 `json:"maxNorm,omitempty"`    // largest length of a unit's weight vector; 0 for no limit
	LRScale    float64 `json:"lrScale,omitempty"`    // factor on the learning rate; 0 is 1
}

// A Setting is one network and how it is trained: all that its result depends on.
//
// Training is gradient descent with momentum on the cross-entropy. It ends with the weights of the epoch that had the
// lowest error on the validation images. Fine-tuning follows, if asked for, on the training and the validation images
// together.
type Setting struct {
	experiment.Source
	Competition string  `json:"competition"`    // ReLU, LWTA or Maxout
	Hidden      []Layer `json:"hidden"`         // layers of competing units
	Out         Layer   `json:"out"`            // the output: Dropout, NoRescale and MaxNorm only
	Init        float64 `json:"init,omitempty"` // first weights lie in [-Init, Init]; 0 draws from N(0, 2/inputs)

	Rate          float64 `json:"rate"`          // learning rate at first
	FinalRate     float64 `json:"finalRate"`     // and in the end
	LinearDecay   bool    `json:"linearDecay"`   // the rate falls linearly; otherwise by the same factor in each epoch
	Momentum      float64 `json:"momentum"`      // at first
	FinalMomentum float64 `json:"finalMomentum"` // and in the end; it changes linearly
	Batch         int     `json:"batch"`
	Epochs        int     `json:"epochs"`             // at most
	Patience      int     `json:"patience,omitempty"` // epochs without a lower validation error; 0 never stops early
	Shift         int     `json:"shift,omitempty"`    // training images are moved by up to this many pixels each way
	Flip          bool    `json:"flip,omitempty"`     // and mirrored in half of the cases

	FinetuneEpochs int     `json:"finetuneEpochs,omitempty"` // on all images, afterwards
	FinetuneRate   float64 `json:"finetuneRate,omitempty"`   // at first; it falls linearly to FinalRate
	Seed           uint64  `json:"seed"`
}

// On returns the setting for some images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// Samples implements [experiment.Setting]: at most, as training may stop early. Fine-tuning counts the training images
// alone.
func (s Setting) Samples() int { return (s.Epochs + s.FinetuneEpochs) * s.Images }

// String describes the setting in a few words: "maxout 1200-1200, dropout, seed 1".
func (s Setting) String() string {
	units := make([]string, len(s.Hidden))
	dropout := s.Out.Dropout > 0
	for i, l := range s.Hidden {
		units[i] = fmt.Sprint(l.Units)
		dropout = dropout || l.Dropout > 0
	}
	text := s.Competition + " " + strings.Join(units, "-")
	if dropout {
		text += ", dropout"
	}
	return fmt.Sprintf("%s, seed %d", text, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "lcn15"}
	c.OneOf("Competition", s.Competition, ReLU, LWTA, Maxout)
	c.That(len(s.Hidden) > 0, "Hidden", s.Hidden, "at least one layer")
	c.NotNegative("Init", s.Init)
	c.Positive("Rate", s.Rate)
	c.Positive("FinalRate", s.FinalRate)
	c.That(s.FinalRate <= s.Rate, "FinalRate", s.FinalRate, "at most Rate")
	c.Share("Momentum", s.Momentum)
	c.Share("FinalMomentum", s.FinalMomentum)
	c.AtLeast("Batch", s.Batch, 1)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.AtLeast("Patience", s.Patience, 0)
	c.AtLeast("Shift", s.Shift, 0)
	c.AtLeast("FinetuneEpochs", s.FinetuneEpochs, 0)
	c.NotNegative("FinetuneRate", s.FinetuneRate)
	c.That(s.FinetuneEpochs == 0 || s.FinetuneRate >= s.FinalRate, "FinetuneRate", s.FinetuneRate, "at least FinalRate")
	for i, l := range s.Hidden {
		name := fmt.Sprintf("Hidden[%d].", i)
		c.AtLeast(name+"Units", l.Units, 1)
		c.That(s.Competition == ReLU || l.Block > 0 && l.Units%l.Block == 0, name+"Block", l.Block,
			fmt.Sprintf("a divisor of its %d units", l.Units))
		c.That(l.Kernel == 0 || i == 0 || s.Hidden[i-1].Kernel > 0, name+"Kernel", l.Kernel,
			"0 after a fully connected layer")
		l.check(&c, name)
	}
	c.That(s.Out.Kernel == 0, "Out.Kernel", s.Out.Kernel, "0")
	s.Out.check(&c, "Out.")
	return c.Err()
}

// check checks what hidden layers and the output have in common.
func (l Layer) check(c *experiment.Check, name string) {
	c.AtLeast(name+"Kernel", l.Kernel, 0)
	c.AtLeast(name+"Pad", l.Pad, 0)
	c.AtLeast(name+"Pool", l.Pool, 0)
	c.AtLeast(name+"PoolStride", l.PoolStride, 0)
	c.AtLeast(name+"PoolPad", l.PoolPad, 0)
	c.That(l.PoolPad == 0 || l.PoolPad < l.Pool, name+"PoolPad", l.PoolPad, "less than Pool")
	c.Share(name+"Dropout", l.Dropout)
	c.NotNegative(name+"MaxNorm", l.MaxNorm)
	c.NotNegative(name+"LRScale", l.LRScale)
}

// rate returns the schedule of the learning rate.
func (s Setting) rate() optim.Schedule {
	if s.LinearDecay {
		return optim.Linear(s.Rate, s.FinalRate, float64(s.Epochs))
	}
	return optim.Exponential(s.Rate, math.Pow(s.FinalRate/s.Rate, 1/float64(s.Epochs)), s.FinalRate)
}
