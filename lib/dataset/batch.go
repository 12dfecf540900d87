// SPDX-License-Identifier: Apache-2.0

package dataset

import "github.com/lateral-ml/lateral/lib/tensor"

// A Batch is some samples as a learner gets them. The memory is reused from one batch to the next.
//
// Data that a label for each sample does not describe fits as well. A pair of images is one sample of X [N, 2, C, H,
// W]. A sequence of T tokens is a sample of Tokens [N, T], with the tokens that follow in Y [N, T]. The image that is
// to come out is the Target of the one that goes in.
type Batch struct {
	X      tensor.Tensor // inputs [N, ...]
	Tokens []int         // inputs that are whole numbers, row after row; empty for none
	Y      []int         // labels, one for each row of X unless the data says otherwise; empty for none
	Target tensor.Tensor // what outputs are compared with, [N, ...]; empty for none
	Weight tensor.Tensor // how much each sample counts, [N], at least 0; empty for equal weights
}

// gather copies the rows idx of src into dst, which it resizes.
func gather(dst, src *tensor.Tensor, idx []int) {
	var dims [8]int
	shape := append(dims[:0], src.Shape()...)
	shape[0] = len(idx)
	dst.Resize(shape...)
	w, from, to := src.Width(), src.Data(), dst.Data()
	for k, i := range idx {
		copy(to[k*w:(k+1)*w], from[i*w:])
	}
}
