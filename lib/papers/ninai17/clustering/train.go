// SPDX-License-Identifier: Apache-2.0

package clustering

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/papers/ninai17/normalization"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Net is the network with the centres of its layers, nil for none.
type Net struct {
	*normalization.ConvNet
	Clusters []*loss.Clusters
}

// denseStd is the standard deviation of the initial weights of dense layers. Centres have that of their layer's
// weights.
const denseStd = 0.1

// NewNet returns the network of a setting for images of the given shape [C, H, W]: that of table 10 without
// normalisation, but with one standard deviation of the initial weights of all convolutions.
func NewNet(s Setting, image []int, classes int) (*Net, error) {
	rng := tensor.Stream(s.Seed, "weights")
	conv, err := normalization.NewConvNet(normalization.Baseline, image[0], classes, normalization.Strength{}, rng)
	if err != nil {
		return nil, err
	}
	for i, c := range conv.Convs {
		in, out := c.Weight.Value().Width(), c.Weight.Rows()
		rng := tensor.Stream(s.Seed, fmt.Sprint("convolution ", i))
		nn.TruncatedNormal(float32(s.Std))(c.Weight.Value(), nil, in, out, rng)
	}
	n := &Net{ConvNet: conv}
	switch {
	case s.Regulariser == Dropout:
		conv.Dropout = nn.NewDropout(float32(s.Strength), tensor.Stream(s.Seed, "dropout"))
	case s.Regulariser.clusters():
		n.addClusters(s, image, classes)
	}
	return n, nil
}

func (n *Net) addClusters(s Setting, image []int, classes int) {
	h, w := image[1], image[2]
	for i, conv := range n.Convs {
		channels := conv.Weight.Rows()
		length := map[Regulariser]int{Sample: channels * h * w, Spatial: channels, Channel: h * w}[s.Regulariser]
		n.Clusters = append(n.Clusters, loss.NewClusters(loss.Clustered(s.Regulariser), s.Centres, length, float32(s.Std),
			tensor.Stream(s.Seed, fmt.Sprint("centres ", i))))
		h, w = (h+1)/2, (w+1)/2
	}
	for i, length := range []int{n.Hidden.Weight.Rows(), classes} {
		n.Clusters = append(n.Clusters, loss.NewClusters(loss.Samples, s.Centres, length, denseStd,
			tensor.Stream(s.Seed, fmt.Sprint("dense centres ", i))))
	}
}

// Metrics are the results of a setting. No epoch is chosen by a test image.
type Metrics struct {
	Error      float64   `json:"error"`      // share of the test images that are wrong after the last epoch
	TrainError float64   `json:"trainError"` // of training images, at most as many as there are test images
	Errors     []float64 `json:"errors"`     // of the test images after each epoch
	// Used is the number of centres of each layer to which the first 1000 test images assign anything.
	Used []int `json:"used,omitempty"`
	// Hidden is the centre of the hidden dense layer to which each of the first 1000 test images is assigned.
	Hidden []int `json:"hidden,omitempty"`
}

// hidden is the index of the hidden dense layer among the layers with clusters.
const hidden = 3

// A Result is a trained network.
type Result struct {
	Net     *Net
	Mean    *normalization.Centre
	History *train.History
	Metrics Metrics

	seen   []*autograd.Var // the net inputs of the layers in the last pass
	reseed bool            // a new epoch begins
}

// least is the number of uses in an epoch below which a centre is moved, that of the authors' program.
const least = 10

// learner is gradient descent that moves the centres that were hardly used, with the first batch of each epoch.
type learner struct {
	*train.GradientDescent
	result *Result
}

// BeginEpoch implements [train.EpochLearner].
func (l *learner) BeginEpoch() { l.result.reseed = true }

// moveCentres moves the centres that were hardly used in the epoch before to net inputs of a batch. The document's
// authors move centres only if every layer has some that are hardly used; here layers are independent.
func (r *Result) moveCentres() {
	for i, c := range r.Net.Clusters {
		if c.Used() > 0 {
			c.Reseed(r.seen[i], least)
		}
	}
	r.reseed = false
}

// Train trains the network of a setting. With o.Dir it keeps checkpoints, from which a killed run resumes.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	set := d.Train
	if s.Part > 0 {
		set = set.Slice(0, min(s.Part, set.Len()))
	}
	net, err := NewNet(s, set.X.Shape()[1:], len(set.Classes))
	if err != nil {
		return nil, err
	}
	r := &Result{Net: net, Mean: normalization.NewCentre(set, 1)}
	sgd := &optim.SGD{Momentum: 0.9}
	if s.Regulariser == Decay {
		sgd.WeightDecay = s.Strength
	}
	c := train.Config{
		Learner: &learner{result: r, GradientDescent: &train.GradientDescent{
			Model: net, Optimizer: sgd, Workers: o.Workers,
			Loss:     func(b *train.Batch) *autograd.Var { return r.objective(s, b) },
			Schedule: optim.Exponential(s.Rate, math.Pow(s.Fall, 1/float64(s.Epochs)), 0),
		}},
		Train: set, Valid: d.Test, Epochs: s.Epochs, BatchSize: 100, Seed: s.Seed, Key: s,
		Dir: o.Dir, Every: o.Every, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
	if r.History, err = train.Run(ctx, c); err != nil {
		return r, err
	}
	return r, r.measure(c, set, d.Test)
}

// objective is the cross-entropy and, in training, the regulariser of the net inputs.
func (r *Result) objective(s Setting, b *train.Batch) *autograd.Var {
	r.seen = r.seen[:0]
	logits, _ := r.Net.Observe(r.Mean.Input(b), func(_ int, z *autograd.Var) { r.seen = append(r.seen, z) })
	b.Error(logits)
	cost := loss.CrossEntropy(logits, b.Y)
	if !b.Training() {
		return cost
	}
	if r.reseed {
		r.moveCentres()
	}
	for i, c := range r.Net.Clusters {
		cost = autograd.Add(cost, c.Loss(r.seen[i], float32(s.Strength)))
	}
	if s.Regulariser == DeCov {
		cost = autograd.Add(cost, loss.DeCov(r.seen[hidden], float32(s.Strength)))
	}
	return cost
}

func (r *Result) measure(c train.Config, set, test *dataset.Set) error {
	m := &r.Metrics
	for _, e := range r.History.Epochs {
		m.Error = e.Valid["error"]
		m.Errors = append(m.Errors, m.Error)
	}
	seen, err := train.Evaluate(c, set.Slice(0, min(test.Len(), set.Len())))
	m.TrainError = seen["error"]
	for i := range r.Net.Clusters {
		used, centres := map[int]bool{}, r.Assign(i, test.X.Slice(0, min(1000, test.Len())))
		for _, k := range centres {
			used[k] = true
		}
		if m.Used = append(m.Used, len(used)); i == hidden {
			m.Hidden = centres
		}
	}
	return err
}

// Assign returns the nearest centre of each row of a layer's net inputs for images; see [loss.Clustered] for the rows.
func (r *Result) Assign(layer int, x *tensor.Tensor) (centres []int) {
	const batch = 100
	tape := autograd.NewTape(0)
	for i := 0; i < x.Rows(); i += batch {
		tape.Reset()
		r.Net.Observe(r.Mean.Of(tape, x.Slice(i, min(i+batch, x.Rows()))), func(at int, z *autograd.Var) {
			if at == layer {
				centres = append(centres, r.Net.Clusters[layer].Assign(z)...)
			}
		})
	}
	return centres
}
