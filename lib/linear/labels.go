// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// FewLabels measures how the error falls with the number of labels: for each size it draws so many labelled samples,
// several times, chooses C by cross-validation among these alone, and measures the error on test samples.
type FewLabels struct {
	Config           // Config.C and Config.Weights are not used
	Sizes  []int     // numbers of labels, such as 300, 1000 and 60000
	Draws  int       // of each size; default 5. All samples are drawn only once
	Cs     []float64 // values of C to choose from, positive and ascending
	Folds  int       // of cross-validation; default 5
	Seed   uint64    // of the draws and the folds

	// File stores each draw that is done, so that a Run that was interrupted or killed goes on after it; "" stores
	// nothing. A file of other settings or samples is an error. It may be removed after Run.
	File  string
	Drawn func(LabelScore) // called when a size is done; may be nil
}

// A LabelScore is the error with so many labels.
type LabelScore struct {
	Labels int
	C      []float64 // of each draw, as chosen
	Errors []float64 // of each draw, on the test samples
	Mean   float64
	Std    float64 // standard deviation over the draws; 0 for one draw
}

// Run measures the error of each size. On an error it returns the sizes that were done before.
func (f FewLabels) Run(ctx context.Context, x *Features, y []int, test *Features, testY []int) ([]LabelScore, error) {
	if f.Draws == 0 {
		f.Draws = 5
	}
	if f.Folds == 0 {
		f.Folds = 5
	}
	if err := f.check(x, y, test, testY); err != nil {
		return nil, err
	}
	r, err := f.record(x, y, test, testY)
	if err != nil {
		return nil, fmt.Errorf("linear: FewLabels: %w", err)
	}
	for i, size := range f.Sizes {
		draws := f.Draws
		if size == len(y) {
			draws = 1
		}
		if i == len(r.Scores) {
			r.Scores = append(r.Scores, LabelScore{Labels: size})
		}
		score := &r.Scores[i]
		for draw := len(score.Errors); draw < draws; draw++ {
			sample, labels := x, y
			if size < len(y) {
				idx := Draw(y, size, tensor.Stream(f.Seed, fmt.Sprintf("linear/labels/%d/%d", size, draw)))
				sample, labels = x.Subset(idx), pick(y, idx)
			}
			m, _, err := f.Search(ctx, sample, labels, f.Cs, f.Folds, f.Seed)
			var inexact *ConvergenceError
			if err != nil && !errors.As(err, &inexact) {
				return r.Scores[:i], fmt.Errorf("linear: draw %d of %d labels: %w", draw+1, size, err)
			}
			score.C, score.Errors = append(score.C, m.C), append(score.Errors, m.Error(test, testY))
			if err := f.save(r); err != nil {
				return r.Scores[:i], fmt.Errorf("linear: FewLabels: %w", err)
			}
		}
		score.Mean, score.Std = meanAndDeviation(score.Errors)
		if f.Drawn != nil {
			f.Drawn(*score)
		}
	}
	return r.Scores, nil
}

// check returns what is wrong with the settings and the samples.
func (f FewLabels) check(x *Features, y []int, test *Features, testY []int) error {
	if err := checkCosts(f.Cs); err != nil {
		return err
	}
	if f.Weights != nil {
		return errors.New("linear: FewLabels draws samples and takes no Weights")
	}
	c := f.Config.withDefaults()
	c.C = f.Cs[0]
	_, classes, err := c.check(x, y)
	switch {
	case err != nil:
		return err
	case f.Draws < 1 || len(f.Sizes) == 0:
		return fmt.Errorf("linear: FewLabels: %d draws of the sizes %v: want at least one", f.Draws, f.Sizes)
	case f.Folds < 2:
		return fmt.Errorf("linear: FewLabels: %d folds: want at least 2", f.Folds)
	case test.d != x.d || test.n == 0 || len(testY) != test.n:
		return fmt.Errorf("linear: FewLabels: %d labels for %v to test with, but %v to learn from", len(testY), test, x)
	}
	for _, size := range f.Sizes {
		if size < 2*classes || size > len(y) {
			return fmt.Errorf("linear: FewLabels: %d labels: want %d, two of each class for cross-validation, to %d",
				size, 2*classes, len(y))
		}
	}
	return test.check()
}

// Draw returns n of the samples with the labels y, at random and in ascending order, with the same share of each class:
// n n_k/N of the n_k samples of class k, rounded by largest remainder, but at least 2 of a class that has as many. It
// panics if n is negative or more than there are.
func Draw(y []int, n int, rng *tensor.RNG) []int {
	if n < 0 || n > len(y) {
		panic(fmt.Sprintf("linear: Draw: %d of %d samples", n, len(y)))
	}
	members := map[int][]int{}
	for i, class := range y {
		members[class] = append(members[class], i)
	}
	classes := slices.Sorted(maps.Keys(members))
	count, left := make([]int, len(classes)), n
	for j, class := range classes {
		count[j] = n * len(members[class]) / len(y)
		left -= count[j]
	}
	order := inOrder(len(classes))
	slices.SortStableFunc(order, func(a, b int) int { // largest remainder first
		return cmp.Compare(n*len(members[classes[b]])%len(y), n*len(members[classes[a]])%len(y))
	})
	for _, j := range order[:left] {
		count[j]++
	}
	for j, class := range classes {
		for most := slices.Max(count); count[j] < min(2, len(members[class])) && most > 2; most = slices.Max(count) {
			count[slices.Index(count, most)]--
			count[j]++
		}
	}
	var idx []int
	for j, class := range classes {
		list := members[class]
		rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		idx = append(idx, list[:count[j]]...)
	}
	slices.Sort(idx)
	return idx
}

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// pick returns some elements of y, or nil if there are none.
func pick[T any](y []T, idx []int) []T {
	if y == nil {
		return nil
	}
	picked := make([]T, len(idx))
	for to, i := range idx {
		picked[to] = y[i]
	}
	return picked
}
