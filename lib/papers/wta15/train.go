// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Result is a trained stack and the history of its training.
type Result struct {
	Setting   Setting
	Input     []int // shape of an image
	Stack     *Stack
	Histories []*train.History // of the layers; see [Learner]
}

// Train trains the layers of a setting one after the other, without labels. If ctx is cancelled, the error wraps the
// cause.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	return TrainOn(ctx, s, d.Train.Slice(0, s.images()), o)
}

// TrainOn is [Train] for images of any origin, such as patches. It uses all of them, and neither the setting's source
// nor its field Learn.
func TrainOn(ctx context.Context, s Setting, images *dataset.Set, o experiment.Options) (*Result, error) {
	s.Images, s.Learn = images.Len(), 0
	if err := s.Check(); err != nil {
		return nil, err
	}
	stack, err := NewStack(s, images.X.Shape()[1:])
	if err != nil {
		return nil, err
	}
	r := &Result{Setting: s, Input: images.X.Shape()[1:], Stack: stack}
	for i, l := range s.Layers {
		if i > 0 {
			images = stack.below(i, images, o.Workers)
		}
		c := train.Config{
			Learner: NewLearner(l, stack.Layers[i], o.Workers),
			Train:   images, Epochs: l.Epochs, BatchSize: s.Batch, Seed: s.Seed,
			Every: o.Every, Key: s, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
		}
		if o.Dir != "" {
			c.Dir = filepath.Join(o.Dir, fmt.Sprintf("layer%d", i+1))
		}
		h, err := train.Run(ctx, c)
		if err != nil {
			return r, err
		}
		r.Histories = append(r.Histories, h)
	}
	return r, nil
}

// A Learner trains an autoencoder. It reports the loss, the squared error of an image; and, for each epoch, "dead", the
// number of units whose activation after the competition was 0 for every sample.
type Learner struct {
	train.GradientDescent
	activity *tensor.Tensor // sums of the activations of each unit over the epoch so far, at least 0
}

// NewLearner returns a learner of an autoencoder of the given layer.
func NewLearner(l Layer, model Autoencoder, workers int) *Learner {
	t := &Learner{activity: tensor.New(l.Units)}
	t.GradientDescent = train.GradientDescent{
		Model: model, Optimizer: &optim.Adam{}, Schedule: l.schedule(), Workers: workers,
		Loss: func(b *train.Batch) *autograd.Var {
			active, y := model.Reconstruct(b.X)
			if b.Training() {
				t.count(active)
			}
			return loss.SSE(y, b.X)
		},
	}
	return t
}

// count adds the activations of a batch, [N, units] or [N, units, H, W].
func (t *Learner) count(active *autograd.Var) {
	units, a := t.activity.Len(), active.Data()
	if active.Width() == units {
		simd.SumRows(t.activity.Data(), a, active.Rows(), units, true)
		return
	}
	places := active.Width() / units
	for i := range len(a) / places {
		t.activity.Data()[i%units] += simd.Sum(a[i*places : (i+1)*places])
	}
}

// State implements [train.Learner].
func (t *Learner) State() train.State {
	s := t.GradientDescent.State()
	s.Memory = append(s.Memory, tensor.Named{Name: "activity", Tensor: t.activity})
	return s
}

// BeginEpoch implements [train.EpochLearner].
func (t *Learner) BeginEpoch() { t.activity.Fill(0) }

// EndEpoch implements [train.EpochLearner].
func (t *Learner) EndEpoch(r *train.Recorder) error {
	r.Report("dead", float64(t.activity.Len()-simd.CountPositive(t.activity.Data())))
	return nil
}
