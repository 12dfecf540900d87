// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// OlshausenField learns a dictionary by alternating projected gradient descent [Thesis21, eq. 1.24; OF96]: codes are
// found for a batch, then each atom follows the gradient of 1/2 |x - a Phi|² and is scaled to length 1,
//
//	phi_i <- phi_i + rate / gain_i² · mean over the batch of a_i (x - a Phi),   phi_i <- phi_i / |phi_i|
//
// With a [Sparsenet] as the encoder it is Sparsenet; with a [SparseSet] it learns for the l0 objective of the
// sparse-set model [Thesis21, eq. 1.25; RS07].
//
// With Variance set gains are adapted, such that the coefficients of all atoms come to vary alike: of a_i / gain_i a
// moving mean of squares v_i is kept, and
//
//	gain_i <- gain_i (v_i / Variance)^GainRate
//
// It reports the objective before the update as "loss", the mean number of coefficients that are not zero as
// "nonzeros", and for each epoch, as "replaced", how many atoms were. A step allocates nothing in steady state, and
// results do not depend on the number of workers.
type OlshausenField struct {
	Dictionary *Dictionary    // what is learnt, required
	Encoder    Encoder        // required
	Rate       optim.Schedule // required

	Variance float64 // of a_i / gain_i that gains aim at, such as 0.1; 0 leaves gains as they are
	GainRate float64 // 0 is 0.02
	Memory   float64 // share of a batch in the moving mean of squares; 0 is 0.001

	// Replace is the number of patches after which an atom that had no coefficient other than zero is replaced by the
	// patch that is reconstructed worst; 0 is 10,000, a negative number replaces none.
	Replace int
	Workers int // goroutines of a step; 0 is one for each core. The encoder has its own

	learning learning
	squares  *tensor.Tensor // v [K]
}

var _ train.EpochLearner = (*OlshausenField)(nil)

// start makes what the learner keeps. It panics if a required field is missing or one is out of range.
func (o *OlshausenField) start() {
	if o.learning.d != nil {
		return
	}
	if o.Dictionary == nil || o.Encoder == nil || o.Rate == nil {
		panic("sparsecode: OlshausenField: Dictionary, Encoder and Rate are required")
	}
	if !(o.Variance >= 0) || !(o.GainRate >= 0) || !(o.Memory >= 0 && o.Memory <= 1) {
		const want = "Variance >= 0, GainRate >= 0 and Memory in [0, 1]"
		panic(fmt.Sprintf("sparsecode: OlshausenField: want %s, got %v, %v, %v", want, o.Variance, o.GainRate, o.Memory))
	}
	k := o.Dictionary.Len()
	o.learning = learning{
		d: o.Dictionary, encoder: o.Encoder, workers: o.Workers, unused: make([]int, k),
		change: tensor.New(k, o.Dictionary.Pixels()),
	}
	o.squares = tensor.New(k)
	o.squares.Fill(float32(o.Variance))
}

// Step implements [train.Learner].
func (o *OlshausenField) Step(b *dataset.Batch, r *train.Recorder) error {
	o.start()
	l := &o.learning
	if err := l.encode(&b.X, r); err != nil {
		return err
	}
	rate := o.Rate(r.Epoch)
	if math.IsNaN(rate) || math.IsInf(rate, 0) {
		return fmt.Errorf("sparsecode: OlshausenField: the schedule gives the rate %v at epoch %g", rate, r.Epoch)
	}
	l.accumulate(&l.residual)
	for k := range l.d.Len() {
		atom, change, g := l.d.atoms.Row(k), l.change.Row(k), float64(l.d.gains.Data()[k])
		simd.Scale(change, float32(rate/(g*g*float64(b.X.Rows()))), change)
		simd.Add(change, atom, change)
		if !simd.Finite(change) {
			return &train.DivergedError{What: "gradient", Value: math.NaN(), Where: fmt.Sprintf("atom %d", k)}
		}
		if normalize(change) {
			copy(atom, change)
		}
	}
	if o.Variance > 0 {
		o.adapt()
	}
	l.count()
	l.replace(&b.X, o.Replace, func(k int) { o.squares.Data()[k] = float32(o.Variance) })
	l.refresh()
	return nil
}

// adapt moves the gains.
func (o *OlshausenField) adapt() {
	rate, memory := cmp.Or(o.GainRate, 0.02), cmp.Or(o.Memory, 0.001)
	codes := &o.learning.codes
	n, k := codes.Rows(), codes.Width()
	for i, g := range o.learning.d.gains.Data() {
		sum := 0.0
		for row := range n {
			a := float64(codes.Data()[row*k+i])
			sum += a * a
		}
		v := &o.squares.Data()[i]
		*v = float32((1-memory)*float64(*v) + memory*sum/(float64(n)*float64(g)*float64(g)))
		next := float64(g) * math.Pow(float64(*v)/o.Variance, rate)
		o.learning.d.gains.Data()[i] = float32(min(max(next, 1e-3), 1e3)) // so that an atom can come back
	}
}

// Measure implements [train.Learner].
func (o *OlshausenField) Measure(b *dataset.Batch, r *train.Recorder) error {
	o.start()
	return o.learning.encode(&b.X, r)
}

// BeginEpoch implements [train.EpochLearner].
func (o *OlshausenField) BeginEpoch() { o.learning.replaced = 0 }

// EndEpoch implements [train.EpochLearner].
func (o *OlshausenField) EndEpoch(r *train.Recorder) error {
	r.Report("replaced", float64(o.learning.replaced))
	return nil
}

// State implements [train.Learner].
func (o *OlshausenField) State() train.State {
	o.start()
	d := o.Dictionary
	return train.State{
		Model:    []tensor.Named{{Name: atomsName, Tensor: d.atoms}, {Name: gainsName, Tensor: d.gains}},
		Memory:   []tensor.Named{{Name: "squares", Tensor: o.squares}},
		Values:   []train.Value{{Name: "unused", Of: o.learning.unused}, {Name: "replaced", Of: &o.learning.replaced}},
		Schedule: o.Rate,
		Settings: []any{settings(o.Encoder), o.Variance, o.GainRate, o.Memory, o.Replace},
		Restored: d.refresh,
	}
}
