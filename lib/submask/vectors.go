// SPDX-License-Identifier: Apache-2.0

package submask

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Vectors are vectors of numbers, such as activations or net inputs, among which the nearest by Euclidean distance are
// found: what codes are compared with.
type Vectors struct {
	Workers int // goroutines for one search; 0 is one for each core

	x    *tensor.Tensor
	half []float32 // half the squared length of each
	long float64   // the largest squared length
}

// NewVectors returns an index of the rows of x [N, D], which it shares. The error names the first element that is NaN
// or infinite.
func NewVectors(x *tensor.Tensor) (*Vectors, error) {
	v := &Vectors{x: x, half: make([]float32, x.Rows())}
	for i := range x.Rows() {
		sum, err := squares(x.Row(i))
		if err != nil {
			return nil, fmt.Errorf("submask: NewVectors: vector %d: %w", i, err)
		}
		v.half[i] = float32(sum / 2)
		v.long = max(v.long, sum)
	}
	return v, nil
}

// squares returns the sum of squares of finite numbers.
func squares(x []float32) (float64, error) {
	sum := 0.0
	for j, f := range x {
		if f-f != 0 {
			return 0, fmt.Errorf("element %d is %g", j, f)
		}
		sum += float64(f) * float64(f)
	}
	if sum > 1e37 {
		return 0, fmt.Errorf("its squared length %g is too large for float32", sum)
	}
	return sum, nil
}

// Search returns the k vectors nearest to each query [M, D]. The error names the first element of a query that is NaN or
// infinite. It panics if the queries have another width, or unless 1 <= k <= N.
//
// The inner products of many pairs come from a matrix product in float32, and with them a distance good enough to
// rule most pairs out: one that exceeds the k-th smallest by more than its rounding error can be. The distances of
// the others are summed in float64, and returned rounded to float32.
func (v *Vectors) Search(queries *tensor.Tensor, k int) (*Neighbours, error) {
	n, d := v.x.Rows(), v.x.Width()
	if queries.Width() != d || k < 1 || k > n {
		panic(fmt.Sprintf("submask: Search: the %d nearest of vectors of shape %v to shape %v", k, v.x.Shape(), queries.Shape()))
	}
	s := &vectorSearch{v: v, queries: queries, half: make([]float32, queries.Rows()), best: newNearest(queries.Rows(), k)}
	long := v.long
	for i := range s.half {
		sum, err := squares(queries.Row(i))
		if err != nil {
			return nil, fmt.Errorf("submask: Search: query %d: %w", i, err)
		}
		s.half[i] = float32(sum / 2)
		long = max(long, sum)
	}
	// The error of an inner product of d terms is at most d half units in the last place of the product of the lengths;
	// those of the halves and their sum are a few more.
	s.margin = float32(long * float64(d+8) * 0x1p-24)
	parallel.For(workers(v.Workers), queries.Rows(), 1, s, vectorRange)
	return s.best.neighbours(func(key uint32) float32 {
		return float32(math.Sqrt(float64(math.Float32frombits(key))))
	}), nil
}

type vectorSearch struct {
	v       *Vectors
	queries *tensor.Tensor
	half    []float32
	margin  float32
	best    nearest // the keys hold the bits of squared distances, which order like the numbers
}

// vectorRange searches for the queries from lo to hi.
func vectorRange(arg any, lo, hi int) {
	s := arg.(*vectorSearch)
	const size, panel = 512, 256 // vectors in a block, queries that meet it at once
	x, d := s.v.x, s.v.x.Width()
	products := make([]float32, panel*size)
	for first := 0; first < x.Rows(); first += size {
		n := min(size, x.Rows()-first)
		for q := lo; q < hi; q += panel {
			m := min(panel, hi-q)
			simd.GemmNT(m, n, d, s.queries.Data()[q*d:(q+m)*d], d, x.Data()[first*d:(first+n)*d], d, products, n, false)
			for i := range m {
				s.offer(q+i, first, products[i*n:(i+1)*n])
			}
		}
	}
}

// offer takes what is near enough of the vectors from first on, whose inner products with query q are given.
func (s *vectorSearch) offer(q, first int, products []float32) {
	half := s.v.half[first:][:len(products)]
	limit := s.limit(q)
	for i, p := range products {
		if half[i]-p < limit {
			distance := float32(squaredDistance(s.queries.Row(q), s.v.x.Row(first+i)))
			s.best.offer(q, key(math.Float32bits(distance), first+i))
			limit = s.limit(q)
		}
	}
}

// limit returns what |x|²/2 - xq cannot reach for an x nearer to query q than the k-th nearest so far.
func (s *vectorSearch) limit(q int) float32 {
	worst := uint32(s.best.worst(q) >> 32)
	if worst == math.MaxUint32 {
		return float32(math.Inf(1))
	}
	return math.Float32frombits(worst)/2 - s.half[q] + s.margin
}

func squaredDistance(a, b []float32) float64 {
	sum := 0.0
	for j, x := range a {
		d := float64(x) - float64(b[j])
		sum += d * d
	}
	return sum
}
