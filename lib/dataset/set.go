// SPDX-License-Identifier: Apache-2.0

// Package dataset loads labelled image sets and cuts them into splits, balanced subsets and batches.
//
// A Set is entirely in memory: X holds the images, N x C x H x W, such as MNIST's with pixels in [0, 1], and Y the
// labels. A Stream reads samples from files while they are used. Files are never modified; downloads go to a cache of
// the module (see MNIST). Failures of files or the network are errors that name the file and the remedy; an index
// outside a set is a programmer's mistake and panics.
package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Set is a set of images, usually labelled. For other kinds of samples, the dimensions of X after the first are those
// of a sample, and Y and Classes may be missing.
type Set struct {
	Name    string         // "MNIST", "Glyphs"
	X       *tensor.Tensor // images [N, C, H, W]
	Y       []int          // labels [N], each an index into Classes; nil for none
	Classes []string       // names of the classes
	Source  string         // origin of the data for people, without paths of this machine: it is part of results

	Target *tensor.Tensor // target outputs [N, ...], such as larger images; nil for none
	Weight []float32      // weights of the samples [N], at least 0; nil for equal weights

	// Sum identifies the data by 64 hexadecimal digits. It is the SHA-256 over the uncompressed bytes of the image file
	// and then the label file; for a generated set, over the pixels as bytes and then the labels. For a part of a set it
	// is the SHA-256 over the whole set's Sum and the indices taken, as little-endian 64-bit numbers.
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
	p := s.part(idx)
	p.X = s.X.Slice(from, to)
	if s.Y != nil {
		p.Y = s.Y[from:to:to]
	}
	if s.Target != nil {
		p.Target = s.Target.Slice(from, to)
	}
	if s.Weight != nil {
		p.Weight = s.Weight[from:to:to]
	}
	return p
}

// Subset returns a copy of the images idx, in that order. An index may repeat. It panics if an index is outside the
// set.
func (s *Set) Subset(idx []int) *Set {
	var b Batch
	s.Gather(&b, idx)
	p := s.part(idx)
	p.X, p.Y = &b.X, b.Y
	if s.Target != nil {
		p.Target = &b.Target
	}
	if s.Weight != nil {
		p.Weight = b.Weight.Data()
	}
	return p
}

// part returns a set of the same kind as s whose Sum identifies it as the images idx of s.
func (s *Set) part(idx []int) *Set {
	p := *s
	b := append(make([]byte, 0, len(s.Sum)+8*len(idx)), s.Sum...)
	for _, i := range idx {
		b = binary.LittleEndian.AppendUint64(b, uint64(i))
	}
	sum := sha256.Sum256(b)
	p.Sum = hex.EncodeToString(sum[:])
	return &p
}

// Gather copies the images idx into b.X [len(idx), C, H, W], and their labels, targets and weights, if the set has
// them, into b.Y, b.Target and b.Weight. It allocates nothing once b has held a batch of this size. It panics if an
// index is outside the set.
func (s *Set) Gather(b *Batch, idx []int) {
	n := s.Len()
	for _, i := range idx {
		if i < 0 || i >= n {
			panic(fmt.Sprintf("dataset: Gather: index %d of %d images", i, n))
		}
	}
	gather(&b.X, s.X, idx)
	if s.Y != nil {
		b.Y = slices.Grow(b.Y[:0], len(idx))[:len(idx)]
		for k, i := range idx {
			b.Y[k] = s.Y[i]
		}
	}
	if s.Target != nil {
		gather(&b.Target, s.Target, idx)
	}
	if s.Weight != nil {
		b.Weight.Resize(len(idx))
		for k, i := range idx {
			b.Weight.Data()[k] = s.Weight[i]
		}
	}
}
