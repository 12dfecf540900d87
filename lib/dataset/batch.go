// SPDX-License-Identifier: Apache-2.0

package dataset

import "github.com/lateral-ml/lateral/lib/tensor"

// A Batch holds samples for a learner. Its memory is reused from one batch to the next.
//
// Data need not have one label per sample. A pair of images is one sample of X [N, 2, C, H, W]. A sequence of T tokens
// is a sample of Tokens [N, T], with the next token of each position in Y [N, T]. For an image-to-image task, Target
// holds the desired output images.
type Batch struct {
	X      tensor.Tensor // inputs [N, ...]
	Tokens []int         // integer inputs, row by row; empty for none
	Y      []int         // labels, one per row of X unless the data defines otherwise; empty for none
	Target tensor.Tensor // target outputs [N, ...]; empty for none
	Weight tensor.Tensor // weights of the samples [N], at least 0; empty for equal weights
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
