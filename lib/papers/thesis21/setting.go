// SPDX-License-Identifier: Apache-2.0

// Package thesis21 trains networks under an activity penalty and measures how sparse they become. It covers the fully
// connected and convolutional networks and the autoencoders of [Thesis21, chapters 3 and 4].
//
// The cost of a batch is the cost of the task plus a penalty on the activity of all hidden layers [Thesis21, eqs. 2.1
// to 2.4]:
//
//	J = (1/N) sum_n ( E(y_n, t_n) + lambda sum_l w_l sum_i s(a_n,i of layer l) )
//
// with s(a) = |a|, or log(1 + a²) or -exp(-a²). A [Setting] describes one network completely, and is the key of its
// [Metrics] in a sweep. [Grids] are the sets of settings behind the figures, such as the 1600 networks of figure 3.1:
//
//	grid, err := thesis21.Grids.Lookup("fc1", experiment.Paper)
//	data, err := experiment.LoadSplit("mnist")
//	rows, err := thesis21.Grids.Sweep(grid.Settings(data.Source()), data, "fc1.jsonl").Run(ctx)
package thesis21

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
)

// The values of a setting's Task, Activation and Penalty.
const (
	Classify   = "classify"   // softmax and cross-entropy; Hidden may have any number of layers
	Autoencode = "autoencode" // reconstruction of the input: rectified output, mean squared error per pixel

	ReLU    = "relu"
	Sigmoid = "sigmoid"

	L1  = "l1"  // |a|
	Log = "log" // log(1 + a²)
	Exp = "exp" // -exp(-a²)
)

// A Shape describes the hidden layers of a network: convolutional layers, if any, followed by fully connected ones.
type Shape struct {
	Filters []int `json:"filters,omitempty"` // number in each convolutional layer, which has stride 1 and no padding
	Kernel  int   `json:"kernel,omitempty"`  // rows and columns of the filters
	Hidden  []int `json:"hidden"`            // units of each fully connected layer, including an autoencoder's code
}

// FullyConnected returns a shape with fully connected hidden layers only.
func FullyConnected(units ...int) Shape { return Shape{Hidden: units} }

// Layers returns the number of hidden layers.
func (s Shape) Layers() int { return len(s.Filters) + len(s.Hidden) }

// String describes the shape briefly: "400-64-400", "6-16 filters of 7x7, 64".
func (s Shape) String() string {
	list := func(n []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", "-"), "[]") }
	if len(s.Filters) == 0 {
		return list(s.Hidden)
	}
	return fmt.Sprintf("%s filters of %dx%d, %s", list(s.Filters), s.Kernel, s.Kernel, list(s.Hidden))
}

// A Setting describes one network and its training completely: the result depends on nothing else. All networks are
// trained by Adam with a learning rate of 0.001 and batches of 100 [Thesis21, section 2.2.1].
type Setting struct {
	experiment.Source
	Task string `json:"task"` // Classify or Autoencode
	Shape
	Activation string    `json:"activation"`        // of the hidden units: ReLU or Sigmoid
	Penalty    string    `json:"penalty"`           // on the activity of the hidden units: L1, Log or Exp
	Weights    []float64 `json:"weights,omitempty"` // w_l, the penalty weight of each hidden layer; if empty, all are 1
	Lambda     float64   `json:"lambda"`            // factor of the penalty, >= 0
	Epochs     int       `json:"epochs"`            // passes through the training images
	Seed       uint64    `json:"seed"`              // of the initial weights and the order of images

	// Proposals of the thesis for future work: thresholds instead of free biases, and an output that depends only on the
	// hidden units [Thesis21, sections 3.2.2 and 5.1].
	NegativeBiases bool `json:"negativeBiases,omitempty"` // keep the biases of hidden units below 0
	NoOutputBias   bool `json:"noOutputBias,omitempty"`   // omit the biases of the output layer

	Trace bool `json:"trace,omitempty"` // record the l1 activity of every training step in Metrics.Trace
}

// On returns the setting for the given images.
func (s Setting) On(d *experiment.Data) Setting { return s.At(d.Source(), s.Seed) }

// At implements [experiment.Setting].
func (s Setting) At(src experiment.Source, seed uint64) Setting {
	s.Source, s.Seed = src, seed
	return s
}

// Samples implements [experiment.Setting].
func (s Setting) Samples() int { return s.Epochs * s.Images }

// String describes the setting briefly, without images and epochs.
func (s Setting) String() string {
	text := fmt.Sprintf("%v %s, %s x %g", s.Shape, s.Activation, s.Penalty, s.Lambda)
	if s.Weights != nil {
		text += fmt.Sprintf(", weighted %v", s.Weights)
	}
	if s.NegativeBiases {
		text += ", negative biases"
	}
	if s.NoOutputBias {
		text += ", no output bias"
	}
	return fmt.Sprintf("%s, seed %d", text, s.Seed)
}

// Check returns an error that names the invalid fields.
func (s Setting) Check() error {
	c := experiment.Check{Package: "thesis21"}
	c.OneOf("Task", s.Task, Classify, Autoencode)
	c.OneOf("Activation", s.Activation, ReLU, Sigmoid)
	c.OneOf("Penalty", s.Penalty, L1, Log, Exp)
	c.That(s.Layers() > 0 && least(s.Hidden) >= 1, "Hidden", s.Hidden, "at least one layer of at least one unit")
	c.That(least(s.Filters) >= 1 && (len(s.Filters) == 0 || s.Task == Classify), "Filters", s.Filters,
		"at least one for each layer, of a classifier")
	c.That((s.Kernel > 0) == (len(s.Filters) > 0) && s.Kernel >= 0, "Kernel", s.Kernel,
		"at least 1 with Filters, and 0 without")
	c.NotNegative("Lambda", s.Lambda)
	c.AtLeast("Epochs", s.Epochs, 1)
	c.That(s.Weights == nil || len(s.Weights) == s.Layers(), "Weights", s.Weights,
		fmt.Sprintf("one for each of the %d hidden layers, or none", s.Layers()))
	for l, w := range s.Weights {
		c.NotNegative(fmt.Sprintf("Weights[%d]", l), w)
	}
	return c.Err()
}

// least returns the minimum of the numbers, or 1 if there are none.
func least(numbers []int) int { return slices.Min(append([]int{1}, numbers...)) }

// penalty returns the penalty on the activations of a hidden layer, or nil if its factor is 0.
func (s Setting) penalty(layer int, a *autograd.Var) *autograd.Var {
	factor := float32(s.Lambda)
	if s.Weights != nil {
		factor = float32(s.Lambda * s.Weights[layer])
	}
	if factor == 0 {
		return nil
	}
	return penalties[s.Penalty](a, factor)
}

// penalties are the functions s(a), summed over units, averaged over the batch, and multiplied by lambda.
var penalties = map[string]func(a *autograd.Var, lambda float32) *autograd.Var{
	L1:  loss.L1,
	Log: loss.LogActivity,
	Exp: loss.ExpActivity,
}

var activations = map[string]func(x *autograd.Var) *autograd.Var{
	ReLU:    autograd.ReLU,
	Sigmoid: autograd.Sigmoid,
}
