// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// data draws the labelled and unlabelled images of a setting from a training set, with the same number of labelled
// images in each class. Unlabelled images are drawn from the whole set, so they may include labelled ones.
func (s Setting) data(set *dataset.Set) (*dataset.SemiSupervised, error) {
	classes := len(set.Classes)
	if s.Labels%classes != 0 {
		return nil, fmt.Errorf("ninai17: %d labels cannot be divided equally among %d classes", s.Labels, classes)
	}
	for c, name := range set.Classes {
		if n := count(set.Y, c); n < s.Labels/classes {
			return nil, fmt.Errorf("ninai17: class %s has %d images, fewer than the %d to label",
				name, n, s.Labels/classes)
		}
	}
	if s.Unlabelled > set.Len() {
		return nil, fmt.Errorf("ninai17: there are %d images, fewer than the %d to use without labels",
			set.Len(), s.Unlabelled)
	}
	m := &dataset.SemiSupervised{
		Labelled: set.Balanced(s.Labels/classes, tensor.Stream(s.Seed, "labels")), Ratio: s.Ratio, Size: s.samples(),
	}
	if s.Unlabelled > 0 {
		m.Unlabelled = set
		if s.Unlabelled < set.Len() {
			idx := tensor.Stream(s.Seed, "unlabelled").Perm(set.Len())[:s.Unlabelled]
			slices.Sort(idx)
			m.Unlabelled = set.Subset(idx)
		}
	}
	return m, nil
}

func count(y []int, c int) (n int) {
	for _, v := range y {
		if v == c {
			n++
		}
	}
	return n
}
