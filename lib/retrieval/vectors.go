// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Vectors searches vectors of numbers, such as activations or net inputs, by Euclidean distance, as a baseline for
// codes.
type Vectors struct {
	Workers int // goroutines for one search; 0 means one per core

	given *tensor.Tensor
	scale int            // relation of x to the given vectors:
	x     *tensor.Tensor // 2^-scale given
	half  []float32      // half the squared length of each row of x
	long  float64        // the largest squared length
}

// NewVectors returns an index of the rows of x [N, D], which it shares. The rows may be searched or used as queries.
// The error names the first element that is NaN or infinite. If the squared lengths are outside the range of float32,
// the vectors are copied and scaled by a power of two, which does not change any result.
func NewVectors(x *tensor.Tensor) (*Vectors, error) {
	if err := finite(x); err != nil {
		return nil, fmt.Errorf("retrieval: NewVectors: %w", err)
	}
	return newVectors(x, scaleOf(x)), nil
}

// finite returns an error that names the first element that is NaN or infinite.
func finite(x *tensor.Tensor) error {
	for i := range x.Rows() {
		for j, f := range x.Row(i) {
			if f-f != 0 {
				return fmt.Errorf("vector %d: element %d is %g", i, j, f)
			}
		}
	}
	return nil
}

func newVectors(x *tensor.Tensor, scale int) *Vectors {
	v := &Vectors{given: x, scale: scale, x: scaled(x, scale), half: make([]float32, x.Rows())}
	for i := range x.Rows() {
		sum := 0.0
		for _, f := range v.x.Row(i) {
			sum += float64(f) * float64(f)
		}
		v.half[i] = float32(sum / 2)
		v.long = max(v.long, sum)
	}
	return v
}

// at returns the vectors at another scale.
func (v *Vectors) at(scale int) *Vectors {
	if scale == v.scale {
		return v
	}
	other := newVectors(v.given, scale)
	other.Workers = v.Workers
	return other
}

// scaleOf returns the exponent e by which vectors are scaled to 2^-e x. It is 0 unless their largest element is below
// 2^-40 or above 2^40.
func scaleOf(x *tensor.Tensor) int {
	largest := float32(0)
	for _, f := range x.Data() {
		largest = max(largest, f, -f)
	}
	if e := math.Ilogb(float64(largest)); largest > 0 && (e < -40 || e > 40) {
		return e
	}
	return 0
}

// scaled returns 2^-e x, or x itself if e is 0.
func scaled(x *tensor.Tensor, e int) *tensor.Tensor {
	if e == 0 {
		return x
	}
	out := tensor.New(x.Shape()...)
	for i, f := range x.Data() {
		out.Data()[i] = float32(math.Ldexp(float64(f), -e))
	}
	return out
}

// Search returns the k vectors nearest to each query, exactly; ties go to the lower index. It panics if the queries
// have another width, or unless 1 <= k <= N.
//
// A matrix product in float32 gives the inner products of many pairs and with them an approximate distance. It excludes
// pairs whose distance exceeds the k-th smallest by more than the rounding error. The distances of the other pairs are
// summed in float64 and returned rounded to float32.
func (v *Vectors) Search(queries *Vectors, k int) *Neighbours {
	n, d := v.x.Rows(), v.x.Width()
	if queries.x.Width() != d || k < 1 || k > n {
		panic(fmt.Sprintf("retrieval: Search: the %d nearest of vectors of shape %v to shape %v", k, v.x.Shape(),
			queries.x.Shape()))
	}
	scale := max(v.scale, queries.scale) // the scale of the longest vector
	v, queries = v.at(scale), queries.at(scale)
	s := &vectorSearch{v: v, queries: queries, best: newNearest(queries.x.Rows(), k)}
	// The error of an inner product of d terms is at most d half units in the last place of the product of the lengths;
	// the halves and their sum add a few more.
	s.margin = float32(max(v.long, queries.long) * float64(d+8) * 0x1p-24)
	parallel.For(workers(v.Workers), queries.x.Rows(), 1, s, vectorRange)
	return s.best.neighbours(func(key uint32) float32 {
		return float32(math.Ldexp(math.Sqrt(float64(math.Float32frombits(key))), scale))
	})
}

type vectorSearch struct {
	v       *Vectors
	queries *Vectors
	margin  float32
	best    nearest // keys hold the bits of squared distances, whose order is that of the numbers
}

// vectorRange searches for the queries from lo to hi.
func vectorRange(arg any, lo, hi int) {
	s := arg.(*vectorSearch)
	const size, panel = 512, 256 // vectors in a block, queries compared with it at once
	x, d := s.v.x, s.v.x.Width()
	products := make([]float32, panel*size)
	for first := 0; first < x.Rows(); first += size {
		n := min(size, x.Rows()-first)
		for q := lo; q < hi; q += panel {
			m := min(panel, hi-q)
			simd.GemmNT(m, n, d, s.queries.x.Data()[q*d:(q+m)*d], d, x.Data()[first*d:(first+n)*d], d, products, n, false)
			for i := range m {
				s.offer(q+i, first, products[i*n:(i+1)*n])
			}
		}
	}
}

// offer adds the vectors from first on that are near enough, given their inner products with query q.
func (s *vectorSearch) offer(q, first int, products []float32) {
	half := s.v.half[first:][:len(products)]
	limit := s.limit(q)
	for i, p := range products {
		if half[i]-p < limit {
			distance := float32(squaredDistance(s.queries.x.Row(q), s.v.x.Row(first+i)))
			s.best.offer(q, key(math.Float32bits(distance), first+i))
			limit = s.limit(q)
		}
	}
}

// limit returns a bound on |x|²/2 - xq that no x nearer to query q than its k-th nearest so far can reach.
func (s *vectorSearch) limit(q int) float32 {
	worst := uint32(s.best.worst(q) >> 32)
	if worst == math.MaxUint32 {
		return float32(math.Inf(1))
	}
	return math.Float32frombits(worst)/2 - s.queries.half[q] + s.margin
}

func squaredDistance(a, b []float32) float64 {
	sum := 0.0
	for j, x := range a {
		d := float64(x) - float64(b[j])
		sum += d * d
	}
	return sum
}
