// SPDX-License-Identifier: Apache-2.0

package normalization

import (
	"context"
	"errors"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// ImageMetrics are the results of an [ImageSetting]. No epoch is chosen by a test image.
type ImageMetrics struct {
	Error      float64   `json:"error"`      // share of the test images, or those held out, that are wrong at the end
	Errors     []float64 `json:"errors"`     // the same after each epoch
	TrainError float64   `json:"trainError"` // of the first training images, as many as there are test images
	// Online is the error of training images just before the network learns from them, in equal parts of the training;
	// only for batches of one.
	Online []float64 `json:"online,omitempty"`
	First  Relation  `json:"first"` // of the first layer's net inputs, over test images
	// Joint is the joint histogram of the net inputs of the first two filters, over the same images; see [JointHistogram].
	Joint []int `json:"joint,omitempty"`
}

// An ImageResult is a trained network.
type ImageResult struct {
	Net     *ConvNet
	Mean    *Centre
	History *train.History
	Metrics ImageMetrics
}

// onlineParts is the number of means of [ImageMetrics.Online].
const onlineParts = 50

// TrainImages trains the network of a setting. With o.Dir it keeps checkpoints, from which a killed run resumes.
func TrainImages(ctx context.Context, s ImageSetting, d *experiment.Data, o experiment.Options) (*ImageResult, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source), checkImages(d)); err != nil {
		return nil, err
	}
	set, test := d.Train, d.Test
	if n := set.Len() - s.Held; s.Held > 0 {
		set, test = set.Slice(0, n), set.Slice(n, set.Len())
	}
	if s.Part > 0 {
		set = set.Slice(0, min(s.Part, set.Len()))
	}
	channels, classes := set.X.Dim(1), len(set.Classes)
	net, err := NewConvNet(s.Variant, channels, classes, s.Strength, tensor.Stream(s.Seed, "weights"))
	if err != nil {
		return nil, err
	}
	if s.Dropout > 0 {
		net.Dropout = nn.NewDropout(float32(s.Dropout), tensor.Stream(s.Seed, "dropout"))
	}
	r := &ImageResult{Net: net, Mean: NewCentre(set, 255)}
	c := train.Config{
		Learner: &train.GradientDescent{
			Model: net, Loss: r.objective, Schedule: s.schedule(), Workers: o.Workers,
			Optimizer: &optim.SGD{Momentum: 0.9, WeightDecay: s.Decay},
		},
		Train: set, Valid: test, Epochs: s.Epochs, BatchSize: s.Batch, Seed: s.Seed, Key: s,
		Dir: o.Dir, Every: o.Every, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	}
	if s.Batch == 1 {
		c.Trace = []string{"error"}
	}
	if r.History, err = train.Run(ctx, c); err != nil {
		return r, err
	}
	return r, r.measure(c, set, test)
}

// objective is the cross-entropy and the penalty.
func (r *ImageResult) objective(b *train.Batch) *autograd.Var {
	logits, penalty := r.Net.Forward(r.Mean.Input(b))
	b.Error(logits)
	cost := loss.CrossEntropy(logits, b.Y)
	if penalty != nil && b.Training() {
		cost = autograd.Add(cost, penalty)
	}
	return cost
}

func (r *ImageResult) measure(c train.Config, set, test *dataset.Set) error {
	m := &r.Metrics
	for _, e := range r.History.Epochs {
		m.Error = e.Valid["error"]
		m.Errors = append(m.Errors, m.Error)
	}
	c.BatchSize = 100
	seen, err := train.Evaluate(c, set.Slice(0, min(test.Len(), set.Len())))
	if err != nil {
		return err
	}
	m.TrainError = seen["error"]
	if trace := r.History.Trace["error"]; len(trace) > 0 {
		m.Online = parts(trace, onlineParts)
	}
	z := r.FirstLayer(test.X.Slice(0, min(100, test.Len())))
	m.First, m.Joint = Relate(z), JointHistogram(z.Row(0), z.Row(1))
	return nil
}

// FirstLayer returns the net inputs of the first layer for images, before normalisation: [filters, N·H·W].
func (r *ImageResult) FirstLayer(x *tensor.Tensor) *tensor.Tensor {
	var z *tensor.Tensor
	r.Net.Observe(r.Mean.Of(autograd.NewTape(0), x), func(layer int, v *autograd.Var) {
		if layer > 0 {
			return
		}
		s := v.Shape()
		z = tensor.New(s[1], s[0]*s[2]*s[3])
		for n := range s[0] {
			for f := range s[1] {
				copy(z.Row(f)[n*s[2]*s[3]:], v.Value().Row(n)[f*s[2]*s[3]:(f+1)*s[2]*s[3]])
			}
		}
	})
	return z
}

// parts returns the means of n parts of x, or x itself if it is shorter.
func parts[F float32 | float64](x []F, n int) []float64 {
	n = min(n, len(x))
	means := make([]float64, n)
	for i := range means {
		part := x[i*len(x)/n : (i+1)*len(x)/n]
		for _, v := range part {
			means[i] += float64(v) / float64(len(part))
		}
	}
	return means
}

// A Centre subtracts the mean image of a training set from images in [0, 1] and multiplies the rest by Scale.
type Centre struct {
	Mean  []float32
	Scale float32

	buffer tensor.Tensor
}

// NewCentre returns the centre of a training set. The authors' programs take the mean over training and test images; we
// leave the test images out.
func NewCentre(set *dataset.Set, scale float32) *Centre {
	sums := make([]float64, set.X.Width())
	for i := range set.Len() {
		for j, v := range set.X.Row(i) {
			sums[j] += float64(v)
		}
	}
	c := &Centre{Mean: make([]float32, len(sums)), Scale: scale}
	for j, v := range sums {
		c.Mean[j] = float32(v / float64(set.Len()))
	}
	return c
}

// Input returns the centred images of a batch.
func (c *Centre) Input(b *train.Batch) *autograd.Var { return c.Of(b.Tape(), b.X.Value()) }

// Of returns centred images on a tape. They are valid until the next call.
func (c *Centre) Of(t *autograd.Tape, x *tensor.Tensor) *autograd.Var {
	c.buffer.Resize(x.Shape()...)
	for i := range x.Rows() {
		row := c.buffer.Row(i)
		simd.Sub(row, x.Row(i), c.Mean)
		simd.Scale(row, c.Scale, row)
	}
	return t.Input(&c.buffer)
}
