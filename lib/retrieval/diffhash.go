// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mat"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A DiffHash turns vectors into codes: bit j of x is 1 where p_j·x > t_j. It is learnt from labels, so that codes are
// similar within a class and different between classes [SBBF12].
type DiffHash struct {
	Projection *tensor.Tensor // p [bits, D]: rows of length 1, orthogonal to each other
	Threshold  []float32      // t [bits]
}

// NewDiffHash learns codes from vectors x [N, D] and their labels. Let S+ be the mean of (x - x')(x - x')^T over all
// pairs of the same class, and S- the mean over all pairs of different classes. The directions are the eigenvectors of
//
//	alpha S+ - S-
//
// with the smallest eigenvalues, smallest first; the entry of largest magnitude of each is positive. Each threshold
// lies halfway between two neighbouring projections. It minimises the sum of two shares: pairs of the same class that
// it separates, and pairs of different classes that it does not separate; ties go to the lowest threshold. Sums over
// pairs are exact: they are computed from sums over classes. Source: [SBBF12, sections 3 and 4].
//
// The error names the first element that is NaN or infinite, or says that pairs of either kind are missing. NewDiffHash
// panics unless 1 <= bits <= D, alpha > 0 and there is one label, not negative, for each vector.
func NewDiffHash(x *tensor.Tensor, labels []int, bits int, alpha float64) (*DiffHash, error) {
	n, d := x.Rows(), x.Width()
	if bits < 1 || bits > d || !(alpha > 0) || len(labels) != n {
		panic(fmt.Sprintf("retrieval: NewDiffHash: %d bits, alpha %g, vectors of shape %v with %d labels", bits, alpha,
			x.Shape(), len(labels)))
	}
	classes := 0
	for i, c := range labels {
		if c < 0 {
			panic(fmt.Sprintf("retrieval: NewDiffHash: label %d of vector %d", c, i))
		}
		classes = max(classes, c+1)
	}
	if err := finite(x); err != nil {
		return nil, fmt.Errorf("retrieval: NewDiffHash: %w", err)
	}
	size := make([]float64, classes)
	for _, c := range labels {
		size[c]++
	}
	alike, different := pairs(size)
	if alike == 0 || different == 0 {
		return nil, errors.New("retrieval: NewDiffHash: there must be pairs of vectors of one class and of different " +
			"classes: check the labels")
	}

	// Over the pairs i < j of a set of m members, sum (x_i - x_j)(x_i - x_j)^T = m sum_i x_i x_i^T - s s^T with s = sum_i
	// x_i. Subtracting the mean first avoids cancellation.
	mean := make([]float64, d)
	for i := range n {
		for j, v := range x.Row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	// The weight of a pair of the same class. Pairs of different classes are all pairs minus these.
	weight := alpha/alike + 1/different
	objective := mat.NewSymDense(d, nil)
	rows := make([]*mat.Dense, classes)
	at := make([]int, classes)
	for c, m := range size {
		if m > 0 {
			rows[c] = mat.NewDense(int(m), d, nil)
		}
	}
	sums := mat.NewDense(classes, d, nil)
	for i, c := range labels {
		row := rows[c].RawRowView(at[c])
		at[c]++
		sum := sums.RawRowView(c)
		for j, v := range x.Row(i) {
			row[j] = float64(v) - mean[j]
			sum[j] += row[j]
		}
	}
	for c, m := range size {
		if m == 0 {
			continue
		}
		var square mat.SymDense
		square.SymOuterK(weight*m-float64(n)/different, rows[c].T())
		objective.AddSym(objective, &square)
		objective.SymRankOne(objective, -weight, sums.RowView(c))
	}
	// The sum over all vectors, relative to the mean, is 0.

	var eigen mat.EigenSym
	if !eigen.Factorize(objective, true) {
		return nil, errors.New("retrieval: NewDiffHash: the eigenvalues did not converge: scale the vectors to about 1")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors) // columns, smallest eigenvalue first
	h := &DiffHash{Projection: tensor.New(bits, d), Threshold: make([]float32, bits)}
	for b := range bits {
		largest := 0.0
		for j := range d {
			if v := vectors.At(j, b); math.Abs(v) > math.Abs(largest) {
				largest = v
			}
		}
		row := h.Projection.Row(b)
		for j := range row {
			row[j] = float32(math.Copysign(1, largest) * vectors.At(j, b))
		}
	}
	projected := h.project(x)
	column := make([]float32, n)
	for b := range bits {
		for i := range column {
			column[i] = projected.At(i, b)
		}
		h.Threshold[b] = threshold(column, labels, size)
	}
	return h, nil
}

// pairs returns the number of pairs of the same class and of different classes.
func pairs(size []float64) (alike, different float64) {
	n := 0.0
	for _, m := range size {
		alike += m * (m - 1) / 2
		n += m
	}
	return alike, n*(n-1)/2 - alike
}

// threshold returns the best threshold for the values.
func threshold(values []float32, labels []int, size []float64) float32 {
	alike, different := pairs(size)
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return values[order[i]] < values[order[j]] })
	below, n := make([]float64, len(size)), float64(len(values))
	best, at := math.Inf(1), values[order[0]]
	parted := 0.0 // separated pairs of the same class
	for i, o := range order[:len(order)-1] {
		c := labels[o]
		parted += size[c] - 2*below[c] - 1
		below[c]++
		next := values[order[i+1]]
		if next == values[o] {
			continue
		}
		all := float64(i+1) * (n - float64(i+1))
		if cost := parted/alike + 1 - (all-parted)/different; cost < best {
			best, at = cost, values[o]+(next-values[o])/2
		}
	}
	return at
}

// Codes returns the codes of vectors x [N, D]. It panics if D differs from that of the vectors used for learning.
func (h *DiffHash) Codes(x *tensor.Tensor) *Codes {
	projected := h.project(x)
	c := NewCodes(x.Rows(), len(h.Threshold))
	for i := range c.n {
		code := c.Row(i)
		for j, v := range projected.Row(i) {
			if v > h.Threshold[j] {
				code[j/64] |= 1 << (j % 64)
			}
		}
	}
	return c
}

// project returns the inner products of vectors and directions, [N, bits].
func (h *DiffHash) project(x *tensor.Tensor) *tensor.Tensor {
	d := h.Projection.Width()
	if x.Width() != d {
		panic(fmt.Sprintf("retrieval: DiffHash: vectors of shape %v to a projection of %d dimensions", x.Shape(), d))
	}
	y := tensor.New(x.Rows(), h.Projection.Rows())
	if y.Len() > 0 {
		simd.GemmNT(x.Rows(), y.Width(), d, x.Data(), d, h.Projection.Data(), d, y.Data(), y.Width(), false)
	}
	return y
}
