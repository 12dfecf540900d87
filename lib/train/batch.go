// SPDX-License-Identifier: Apache-2.0

package train

import (
	"maps"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/sparsity"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Batch is what a loss function gets: some samples, and a place to report what it measures on them.
type Batch struct {
	X *autograd.Var // the samples, [N, ...]
	Y []int         // their labels, [N]

	sums  *sums
	trace map[string][]float64 // of single steps; nil while measuring
}

// Training reports whether the batch is trained on rather than measured.
func (b *Batch) Training() bool { return b.X.Tape().Training() }

// Report records a mean over the batch under a name. The history of the run holds its mean over each epoch, and over
// the validation data. The name "loss" is taken: the loop reports it.
func (b *Batch) Report(name string, mean float64) {
	b.sums.add(name, mean, len(b.Y))
	if trace, ok := b.trace[name]; ok {
		b.trace[name] = append(trace, mean)
	}
}

// Activity reports, as "NAME l0" and "NAME l1", how many units of a layer are active and the sum of the magnitudes of
// their activations a [N, units], per sample [Thesis21, eqs. 2.6 and 2.7]. It does so while measuring and does nothing
// while training: the history has the activity of the validation data after each epoch.
func (b *Batch) Activity(name string, a *autograd.Var) {
	if b.Training() {
		return
	}
	active, sum := 0, 0.0
	for n := range a.Rows() {
		row := a.Value().Row(n)
		active += sparsity.L0(row)
		sum += sparsity.L1(row)
	}
	n := float64(a.Rows())
	b.Report(name+" l0", float64(active)/n)
	b.Report(name+" l1", sum/n)
}

// Error reports, as "error", the share of samples whose largest logit is not that of their label; of equal logits
// the lowest class counts.
func (b *Batch) Error(logits *autograd.Var) {
	wrong := 0
	for i, y := range b.Y {
		if simd.ArgMax(logits.Value().Row(i)) != y {
			wrong++
		}
	}
	b.Report("error", float64(wrong)/float64(len(b.Y)))
}

// A loader turns an order of samples into batches, in memory that it reuses.
type loader struct {
	data  Data
	size  int
	order []int
	x     tensor.Tensor
	y     []int
	trace map[string][]float64
	batch Batch
}

func (l *loader) batches() int { return (l.data.Len() + l.size - 1) / l.size }

// load returns batch i on a tape.
func (l *loader) load(t *autograd.Tape, i int, sums *sums) *Batch {
	idx := l.order[i*l.size : min((i+1)*l.size, len(l.order))]
	l.y = slices.Grow(l.y[:0], l.size)[:len(idx)]
	l.data.Gather(&l.x, l.y, idx)
	l.batch = Batch{X: t.Input(&l.x), Y: l.y, sums: sums, trace: l.trace}
	return &l.batch
}

// sums adds up metrics, weighted by the samples they are means of.
type sums struct {
	Names  []string
	Totals []float64
	Counts []int
}

func (s *sums) add(name string, mean float64, n int) {
	i := slices.Index(s.Names, name)
	if i < 0 {
		i = len(s.Names)
		s.Names, s.Totals, s.Counts = append(s.Names, name), append(s.Totals, 0), append(s.Counts, 0)
	}
	s.Totals[i] += mean * float64(n)
	s.Counts[i] += n
}

func (s *sums) means() map[string]float64 {
	m := make(map[string]float64, len(s.Names))
	for i, name := range s.Names {
		m[name] = s.Totals[i] / float64(s.Counts[i])
	}
	return m
}

func (s *sums) reset() { s.Names, s.Totals, s.Counts = s.Names[:0], s.Totals[:0], s.Counts[:0] }

func keys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
