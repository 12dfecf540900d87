// SPDX-License-Identifier: Apache-2.0

// Package lcn15 trains networks whose units compete locally, and says which of them answer: for every input another
// subnetwork, coded by package submask as one bit a unit [LCN15].
//
// A [Setting] says everything about one network; [Relu], [Lwta], [Maxout2] and the others return those of the document's
// experiments:
//
//	data, err := thesis21.Load("mnist")
//	trained, err := lcn15.Train(ctx, lcn15.Relu().On(data), data, lcn15.Options{})
//	last := len(trained.Net.Hidden) - 1
//	codes := trained.Net.Submasks(data.Test.X, last)
package lcn15

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
)

// The values of a setting's Competition.
const (
	ReLU   = "relu"   // each unit competes with zero
	LWTA   = "lwta"   // the units of a block compete; the losers are silent
	Maxout = "maxout" // the same, but the winner speaks for its block
)

// A Layer is a layer of units that compete. With a Kernel it is convolutional, and then neighbouring maps compete at each
// place, before pooling.
type Layer struct {
	Units  int     `json:"units"`            // that compete; a convolutional layer's maps
	Block  int     `json:"block,omitempty"`  // units of a block, which must divide Units; 0 with ReLU
	Kernel int     `json:"kernel,omitempty"` // rows and columns of the filters; 0 for a fully connected layer
	Pad    int     `json:"pad,omitempty"`    // zeros around the maps that the filters see
	Pool   int     `json:"pool,omitempty"`   // rows and columns of the window of which the largest passes; 0 for none
	Stride int     `json:"stride,omitempty"` // of the pooling
	Early  int     `json:"early,omitempty"`  // how far the first window begins above and to the left of the maps
	Drop   float64 `json:"drop,omitempty"`   // share of the layer's inputs that training silences
	Raw    bool    `json:"raw,omitempty"`    // do not divide the others by 1 - Drop
	Norm   float64 `json:"norm,omitempty"`   // longest vector of a unit's weights; 0 for no limit
	Slow   float64 `json:"slow,omitempty"`   // factor on the learning rate; 0 is 1
}

// A Setting is one network and how it is trained: all that its result depends on.
//
// Training is gradient descent with momentum on the cross-entropy. It ends with the weights of the epoch that had the
// lowest error on the validation images. More epochs follow, if asked for, on the training and the validation images
// together.
type Setting struct {
	Data        string  `json:"data"`           // name of the data, as thesis21.Data has it
	Sum         string  `json:"sum"`            // what identifies them, as thesis21.Data has it
	Competition string  `json:"competition"`    // ReLU, LWTA or Maxout
	Hidden      []Layer `json:"hidden"`         // layers of competing units
	Out         Layer   `json:"out"`            // the output: Drop, Raw and Norm only
	Init        float64 `json:"init,omitempty"` // first weights lie in [-Init, Init]; 0 draws from N(0, 2/inputs)

	Rate      float64 `json:"rate"`          // learning rate at first
	FinalRate float64 `json:"finalRate"`     // and in the end
	Line      bool    `json:"line"`          // it falls along a straight line; else by the same factor in each epoch
	Momentum  float64 `json:"momentum"`      // at first
	Final     float64 `json:"finalMomentum"` // and in the end, along a straight line
	Batch     int     `json:"batch"`
	Epochs    int     `json:"epochs"`             // at most
	Patience  int     `json:"patience,omitempty"` // epochs without a lower validation error after which training ends; 0 for all
	Shift     int     `json:"shift,omitempty"`    // training images are moved by up to this many pixels each way
	Mirror    bool    `json:"mirror,omitempty"`   // and mirrored in half of the cases
	More      int     `json:"more,omitempty"`     // epochs on all images that follow
	MoreRate  float64 `json:"moreRate,omitempty"` // learning rate of these at first; it falls in a line to FinalRate
	Seed      uint64  `json:"seed"`
}

// On returns the setting for the data.
func (s Setting) On(d *thesis21.Data) Setting {
	s.Data, s.Sum = d.Name(), d.Sum()
	return s
}

// String describes the setting in a few words: "maxout 1200-1200, dropout, seed 1".
func (s Setting) String() string {
	units := make([]string, len(s.Hidden))
	dropout := s.Out.Drop > 0
	for i, l := range s.Hidden {
		units[i] = fmt.Sprint(l.Units)
		dropout = dropout || l.Drop > 0
	}
	text := s.Competition + " " + strings.Join(units, "-")
	if dropout {
		text += ", dropout"
	}
	return fmt.Sprintf("%s, seed %d", text, s.Seed)
}

// Check returns an error that names the field which has no sense.
func (s Setting) Check() error {
	field := func(name string, value any, want string) error {
		return fmt.Errorf("lcn15: %s is %v: want %s", name, value, want)
	}
	positive := func(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
	switch {
	case !slices.Contains([]string{ReLU, LWTA, Maxout}, s.Competition):
		return field("Competition", fmt.Sprintf("%q", s.Competition), "relu, lwta or maxout")
	case len(s.Hidden) == 0:
		return field("Hidden", s.Hidden, "at least one layer")
	case !positive(s.Rate):
		return field("Rate", s.Rate, "a positive number")
	case !positive(s.FinalRate) || s.FinalRate > s.Rate:
		return field("FinalRate", s.FinalRate, "more than 0 and at most Rate")
	case !(s.Momentum >= 0 && s.Momentum < 1) || !(s.Final >= 0 && s.Final < 1):
		return field("Momentum, Final", []float64{s.Momentum, s.Final}, "0 or more, less than 1")
	case !(s.Init >= 0) || math.IsInf(s.Init, 1):
		return field("Init", s.Init, "a number >= 0")
	case s.Batch < 1 || s.Epochs < 1:
		return field("Batch, Epochs", []int{s.Batch, s.Epochs}, "at least 1")
	case s.Patience < 0 || s.Shift < 0 || s.More < 0:
		return field("Patience, Shift, More", []int{s.Patience, s.Shift, s.More}, "0 or more")
	case s.More > 0 && !(positive(s.MoreRate) && s.MoreRate >= s.FinalRate):
		return field("MoreRate", s.MoreRate, "at least FinalRate")
	}
	flat := false
	for i, l := range append(slices.Clone(s.Hidden), s.Out) {
		out := i == len(s.Hidden)
		name := fmt.Sprintf("layer %d", i+1)
		switch {
		case !out && l.Units < 1:
			return field("Units of "+name, l.Units, "at least 1")
		case !out && s.Competition != ReLU && (l.Block < 1 || l.Units%l.Block != 0):
			return field("Block of "+name, l.Block, fmt.Sprintf("a divisor of its %d units", l.Units))
		case !(l.Drop >= 0 && l.Drop < 1):
			return field("Drop of "+name, l.Drop, "0 or more, less than 1")
		case !(l.Norm >= 0) || !(l.Slow >= 0):
			return field("Norm, Slow of "+name, []float64{l.Norm, l.Slow}, "0 or more")
		case l.Kernel < 0 || l.Pad < 0 || l.Pool < 0 || l.Stride < 0 || l.Early < 0 || l.Early > 0 && l.Early >= l.Pool:
			return field("Kernel, Pad, Pool, Stride, Early of "+name, []int{l.Kernel, l.Pad, l.Pool, l.Stride, l.Early},
				"0 or more, and Early less than Pool")
		case l.Kernel > 0 && (flat || out):
			return field("Kernel of "+name, l.Kernel, "0 behind a fully connected layer, and in the output")
		}
		flat = flat || l.Kernel == 0
	}
	return nil
}

// rate returns the schedule of the learning rate.
func (s Setting) rate() optim.Schedule {
	if s.Line {
		return optim.Linear(s.Rate, s.FinalRate, float64(s.Epochs))
	}
	return optim.Exponential(s.Rate, math.Pow(s.FinalRate/s.Rate, 1/float64(s.Epochs)), s.FinalRate)
}
