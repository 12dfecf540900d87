// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Score is the error that cross-validation found for a value of C.
type Score struct {
	C      float64
	Errors []float64 // share of wrong predictions on each fold, by a classifier of the other folds
	Mean   float64   // of all samples: the share of wrong predictions
	SE     float64   // standard error of Mean: the deviation over the folds / sqrt(folds)
	Gap    float64   // largest of all problems; above the tolerance if the limit of steps was reached
}

// CrossValidate estimates the error for each C of cs, positive and ascending: the samples are divided into folds, at
// least 2, with the same share of each class, and each fold is predicted by a classifier that was fitted to the others.
// Config.C is not used. The folds depend on seed, the labels and the number of folds alone, and are the same for each
// C.
//
// The problems of all folds are solved together, from the solution for the C before.
func (c Config) CrossValidate(ctx context.Context, x *Features, y []int, cs []float64, folds int, seed uint64) (
	[]Score, error,
) {
	if err := checkCosts(cs); err != nil {
		return nil, err
	}
	c.C = cs[0]
	c = c.withDefaults()
	labels, classes, err := c.check(x, y)
	if err != nil {
		return nil, err
	}
	s := c.solver(x, labels)
	if s.fold, err = assign(labels, classes, folds, seed); err != nil {
		return nil, err
	}
	if err := s.checkFolds(classes, folds); err != nil {
		return nil, err
	}
	for fold := range folds {
		s.columns = c.problems(classes, int32(fold), s.columns)
	}
	s.start()
	var scores []Score
	for _, cost := range cs {
		for j := range s.columns {
			s.columns[j].c = cost
		}
		var inexact *ConvergenceError
		if err := s.solve(ctx); err != nil && !errors.As(err, &inexact) {
			return scores, err
		}
		score := Score{C: cost, Gap: slices.Max(s.gap)}
		if score.Errors, score.Mean, err = s.heldOut(ctx, classes, folds); err != nil {
			return scores, err
		}
		_, std := meanAndDeviation(score.Errors)
		score.SE = std / math.Sqrt(float64(folds))
		scores = append(scores, score)
	}
	return scores, nil
}

// Best returns the score with the smallest mean error, of equals the one with the smallest C.
func Best(scores []Score) Score {
	return slices.MinFunc(scores, func(a, b Score) int {
		switch {
		case a.Mean < b.Mean, a.Mean == b.Mean && a.C < b.C:
			return -1
		case a.Mean == b.Mean && a.C == b.C:
			return 0
		}
		return 1
	})
}

// Search fits a classifier with the C of cs that has the smallest error in cross-validation; see
// [Config.CrossValidate].
func (c Config) Search(ctx context.Context, x *Features, y []int, cs []float64, folds int, seed uint64) (
	*Classifier, []Score, error,
) {
	scores, err := c.CrossValidate(ctx, x, y, cs, folds, seed)
	if err != nil {
		return nil, scores, err
	}
	c.C = Best(scores).C
	m, err := c.Fit(ctx, x, y)
	return m, scores, err
}

func checkCosts(cs []float64) error {
	if len(cs) == 0 {
		return errors.New("linear: no C to try: name at least one")
	}
	for i, c := range cs {
		if !(c > 0) || math.IsInf(c, 1) || i > 0 && c <= cs[i-1] {
			return fmt.Errorf("linear: the values %v of C: want positive numbers, the smallest first", cs)
		}
	}
	return nil
}

// Folds returns the fold, from 0, of each sample with the labels y, as [Config.CrossValidate] assigns them. The samples
// of a class, in random order, go to the folds in turn. It panics unless there is a sample for each of at least 2
// folds.
func Folds(y []int, folds int, seed uint64) []int {
	labels, most := make([]int32, len(y)), 0
	for i, label := range y {
		labels[i], most = int32(label), max(most, label)
	}
	fold, err := assign(labels, most+1, folds, seed)
	if err != nil {
		panic(err.Error())
	}
	list := make([]int, len(y))
	for i, f := range fold {
		list[i] = int(f)
	}
	return list
}

// assign returns the fold of each sample.
func assign(labels []int32, classes, folds int, seed uint64) ([]int32, error) {
	if folds < 2 || folds > len(labels) {
		return nil, fmt.Errorf("linear: %d folds of %d samples: want at least 2, and a sample in each", folds, len(labels))
	}
	fold, next := make([]int32, len(labels)), 0
	rng := tensor.Stream(seed, "linear/folds")
	for _, members := range membersOf(labels, classes) {
		rng.Shuffle(len(members), func(a, b int) { members[a], members[b] = members[b], members[a] })
		for _, i := range members {
			fold[i] = int32(next % folds)
			next++
		}
	}
	return fold, nil
}

// membersOf returns the samples of each class, in ascending order.
func membersOf(labels []int32, classes int) [][]int {
	members := make([][]int, classes)
	for i, class := range labels {
		members[class] = append(members[class], i)
	}
	return members
}

// checkFolds returns an error unless each class has a sample that counts outside of each fold.
func (s *solver) checkFolds(classes, folds int) error {
	for class, members := range membersOf(s.y, classes) {
		seen, different := int32(-1), false
		for _, i := range members {
			if s.weight != nil && s.weight[i] == 0 {
				continue
			}
			different = different || seen >= 0 && seen != s.fold[i]
			seen = s.fold[i]
		}
		if !different {
			return fmt.Errorf("linear: class %d has too few samples for cross-validation with %d folds: "+
				"want at least 2 of each class", class, folds)
		}
	}
	return nil
}

// heldOut returns the error of each fold, predicted without it, and that of all samples.
func (s *solver) heldOut(ctx context.Context, classes, folds int) ([]float64, float64, error) {
	n, k := s.features.n, len(s.columns)
	z, scratch := make([]float32, n*k), make([]float32, n*k)
	if _, err := s.pass(ctx, s.w, z, scratch, func(_, _, _ int) {}); err != nil {
		return nil, 0, err
	}
	wrong, count := make([]float64, folds), make([]float64, folds)
	per, all := k/folds, 0.0
	for i, label := range s.y {
		f := int(s.fold[i])
		row := z[i*k+f*per:][:per]
		class := simd.ArgMax(row)
		if per < classes { // one column for two classes
			class = 0
			if row[0] > 0 {
				class = 1
			}
		}
		if count[f]++; class != int(label) {
			wrong[f]++
			all++
		}
	}
	for f := range wrong {
		wrong[f] /= count[f]
	}
	return wrong, all / float64(n), nil
}

// meanAndDeviation returns the mean and the standard deviation of a sample, which is 0 for one value.
func meanAndDeviation(x []float64) (mean, std float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		std += (v - mean) * (v - mean)
	}
	if len(x) < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(std / float64(len(x)-1))
}
