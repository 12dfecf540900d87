// SPDX-License-Identifier: Apache-2.0

// Package tensor provides dense float32 arrays and named random streams, and reads and writes both.
//
// A Tensor is only a shape and a row-major slice. Arithmetic is in package autograd, which builds on it. Matrices have
// one sample per row; images are N x C x H x W.
package tensor

import (
	"fmt"
	"slices"
)

// A Tensor is a dense row-major array of float32.
// The zero value is an empty tensor of rank 0 that Resize can give a shape.
type Tensor struct {
	shape []int
	data  []float32
}

// New returns a tensor of zeros. It panics if a dimension is negative.
func New(shape ...int) *Tensor {
	return &Tensor{shape: slices.Clone(shape), data: make([]float32, size("New", shape))}
}

// From returns a tensor that shares data, whose length must be the product of shape.
func From(data []float32, shape ...int) *Tensor {
	if n := size("From", shape); n != len(data) {
		panic(fmt.Sprintf("tensor: From: shape %v needs %d values, got %d", slices.Clone(shape), n, len(data)))
	}
	return &Tensor{shape: slices.Clone(shape), data: data}
}

// size returns the number of elements of a shape. It copies the shape before printing it, so that a caller's argument
// list stays off the heap.
func size(op string, shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("tensor: %s: negative dimension in %v", op, slices.Clone(shape)))
		}
		n *= d
	}
	return n
}

// Shape returns the dimensions. The slice belongs to the tensor: do not change it.
func (t *Tensor) Shape() []int { return t.shape }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Dim returns dimension i; a negative i counts from the end.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.shape)
	}
	return t.shape[i]
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return len(t.data) }

// Data returns the elements in row-major order. The slice belongs to the tensor: writing to it changes the tensor.
func (t *Tensor) Data() []float32 { return t.data }

// Row returns element i of the first dimension as a slice that shares the tensor's memory.
func (t *Tensor) Row(i int) []float32 {
	if i < 0 || i >= t.Rows() { // slicing alone would reach into memory beyond a smaller shape set by Resize
		panic(fmt.Sprintf("tensor: Row: no row %d in shape %v", i, t.shape))
	}
	w := t.Width()
	return t.data[i*w : (i+1)*w : (i+1)*w]
}

// Rows returns the first dimension, the number of samples in a batch. It is 1 for a scalar.
func (t *Tensor) Rows() int {
	if len(t.shape) == 0 {
		return 1
	}
	return t.shape[0]
}

// Width returns the number of elements in a row, the product of all dimensions except the first.
func (t *Tensor) Width() int {
	w := 1
	for i := 1; i < len(t.shape); i++ {
		w *= t.shape[i]
	}
	return w
}

// At returns the element at the given position.
func (t *Tensor) At(idx ...int) float32 { return t.data[t.offset(idx)] }

// Set stores v at the given position.
func (t *Tensor) Set(v float32, idx ...int) { t.data[t.offset(idx)] = v }

func (t *Tensor) offset(idx []int) int {
	if len(idx) != len(t.shape) {
		panic(fmt.Sprintf("tensor: %d indices for shape %v", len(idx), t.shape))
	}
	off := 0
	for i, d := range t.shape {
		if idx[i] < 0 || idx[i] >= d {
			panic(fmt.Sprintf("tensor: index %v outside shape %v", slices.Clone(idx), t.shape))
		}
		off = off*d + idx[i]
	}
	return off
}

// Reshape returns a tensor of another shape that shares the elements. One dimension may be -1: it is inferred from the
// others.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	s := slices.Clone(shape)
	known, hole := 1, -1
	for i, d := range s {
		if d == -1 && hole < 0 {
			hole = i
			continue
		}
		known *= d
	}
	if hole >= 0 && known > 0 {
		s[hole] = len(t.data) / known
	}
	if n := size("Reshape", s); n != len(t.data) {
		panic(fmt.Sprintf("tensor: Reshape: cannot turn shape %v into %v", t.shape, slices.Clone(shape)))
	}
	return &Tensor{shape: s, data: t.data}
}

// Slice returns the rows from (inclusive) to to (exclusive). They share memory with t.
func (t *Tensor) Slice(from, to int) *Tensor {
	if from < 0 || to < from || to > t.Rows() || t.Rank() == 0 {
		panic(fmt.Sprintf("tensor: Slice: no rows %d to %d in shape %v", from, to, t.shape))
	}
	w := t.Width()
	s := slices.Clone(t.shape)
	s[0] = to - from
	return &Tensor{shape: s, data: t.data[from*w : to*w : to*w]}
}

// Resize gives t a new shape and reuses its memory if it is large enough. The elements are then undefined: the caller
// overwrites them.
func (t *Tensor) Resize(shape ...int) {
	n := size("Resize", shape)
	t.shape = append(t.shape[:0], shape...)
	if cap(t.data) < n {
		t.data = make([]float32, n)
	}
	t.data = t.data[:n]
}

// Clone returns a copy that shares no memory with t.
func (t *Tensor) Clone() *Tensor {
	return &Tensor{shape: slices.Clone(t.shape), data: slices.Clone(t.data)}
}

// CopyFrom copies the elements of src, which must have t's shape.
func (t *Tensor) CopyFrom(src *Tensor) {
	if !slices.Equal(t.shape, src.shape) {
		panic(fmt.Sprintf("tensor: CopyFrom: shape %v into %v", src.shape, t.shape))
	}
	copy(t.data, src.data)
}

// Fill sets every element to v.
func (t *Tensor) Fill(v float32) {
	for i := range t.data {
		t.data[i] = v
	}
}

// SameShape reports whether two tensors have equal dimensions.
func SameShape(a, b *Tensor) bool { return slices.Equal(a.shape, b.shape) }

// String returns the shape and, for a small tensor, its elements.
func (t *Tensor) String() string {
	if len(t.data) <= 16 {
		return fmt.Sprintf("tensor%v%v", t.shape, t.data)
	}
	return fmt.Sprintf("tensor%v[%g %g %g ... %g]", t.shape, t.data[0], t.data[1], t.data[2], t.data[len(t.data)-1])
}

// View makes t share the elements of src under another shape of the same size.
func (t *Tensor) View(src *Tensor, shape ...int) {
	if n := size("View", shape); n != len(src.data) {
		panic(fmt.Sprintf("tensor: View: cannot view shape %v as %v", src.shape, slices.Clone(shape)))
	}
	t.shape = append(t.shape[:0], shape...)
	t.data = src.data
}
