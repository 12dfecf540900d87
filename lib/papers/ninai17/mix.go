// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Mix is training data of which a part is labelled: sample i is a labelled image and Ratio unlabelled ones. The
// labelled set is replicated as often as there are samples: with a ratio of 1, to the size of the unlabelled set
// [NINAI17, section 7].
type Mix struct {
	Labelled   *dataset.Set
	Unlabelled *dataset.Set // its labels are not looked at; nil for none
	Ratio      int          // unlabelled images of a sample; 0 for none
	Size       int          // samples of an epoch

	scratch []int
	idx     []int
	part    tensor.Tensor
}

// NewMix draws the labelled and unlabelled images of a setting from a training set, the former with the same number of
// each class. Labelled images are among the unlabelled ones too, if these are all.
func NewMix(s Setting, set *dataset.Set) (*Mix, error) {
	classes := len(set.Classes)
	if s.Labels%classes != 0 {
		return nil, fmt.Errorf("ninai17: %d labels cannot be shared equally by %d classes", s.Labels, classes)
	}
	for c, name := range set.Classes {
		if n := count(set.Y, c); n < s.Labels/classes {
			return nil, fmt.Errorf("ninai17: class %s has %d images, fewer than the %d that are to be labelled", name, n, s.Labels/classes)
		}
	}
	if s.Unlabelled > set.Len() {
		return nil, fmt.Errorf("ninai17: there are %d images, fewer than the %d to be used without labels", set.Len(), s.Unlabelled)
	}
	m := &Mix{Labelled: set.Balanced(s.Labels/classes, tensor.Stream(s.Seed, "labels")), Ratio: s.Ratio, Size: s.samples()}
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

// Len returns the number of samples of an epoch.
func (m *Mix) Len() int { return m.Size }

// Gather copies the labelled images of samples idx to the first rows of x and the unlabelled ones to the others, and the
// labels of the former into y. Of the last sample some unlabelled images may be the first ones again.
func (m *Mix) Gather(x *tensor.Tensor, y, idx []int) {
	m.idx = m.idx[:0]
	for _, i := range idx {
		m.idx = append(m.idx, i%m.Labelled.Len())
	}
	m.Labelled.Gather(&m.part, y, m.idx)
	n, s := len(idx), m.part.Shape()
	x.Resize((1+m.Ratio)*n, s[1], s[2], s[3])
	copy(x.Data(), m.part.Data())
	if m.Ratio == 0 {
		return
	}
	m.idx = m.idx[:0]
	for j := range m.Ratio { // a sample's images lie far apart, and those of a sample after it beside them
		for _, i := range idx {
			m.idx = append(m.idx, (i+j*m.Size)%m.Unlabelled.Len())
		}
	}
	m.scratch = slices.Grow(m.scratch[:0], len(m.idx))[:len(m.idx)]
	m.Unlabelled.Gather(&m.part, m.scratch, m.idx)
	copy(x.Data()[n*x.Width():], m.part.Data())
}
