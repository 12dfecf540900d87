// SPDX-License-Identifier: Apache-2.0

// Package thesis21 trains networks that pay for being active, and measures how sparse they become: the fully connected
// and convolutional networks and the autoencoders of [Thesis21, chapters 3 and 4].
//
// The cost of a batch is the task's, plus a price lambda for the activity of all hidden layers [Thesis21, eqs. 2.1
// to 2.4]:
//
//	J = (1/N) sum_n ( E(y_n, t_n) + lambda sum_l w_l sum_i s(a_n,i of layer l) )
//
// with s(a) = |a|, or log(1 + a²) or -exp(-a²). A [Setting] says everything about one network, and is the key of its
// [Measures] in a sweep; a [Grid] is a set of settings, such as the 1600 networks behind figure 3.1:
//
//	grid, err := thesis21.Lookup("fc1", "paper")
//	data, err := thesis21.Load("mnist")
//	sweep := thesis21.Sweep(grid, data)
//	sweep.File = "fc1.jsonl"
//	rows, err := sweep.Run(ctx)
package thesis21

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/loss"
)

// The values of a setting's Task, Activation and Penalty.
const (
	Classify   = "classify"   // softmax and cross-entropy; Hidden may have any number of layers
	Autoencode = "autoencode" // reconstruct the input: a rectified output, mean squared error per pixel

	ReLU    = "relu"
	Sigmoid = "sigmoid"

	L1  = "l1"  // |a|
	Log = "log" // log(1 + a²)
	Exp = "exp" // -exp(-a²)
)

// A Shape is the hidden layers of a network: convolutional ones, if any, and then fully connected ones.
type Shape struct {
	Filters []int `json:"filters,omitempty"` // of each convolutional layer, with stride 1 and no padding
	Kernel  int   `json:"kernel,omitempty"`  // rows and columns of the filters
	Hidden  []int `json:"hidden"`            // units of each fully connected layer; for an autoencoder its code too
}

// FullyConnected returns the shape of fully connected hidden layers.
func FullyConnected(units ...int) Shape { return Shape{Hidden: units} }

// Layers returns the number of hidden layers.
func (s Shape) Layers() int { return len(s.Filters) + len(s.Hidden) }

// String returns the shape in a few words: "400-64-400", "6-16 filters of 7x7, 64".
func (s Shape) String() string {
	list := func(n []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", "-"), "[]") }
	if len(s.Filters) == 0 {
		return list(s.Hidden)
	}
	return fmt.Sprintf("%s filters of %dx%d, %s", list(s.Filters), s.Kernel, s.Kernel, list(s.Hidden))
}

// A Setting is one network and how it is trained: all that its result depends on. Adam with rate 0.001 and batches of
// 100 are the same for all [Thesis21, section 2.2.1].
type Setting struct {
	Task string `json:"task"` // Classify or Autoencode
	Data string `json:"data"` // name of the data, as Data.Name has it
	Sum  string `json:"sum"`  // what identifies them, as Data.Sum has it
	Shape
	Activation string    `json:"activation"`        // of the hidden units: ReLU or Sigmoid
	Penalty    string    `json:"penalty"`           // on their activity: L1, Log or Exp
	Weights    []float64 `json:"weights,omitempty"` // w_l of each hidden layer's penalty; none is 1 for each
	Lambda     float64   `json:"lambda"`            // price of activity, >= 0
	Epochs     int       `json:"epochs"`            // passes through the training images
	Seed       uint64    `json:"seed"`              // of the first weights and the order of the images

	// The thesis' proposals for future work: thresholds instead of free biases, and an output that hears nothing from
	// a silent network [Thesis21, sections 3.2.2 and 5.1].
	NegativeBiases bool `json:"negativeBiases,omitempty"` // hold the hidden units' biases below 0
	NoOutputBias   bool `json:"noOutputBias,omitempty"`   // leave out the biases of the output layer

	Trace bool `json:"trace,omitempty"` // keep the l1 activity of every training step in Measures.Trace
}

// On returns the setting for the data.
func (s Setting) On(d *Data) Setting {
	s.Data, s.Sum = d.Name(), d.Sum()
	return s
}

// String describes the setting in a few words, without data and epochs.
func (s Setting) String() string {
	text := fmt.Sprintf("%v %s, %s x %g, seed %d", s.Shape, s.Activation, s.Penalty, s.Lambda, s.Seed)
	for _, option := range []struct {
		on   bool
		text string
	}{
		{s.Weights != nil, fmt.Sprintf(", weighted %v", s.Weights)},
		{s.NegativeBiases, ", negative biases"},
		{s.NoOutputBias, ", no output bias"},
	} {
		if option.on {
			text += option.text
		}
	}
	return text
}

// Check returns an error that names the field which has no sense.
func (s Setting) Check() error {
	field := func(name string, value any, want string) error {
		return fmt.Errorf("thesis21: %s is %v: want %s", name, value, want)
	}
	known := func(name, value string, known ...string) error {
		if slices.Contains(known, value) {
			return nil
		}
		return field(name, fmt.Sprintf("%q", value), fmt.Sprintf("one of %q", known))
	}
	err := errors.Join(
		known("Task", s.Task, Classify, Autoencode),
		known("Activation", s.Activation, ReLU, Sigmoid),
		known("Penalty", s.Penalty, L1, Log, Exp))
	switch {
	case err != nil:
		return err
	case s.Layers() == 0 || len(s.Hidden) > 0 && slices.Min(s.Hidden) < 1:
		return field("Hidden", s.Hidden, "at least one layer of at least one unit")
	case len(s.Filters) > 0 && (slices.Min(s.Filters) < 1 || s.Task != Classify):
		return field("Filters", s.Filters, "at least one for each layer, of a classifier")
	case (s.Kernel != 0) != (len(s.Filters) > 0) || s.Kernel < 0:
		return field("Kernel", s.Kernel, "at least 1 with Filters, and 0 without")
	case !(s.Lambda >= 0) || math.IsInf(s.Lambda, 1):
		return field("Lambda", s.Lambda, "a number >= 0")
	case s.Epochs < 1:
		return field("Epochs", s.Epochs, "at least 1")
	case s.Weights != nil && len(s.Weights) != s.Layers():
		return field("Weights", s.Weights, fmt.Sprintf("one for each of the %d hidden layers, or none", s.Layers()))
	}
	for _, w := range s.Weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return field("Weights", s.Weights, "numbers >= 0")
		}
	}
	return nil
}

// price returns lambda w_l, the factor of hidden layer l's penalty.
func (s Setting) price(layer int) float32 {
	if s.Weights == nil {
		return float32(s.Lambda)
	}
	return float32(s.Lambda * s.Weights[layer])
}

// penalties are the functions s(a), summed over units, averaged over the batch and multiplied by a price.
var penalties = map[string]func(a *autograd.Var, price float32) *autograd.Var{
	L1:  loss.L1,
	Log: loss.LogActivity,
	Exp: loss.ExpActivity,
}

var activations = map[string]func(x *autograd.Var) *autograd.Var{
	ReLU:    autograd.ReLU,
	Sigmoid: autograd.Sigmoid,
}
