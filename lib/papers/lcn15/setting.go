// SPDX-License-Identifier: Apache-2.0

// Package lcn15 trains networks whose units compete locally. It records which units are active: a different subnetwork
// for every input, encoded by package retrieval with one bit per unit [LCN15].
//
// A [Setting] describes one network completely. [ReLUNet], [LWTANet], [MaxoutNet] and others return the settings of the
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
	Maxout = "maxout" // the same, but a block has one output: that of its winner
)

// A Layer is a layer of competing units. If Kernel is positive, the layer is convolutional: neighbouring maps compete
// at each position, before pooling.
type Layer struct {
	Units      int     `json:"units"`                // competing units; maps of a convolutional layer
	Block      int     `json:"block,omitempty"`      // units per block, a divisor of Units; 0 with ReLU
	Kernel     int     `json:"kernel,omitempty"`     // rows and columns of the filters; 0 for a fully connected layer
	Pad        int     `json:"pad,omitempty"`        // zero padding of the input maps
	Pool       int     `json:"pool,omitempty"`       // rows and columns of the max-pooling window; 0 for no pooling
	PoolStride int     `json:"poolStride,omitempty"` // stride of the pooling
	PoolPad    int     `json:"poolPad,omitempty"`    // padding of the maps for pooling
	Dropout    float64 `json:"dropout,omitempty"`    // fraction of the layer's inputs set to zero in training
	NoRescale  bool    `json:"noRescale,omitempty"`  // do not divide the kept inputs by 1 - Dropout
	MaxNorm    float64 `json:"maxNorm,omitempty"`    // largest norm of a unit's weight vector; 0 for no limit
	LRScale    float64 `json:"lrScale,omitempty"`    // factor on the learning rate; 0 means 1
}

// A Setting describes one network and its training completely: the result depends on nothing else.
//
// Training is gradient descent with momentum on the cross-entropy. It keeps the weights of the epoch with the lowest
// validation error. If requested, fine-tuning on the training and validation images together follows.
type Setting struct {
	experiment.Source
	Competition string  `json:"competition"`    // ReLU, LWTA or Maxout
	Hidden      []Layer `json:"hidden"`         // layers of competing units
	Out         Layer   `json:"out"`            // output layer: only Dropout, NoRescale and MaxNorm apply
	Init        float64 `json:"init,omitempty"` // weights are drawn from [-Init, Init]; for 0 from N(0, 2/inputs)

	Rate          float64 `json:"rate"`          // initial learning rate
	FinalRate     float64 `json:"finalRate"`     // final learning rate
	LinearDecay   bool    `json:"linearDecay"`   // the rate decays linearly; otherwise exponentially
	Momentum      float64 `json:"momentum"`      // initial momentum
	FinalMomentum float64 `json:"finalMomentum"` // final momentum; it changes linearly
	Batch         int     `json:"batch"`
	Epochs        int     `json:"epochs"`             // maximum number of epochs
	Patience      int     `json:"patience,omitempty"` // epochs without a lower validation error; 0 never stops early
	Shift         int     `json:"shift,omitempty"`    // training images are shifted by up to this many pixels
	Flip          bool    `json:"flip,omitempty"`     // training images are mirrored with probability 1/2

	FinetuneEpochs int     `json:"finetuneEpochs,omitempty"` // epochs of fine-tuning on all images; 0 for none
	FinetuneRate   float64 `json:"finetuneRate,omitempty"`   // its initial rate, which decays linearly to FinalRate
	Seed           uint64  `json:"seed"`
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// Samples implements [experiment.Setting]. It returns an upper bound, because training may stop early. For fine-tuning
// it counts only the training images.
func (s Setting) Samples() int { return (s.Epochs + s.FinetuneEpochs) * s.Images }

// String describes the setting briefly: "maxout 1200-1200, dropout, seed 1".
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

// check checks the fields that hidden layers and the output layer share.
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
