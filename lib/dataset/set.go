// SPDX-License-Identifier: Apache-2.0

// Package dataset loads labelled image sets and cuts them into splits, balanced subsets and batches.
//
// A Set is in memory as a whole: X holds the images, N x C x H x W, MNIST's pixels in [0, 1], and Y the labels.
// Files are never modified; what is downloaded goes to a cache of the module (see MNIST). Whatever goes wrong with
// files or the network is an error that names the file and the remedy; an index outside a set is a programmer's
// mistake and panics.
package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Set is a set of labelled images.
type Set struct {
	Name    string         // "MNIST", "Glyphs"
	X       *tensor.Tensor // images [N, C, H, W]
	Y       []int          // labels [N], each an index into Classes
	Classes []string       // the classes' names
	Source  string         // where the data came from, a sentence for people

	// Sum identifies the data, as 64 hexadecimal digits: the SHA-256 over the uncompressed bytes of the image file and
	// then the label file, or over the pixels as bytes and then the labels for a generated set. For a part of a set it
	// is the SHA-256 over the whole's Sum and the indices taken, as little-endian 64-bit numbers.
	Sum string
}

// Len returns the number of images.
func (s *Set) Len() int { return s.X.Rows() }

// Flat returns the images as the rows of a matrix [N, C*H*W] that shares their memory.
func (s *Set) Flat() *tensor.Tensor { return s.X.Reshape(s.Len(), s.X.Width()) }

// Slice returns the images from up to (not including) to, sharing memory.
// It panics unless 0 <= from <= to <= Len.
func (s *Set) Slice(from, to int) *Set {
	if from < 0 || to < from || to > s.Len() {
		panic(fmt.Sprintf("dataset: Slice: [%d:%d] of %d images", from, to, s.Len()))
	}
	idx := make([]int, to-from)
	for i := range idx {
		idx[i] = from + i
	}
	return s.part(s.X.Slice(from, to), s.Y[from:to:to], idx)
}

// Subset returns a copy of the images idx, in that order. An index may repeat.
// It panics if an index is outside the set.
func (s *Set) Subset(idx []int) *Set {
	x, y := new(tensor.Tensor), make([]int, len(idx))
	s.Gather(x, y, idx)
	return s.part(x, y, idx)
}

// part returns a set of the same kind that holds the images idx of s.
func (s *Set) part(x *tensor.Tensor, y, idx []int) *Set {
	p := *s
	p.X, p.Y = x, y
	b := append(make([]byte, 0, len(s.Sum)+8*len(idx)), s.Sum...)
	for _, i := range idx {
		b = binary.LittleEndian.AppendUint64(b, uint64(i))
	}
	sum := sha256.Sum256(b)
	p.Sum = hex.EncodeToString(sum[:])
	return &p
}

// Gather copies the images idx into dst, which it resizes to [len(idx), C, H, W], and their labels into y. It allocates
// nothing once dst has held as many images. It panics if an index is outside the set or y is not as long as idx.
func (s *Set) Gather(dst *tensor.Tensor, y, idx []int) {
	if len(y) != len(idx) {
		panic(fmt.Sprintf("dataset: Gather: %d indices into %d labels", len(idx), len(y)))
	}
	n := s.Len()
	for _, i := range idx {
		if i < 0 || i >= n {
			panic(fmt.Sprintf("dataset: Gather: index %d of %d images", i, n))
		}
	}
	var dims [8]int
	shape := append(dims[:0], s.X.Shape()...)
	shape[0] = len(idx)
	dst.Resize(shape...)
	w, from, to := s.X.Width(), s.X.Data(), dst.Data()
	for k, i := range idx {
		copy(to[k*w:(k+1)*w], from[i*w:])
		y[k] = s.Y[i]
	}
}
