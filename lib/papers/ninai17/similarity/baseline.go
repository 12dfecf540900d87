// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"context"
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/retrieval"
)

// A Baseline tells how well classifiers that learn no features recognise images from their pixels. Between chance and
// nearly all right, the images are neither noise nor trivial.
type Baseline struct {
	Task    string  // what is recognised
	Classes int     // chance is 1 in so many
	Images  int     // test images
	Linear  float64 // share of the test images that multinomial logistic regression gets right
	C       float64 // its cost parameter
	Nearest float64 // the same of the vote of the nearest training images, by Euclidean distance
	K       int     // number of voters
}

// Costs and voters from which validation images choose.
var (
	baselineCosts  = []float64{1e-3, 1e-2, 1e-1}
	baselineVoters = []int{1, 3, 5, 10, 20}
)

// Baselines measures two tasks: the superclasses of solids that are not in the training set, and the solids of the
// training set in new views, of which it holds out a sixth for validation and a sixth for testing. Stick figures are
// left out. Images of validation choose C and the number of voters.
//
// The error says that a solid has fewer than 6 images, or that a superclass to recognise is not in the training set; or
// it is that of ctx.
func Baselines(ctx context.Context, d *experiment.Data, workers int) ([]Baseline, error) {
	_, names := Super(Solids(d.Train).Classes)
	var sets [3]*dataset.Set
	for i, set := range []*dataset.Set{d.Train, d.Valid, d.Test} {
		var err error
		if sets[i], err = bySuperclass(set, names); err != nil {
			return nil, fmt.Errorf("similarity: Baselines: %w", err)
		}
	}
	super, err := baseline(ctx, "superclasses of new solids", sets[0], sets[1], sets[2], workers)
	if err != nil {
		return nil, err
	}
	parts, err := byView(Solids(d.Train))
	if err != nil {
		return nil, err
	}
	class, err := baseline(ctx, "solids in new views", parts[0], parts[1], parts[2], workers)
	return []Baseline{super, class}, err
}

// bySuperclass returns the solids of a set, labelled by their superclasses, which are numbered as in names. The error
// names a superclass that is not there.
func bySuperclass(set *dataset.Set, names []string) (*dataset.Set, error) {
	s := *Solids(set)
	super, own := Super(s.Classes)
	labels := make([]int, len(s.Y))
	for i, y := range s.Y {
		if labels[i] = slices.Index(names, own[super[y]]); labels[i] < 0 {
			return nil, fmt.Errorf("the training set has no %q", own[super[y]])
		}
	}
	s.Y, s.Classes = labels, names
	return &s, nil
}

// byView divides the views of each class: four of six for training, one for validation and one for testing.
func byView(set *dataset.Set) (parts [3]*dataset.Set, err error) {
	var indices [3][]int
	seen := make([]int, len(set.Classes))
	for i, y := range set.Y {
		part := max(0, seen[y]%6-3)
		indices[part] = append(indices[part], i)
		seen[y]++
	}
	for k, n := range seen {
		if n < 6 {
			return parts, fmt.Errorf("similarity: Baselines: %s has %d images, want at least 6", set.Classes[k], n)
		}
	}
	for i := range parts {
		parts[i] = set.Subset(indices[i])
	}
	return parts, nil
}

func baseline(ctx context.Context, task string, train, valid, test *dataset.Set, workers int) (Baseline, error) {
	b := Baseline{Task: task, Classes: len(train.Classes), Images: test.Len()}
	lowest := 2.0
	for _, c := range baselineCosts {
		config := linear.Config{Loss: linear.Multinomial, C: c, Tolerance: 1e-2, Workers: workers}
		classifier, err := config.Fit(ctx, linear.Dense(train.Flat()), train.Y)
		if err != nil {
			return b, err
		}
		if e := classifier.Error(linear.Dense(valid.Flat()), valid.Y); e < lowest {
			lowest, b.C, b.Linear = e, c, 1-classifier.Error(linear.Dense(test.Flat()), test.Y)
		}
	}

	most := min(slices.Max(baselineVoters), train.Len())
	var near [2]*retrieval.Neighbours
	index, err := retrieval.NewVectors(train.Flat())
	if err != nil {
		return b, fmt.Errorf("similarity: %w", err)
	}
	index.Workers = workers
	for i, s := range []*dataset.Set{valid, test} {
		queries, err := retrieval.NewVectors(s.Flat())
		if err != nil {
			return b, fmt.Errorf("similarity: %w", err)
		}
		near[i] = index.Search(queries, most)
	}
	voters := slices.DeleteFunc(slices.Clone(baselineVoters), func(k int) bool { return k > most })
	vote := retrieval.InverseDistance
	b.K, _ = retrieval.ChooseK(near[0], train.Y, valid.Y, b.Classes, vote, voters)
	answers := retrieval.Classify(near[1].First(b.K), train.Y, b.Classes, vote)
	b.Nearest = 1 - float64(retrieval.Errors(answers, test.Y))/float64(test.Len())
	return b, nil
}
