// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
)

// SemiSupervised is data of which a part is labelled. Sample i is a labelled image and Ratio unlabelled ones: a batch
// of N samples has N labels and (1+Ratio)·N rows, the labelled images first. The labelled set is repeated as often as
// Size asks for: with a Ratio of 1, to the size of the unlabelled set [NINAI17, section 7].
type SemiSupervised struct {
	Labelled   *Set
	Unlabelled *Set // its labels are not used; nil for none
	Ratio      int  // unlabelled images for each labelled one; 0 for none
	Size       int  // samples of an epoch

	part Batch
	idx  []int
}

// Len returns the number of samples of an epoch.
func (s *SemiSupervised) Len() int { return s.Size }

// Gather copies the labelled images of the samples idx to the first rows of b.X and the unlabelled ones to the others,
// and the labels of the former into b.Y. Some unlabelled images of the last sample may be the first ones again.
// It panics if an index is outside the data.
func (s *SemiSupervised) Gather(b *Batch, idx []int) {
	s.idx = s.idx[:0]
	for _, i := range idx {
		if i < 0 || i >= s.Size {
			panic(fmt.Sprintf("dataset: Gather: index %d of %d samples", i, s.Size))
		}
		s.idx = append(s.idx, i%s.Labelled.Len())
	}
	s.Labelled.Gather(&s.part, s.idx)
	n, shape := len(idx), s.part.X.Shape()
	var dims [8]int
	all := append(dims[:0], shape...)
	all[0] = (1 + s.Ratio) * n
	b.X.Resize(all...)
	copy(b.X.Data(), s.part.X.Data())
	b.Y = append(b.Y[:0], s.part.Y...)
	if s.Ratio == 0 {
		return
	}
	s.idx = slices.Grow(s.idx[:0], s.Ratio*n)
	for j := range s.Ratio { // a sample's images lie far apart, and those of a sample after it beside them
		for _, i := range idx {
			s.idx = append(s.idx, (i+j*s.Size)%s.Unlabelled.Len())
		}
	}
	s.Unlabelled.Gather(&s.part, s.idx)
	copy(b.X.Data()[n*b.X.Width():], s.part.X.Data())
}
