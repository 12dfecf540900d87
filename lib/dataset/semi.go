// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
)

// SemiSupervised is data with a labelled part. Sample i is a labelled image and Ratio unlabelled ones: a batch of N
// samples has N labels and (1+Ratio)·N rows, with the labelled images first. The labelled set is repeated to give Size
// samples: with a Ratio of 1, Size is that of the unlabelled set [NINAI17, section 7].
type SemiSupervised struct {
	Labelled   *Set
	Unlabelled *Set // its labels are not used; nil for none
	Ratio      int  // unlabelled images per labelled one; 0 for none
	Size       int  // samples per epoch

	part Batch
	idx  []int
}

// Len returns the number of samples per epoch.
func (s *SemiSupervised) Len() int { return s.Size }

// Gather copies the labelled images of the samples idx to the first rows of b.X, the unlabelled ones to the other rows,
// and the labels to b.Y. The last sample may wrap around to the first unlabelled images. It panics if an index is
// outside the data.
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
	for j := range s.Ratio { // a sample's images are spread out; neighbouring samples have neighbouring images
		for _, i := range idx {
			s.idx = append(s.idx, (i+j*s.Size)%s.Unlabelled.Len())
		}
	}
	s.Unlabelled.Gather(&s.part, s.idx)
	copy(b.X.Data()[n*b.X.Width():], s.part.X.Data())
}
