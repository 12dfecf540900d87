// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
)

// Data is a set of samples, such as a [dataset.Set].
//
// A [dataset.Fingerprint] identifies the data, so that a checkpoint made with other data is refused: a run with a
// checkpoint folder gathers all samples once when it starts.
//
// Samples are shuffled in each epoch. Data with a method InOrder() bool that returns true, such as [dataset.Segments],
// is visited in order instead, because a sample continues an earlier one.
//
// Data with a method Plan(order []int, size int), such as a [dataset.Stream], is told which samples will follow, so
// that it can read them ahead. If it has a method Err() error, an error of a file ends the run.
type Data interface {
	// Len returns the number of samples.
	Len() int
	// Gather puts the samples idx into b. Fields that the data does not have, such as labels, are left empty.
	Gather(b *dataset.Batch, idx []int)
}

// A loader turns an order of samples into batches, in memory that it reuses.
type loader struct {
	data     Data
	size     int
	order    []int
	batch    dataset.Batch
	recorder Recorder
}

func (l *loader) batches() int { return (l.data.Len() + l.size - 1) / l.size }

// inOrder returns 0 to n-1.
func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// plan announces the batches from i on.
func (l *loader) plan(i int) {
	if d, ok := l.data.(interface{ Plan(order []int, size int) }); ok {
		d.Plan(l.order[min(i*l.size, len(l.order)):], l.size)
	}
}

// end announces that no batches follow.
func (l *loader) end() {
	if d, ok := l.data.(interface{ Plan(order []int, size int) }); ok {
		d.Plan(nil, l.size)
	}
}

// load gathers batch i and prepares the recorder for it.
func (l *loader) load(i int) error {
	idx := l.order[i*l.size : min((i+1)*l.size, len(l.order))]
	l.data.Gather(&l.batch, idx)
	if err := faultOf(l.data); err != nil {
		return err
	}
	l.recorder.samples, l.recorder.weight = len(idx), float64(len(idx))
	if l.batch.Weight.Len() > 0 {
		l.recorder.weight = 0
		for _, w := range l.batch.Weight.Data() {
			l.recorder.weight += float64(w)
		}
	}
	return nil
}

// faultOf returns the error of a file that data could not read.
func faultOf(data Data) error {
	if d, ok := data.(interface{ Err() error }); ok && d.Err() != nil {
		return fmt.Errorf("train: the data: %w", d.Err())
	}
	return nil
}

// sums accumulates metrics, weighted by the number of samples that each mean covers.
type sums struct {
	Names   []string
	Totals  numbers
	Weights numbers
}

func (s *sums) add(name string, mean, weight float64) {
	i := slices.Index(s.Names, name)
	if i < 0 {
		i = len(s.Names)
		s.Names, s.Totals, s.Weights = append(s.Names, name), append(s.Totals, 0), append(s.Weights, 0)
	}
	s.Totals[i] += mean * weight
	s.Weights[i] += weight
}

func (s *sums) means() map[string]float64 {
	m := make(map[string]float64, len(s.Names))
	for i, name := range s.Names {
		m[name] = s.Totals[i] / s.Weights[i]
	}
	return m
}

func (s *sums) reset() { s.Names, s.Totals, s.Weights = s.Names[:0], s.Totals[:0], s.Weights[:0] }

func keys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
