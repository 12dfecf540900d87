// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Online learns a dictionary from the statistics of all batches [MBPS10],
//
//	A <- beta A + sum over the batch of a^T a,   B <- beta B + sum over the batch of a^T x
//
// each time taking the atoms in turn to the minimum of 1/2 tr(Phi^T A Phi) - tr(Phi^T B) on the sphere:
//
//	phi_i <- B_i - sum_{j != i} A_ij phi_j,   phi_i <- phi_i / |phi_i|
//
// There is no rate to choose. beta = (1 - 1/t)^Forget at step t: the first batches, whose codes were found with poor
// atoms, are forgotten, and the last share 1/Forget of the steps counts most.
//
// It reports what [OlshausenField] does. A step allocates nothing in steady state, and results do not depend on the
// number of workers.
type Online struct {
	Dictionary *Dictionary // what is learnt, required
	Encoder    Encoder     // required

	Forget float64 // 0 is 10

	// Replace is the number of patches after which an atom that had no coefficient other than zero is replaced by the
	// patch that is reconstructed worst; 0 is 10,000, a negative number replaces none.
	Replace int
	Workers int // goroutines of a step; 0 is one for each core. The encoder has its own

	learning learning
	a, b     *tensor.Tensor // [K, K], [K, P]
	squares  *tensor.Tensor // sum of a^T a over a batch [K, K]
	atom     []float32      // [P]
	steps    int            // t
}

var _ train.EpochLearner = (*Online)(nil)

func (o *Online) start() {
	if o.learning.d != nil {
		return
	}
	if o.Dictionary == nil || o.Encoder == nil {
		panic("sparsecode: Online: Dictionary and Encoder are required")
	}
	if !(o.Forget >= 0) || math.IsInf(o.Forget, 1) {
		panic(fmt.Sprintf("sparsecode: Online: want Forget >= 0, got %v", o.Forget))
	}
	k, p := o.Dictionary.Len(), o.Dictionary.Pixels()
	o.learning = learning{
		d: o.Dictionary, encoder: o.Encoder, workers: o.Workers, unused: make([]int, k), change: tensor.New(k, p),
	}
	o.a, o.b, o.squares, o.atom = tensor.New(k, k), tensor.New(k, p), tensor.New(k, k), make([]float32, p)
}

// Step implements [train.Learner].
func (o *Online) Step(b *dataset.Batch, r *train.Recorder) error {
	o.start()
	l := &o.learning
	if err := l.encode(&b.X, r); err != nil {
		return err
	}
	o.steps++
	beta := float32(math.Pow(1-1/float64(o.steps), cmp.Or(o.Forget, 10)))
	l.accumulate(&b.X)
	simd.Scale(o.b.Data(), beta, o.b.Data())
	simd.Add(o.b.Data(), o.b.Data(), l.change.Data())
	n, k := l.codes.Rows(), l.d.Len()
	simd.GemmTN(k, k, n, l.codes.Data(), k, l.codes.Data(), k, o.squares.Data(), k, false)
	simd.Scale(o.a.Data(), beta, o.a.Data())
	simd.Add(o.a.Data(), o.a.Data(), o.squares.Data())
	for i := range k {
		o.minimize(i)
	}
	l.count()
	l.replace(&b.X, o.Replace, o.forgetAtom)
	l.refresh()
	return nil
}

// minimize takes atom i to its best place for the others, if it has been used.
func (o *Online) minimize(i int) {
	d := o.learning.d
	k, p, row := d.Len(), d.Pixels(), o.a.Row(i)
	if row[i] <= 0 {
		return
	}
	simd.GemmNN(1, p, k, row, k, d.atoms.Data(), p, o.atom, p, false)
	simd.Sub(o.atom, o.b.Row(i), o.atom)
	simd.Axpy(o.atom, row[i], d.atoms.Row(i))
	if normalize(o.atom) {
		copy(d.atoms.Row(i), o.atom)
	}
}

// forgetAtom clears the statistics of an atom that became another one.
func (o *Online) forgetAtom(i int) {
	clear(o.a.Row(i))
	clear(o.b.Row(i))
	for j := range o.a.Rows() {
		o.a.Set(0, j, i)
	}
}

// Measure implements [train.Learner].
func (o *Online) Measure(b *dataset.Batch, r *train.Recorder) error {
	o.start()
	return o.learning.encode(&b.X, r)
}

// BeginEpoch implements [train.EpochLearner].
func (o *Online) BeginEpoch() { o.learning.replaced = 0 }

// EndEpoch implements [train.EpochLearner].
func (o *Online) EndEpoch(r *train.Recorder) error {
	r.Report("replaced", float64(o.learning.replaced))
	return nil
}

// State implements [train.Learner].
func (o *Online) State() train.State {
	o.start()
	d, l := o.Dictionary, &o.learning
	return train.State{
		Model:  []tensor.Named{{Name: atomsName, Tensor: d.atoms}, {Name: gainsName, Tensor: d.gains}},
		Memory: []tensor.Named{{Name: "a", Tensor: o.a}, {Name: "b", Tensor: o.b}},
		Values: []train.Value{
			{Name: "unused", Of: l.unused}, {Name: "replaced", Of: &l.replaced}, {Name: "steps", Of: &o.steps},
		},
		Settings: []any{settings(o.Encoder), o.Forget, o.Replace},
		Restored: d.refresh,
	}
}
