// SPDX-License-Identifier: Apache-2.0

package of96

import (
	"context"
	"errors"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A Result is a learnt dictionary.
type Result struct {
	Setting    Setting
	Dictionary *sparsecode.Dictionary
	History    *train.History // "loss" is the objective; see sparsecode.OlshausenField
	Metrics    Metrics
}

// Metrics are the results of a setting, measured on patches of the test image.
type Metrics struct {
	Objective float64 `json:"objective"` // mean over patches of 1/2 |x - a Phi|² + lambda sum_i S(a_i)
	Error     float64 `json:"error"`     // sum of |x - a Phi|² over the sum of |x|²
	Active    float64 `json:"active"`    // mean number of coefficients beyond a tenth of the largest of their patch
	Kurtosis  float64 `json:"kurtosis"`  // of all coefficients, see sparsity.Kurtosis
	Gini      float64 `json:"gini"`      // mean over patches, see sparsity.Gini

	Gabors []sparsecode.Gabor `json:"gabors"` // fitted to the atoms
}

// Fitted returns the Gabors with an R² above the given one.
func (m *Metrics) Fitted(r2 float64) []sparsecode.Gabor {
	var fitted []sparsecode.Gabor
	for _, g := range m.Gabors {
		if g.R2 > r2 {
			fitted = append(fitted, g)
		}
	}
	return fitted
}

// Share returns the share of atoms to which a Gabor was fitted with an R² above the given one.
func (m *Metrics) Share(r2 float64) float64 {
	return float64(len(m.Fitted(r2))) / float64(len(m.Gabors))
}

// held is the number of patches of the validation and of the test image.
const held = 2000

// Train learns the dictionary of a setting from the training images, and measures it on the test image. With o.Dir, a
// run that was stopped resumes. If ctx is cancelled, the error wraps the cause.
func Train(ctx context.Context, s Setting, d *experiment.Data, o experiment.Options) (*Result, error) {
	if err := errors.Join(s.Check(), d.Check(s.Source)); err != nil {
		return nil, err
	}
	learn, err := s.PatchesOf(d.Train, s.Patches, s.Seed)
	if err != nil {
		return nil, err
	}
	var valid, test *dataset.Patches
	if valid, err = s.PatchesOf(d.Valid, held, 0); err != nil {
		return nil, err
	}
	if test, err = s.PatchesOf(d.Test, held, 0); err != nil {
		return nil, err
	}
	r := &Result{Setting: s, Dictionary: s.Dictionary()}
	r.History, err = train.Run(ctx, train.Config{
		Learner: s.Learner(r.Dictionary, o.Workers), Train: learn, Valid: valid,
		Epochs: s.Epochs, BatchSize: s.Batch, Seed: s.Seed,
		Dir: o.Dir, Every: o.Every, Key: s, OnStep: o.OnStep, OnEpoch: o.OnEpoch,
	})
	if err != nil {
		return r, err
	}
	r.Metrics, err = Measure(s.Encoder(o.Workers), r.Dictionary, test.Tensor(0, held))
	return r, err
}

// Measure returns the metrics of a dictionary on patches x.
func Measure(e sparsecode.Encoder, d *sparsecode.Dictionary, x *tensor.Tensor) (Metrics, error) {
	codes, err := sparsecode.Encode(e, d, x)
	if err != nil {
		return Metrics{}, err
	}
	m := Metrics{Objective: sparsecode.Objective(e, d, x, codes), Kurtosis: sparsity.Kurtosis(codes.Data())}
	left, all, back := 0.0, 0.0, d.Reconstruct(codes)
	for i, v := range x.Data() {
		r := float64(v - back.Data()[i])
		left, all = left+r*r, all+float64(v)*float64(v)
	}
	m.Error = left / all
	for n := range codes.Rows() {
		code := codes.Row(n)
		m.Gini += sparsity.Gini(code) / float64(codes.Rows())
		m.Active += float64(sparsity.Above(code, 0.1)) / float64(codes.Rows())
	}
	m.Gabors, err = sparsecode.FitGabors(d)
	return m, err
}
