// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Metrics are the results of a setting. All fields except Epochs and Trace describe the trained network on the test
// images.
type Metrics struct {
	Loss     float64 `json:"loss"`     // cross-entropy in nats, or MSE, without the penalty
	Accuracy float64 `json:"accuracy"` // fraction classified correctly [Thesis21, eq. 2.5]; 0 for autoencoders
	Layers   []Layer `json:"layers"`   // activity of the hidden layers, in order
	Sample   Sample  `json:"sample"`   // measured on 1000 of the images

	// Skewness is the skewness of the weights of each hidden layer, then of the output layer, and finally of all weights
	// together [Thesis21, figs. A.3 and A.4].
	Skewness []float64 `json:"skewness"`

	Epochs []Epoch `json:"epochs"` // the course of training
	// Trace is the sum of the hidden layers' l1 per image at each training step, if Setting.Trace is set [Thesis21, fig.
	// 3.6].
	Trace []float32 `json:"trace,omitempty"`
}

// A Layer holds statistics of the activity of a hidden layer, computed for each image.
type Layer struct {
	Units int    `json:"units"`
	L0    Spread `json:"l0"`    // active units [Thesis21, eq. 2.6]
	L1    Spread `json:"l1"`    // sum of the magnitudes [Thesis21, eq. 2.7]
	Gini  Spread `json:"gini"`  // see sparsity.Gini
	Hoyer Spread `json:"hoyer"` // see sparsity.Hoyer
	Dead  int    `json:"dead"`  // units that are never active
}

// A Spread is the mean and the standard deviation over images.
type Spread struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

// A Sample holds what the thesis measures on 1000 images, here the same number from each class.
type Sample struct {
	Accuracy float64   `json:"accuracy"` // 0 for autoencoders
	Gini     []float64 `json:"gini"`     // mean over images, of each hidden layer
}

// Weighted returns the accuracy times the Gini index, the latter averaged over hidden layers. It measures the trade-off
// between accuracy and sparsity [Thesis21, fig. 3.7].
func (s Sample) Weighted() float64 {
	sum := 0.0
	for _, g := range s.Gini {
		sum += g
	}
	return s.Accuracy * sum / float64(len(s.Gini))
}

// An Epoch holds measurements after an epoch. Loss includes the penalty; Error is 0 for autoencoders.
type Epoch struct {
	TrainLoss  float64   `json:"trainLoss"` // mean over the training batches, measured during training
	TrainError float64   `json:"trainError"`
	Loss       float64   `json:"loss"` // on the validation images, like the fields below
	Error      float64   `json:"error"`
	L0         []float64 `json:"l0"` // mean over images, for each hidden layer
	L1         []float64 `json:"l1"`
}

// Inactive returns the fraction of all hidden units that are inactive, averaged over images [Thesis21, fig. 4.16].
func (m *Metrics) Inactive() float64 {
	active, units := 0.0, 0
	for _, l := range m.Layers {
		active += l.L0.Mean
		units += l.Units
	}
	return 1 - active/float64(units)
}

// measure evaluates the trained network.
func (t *trainer) measure(h *train.History, d *experiment.Data) Metrics {
	all, sample := t.test(d.Test), t.test(sample(d.Test))
	m := Metrics{Loss: all.loss, Accuracy: all.accuracy, Sample: Sample{Accuracy: sample.accuracy}}
	for i, p := range all.profiles {
		m.Layers = append(m.Layers, Layer{
			Units: len(p.Counts), Dead: len(p.DeadUnits()),
			L0: spread(p.L0), L1: spread(p.L1), Gini: spread(p.Gini), Hoyer: spread(p.Hoyer),
		})
		m.Sample.Gini = append(m.Sample.Gini, sample.profiles[i].Gini.Mean)
	}
	weights := t.net.weights()
	for _, w := range append(weights, slices.Concat(weights...)) {
		m.Skewness = append(m.Skewness, sparsity.Skewness(w))
	}
	for _, e := range h.Epochs {
		epoch := Epoch{
			TrainLoss: e.Train["loss"], TrainError: e.Train["error"],
			Loss: e.Valid["loss"], Error: e.Valid["error"],
		}
		for _, name := range t.names {
			epoch.L0 = append(epoch.L0, e.Valid[name+" l0"])
			epoch.L1 = append(epoch.L1, e.Valid[name+" l1"])
		}
		m.Epochs = append(m.Epochs, epoch)
	}
	for _, v := range h.Trace["l1"] {
		m.Trace = append(m.Trace, float32(v))
	}
	return m
}

func spread(s sparsity.Stat) Spread { return Spread{s.Mean, s.Std()} }

// A tested holds the performance on a set and the activity of each hidden layer.
type tested struct {
	loss, accuracy float64
	profiles       []sparsity.Profile
}

// test evaluates the network on a set, in batches.
func (t *trainer) test(set *dataset.Set) tested {
	const part = 500
	result := tested{profiles: make([]sparsity.Profile, t.Shape.Layers())}
	tape := autograd.NewTape(1)
	right := 0
	for from := 0; from < set.Len(); from += part {
		images := set.Slice(from, min(from+part, set.Len()))
		tape.Reset()
		x := tape.Input(images.X)
		layers := t.net.Layers(nil, x)
		for i := range result.profiles {
			result.profiles[i].Add(layers[i].Value())
		}
		out := layers[len(layers)-1]
		var cost *autograd.Var
		if t.Task == Autoencode {
			cost = loss.MSE(out, autograd.Reshape(x, out.Rows(), out.Width()))
		} else {
			cost = loss.CrossEntropy(out, images.Y)
			right += images.Len() - metrics.Errors(out.Value(), images.Y)
		}
		result.loss += float64(cost.Scalar()) * float64(images.Len()) / float64(set.Len())
	}
	result.accuracy = float64(right) / float64(set.Len())
	return result
}

// sampleSize is the number of test images for the measurements that the thesis makes on fewer images.
const sampleSize = 1000

// sample returns a subset with the same number of images in each class [Thesis21, figs. 3.3, 3.4, 3.7]: 1000 images or,
// from a smaller set, as many as keep the classes equal.
func sample(set *dataset.Set) *dataset.Set {
	counts := make([]int, len(set.Classes))
	for _, y := range set.Y {
		counts[y]++
	}
	return set.Balanced(min(slices.Min(counts), sampleSize/len(counts)), tensor.Stream(1, "activity/sample"))
}
