// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// negligible is the share of a patch's largest product with an atom below which products are rounding errors.
const negligible = 2e-6

// MatchingPursuit takes the atom with the largest |<r,phi>| and subtracts its part from the residual, again and again
// [Thesis21, eqs. 1.13 to 1.15]:
//
//	a_i += <r,phi_i>,   r -= <r,phi_i> phi_i,   r = x at first
//
// An atom may be taken more than once. Of equal products the lowest atom is taken.
type MatchingPursuit struct {
	Steps    int     // how many atoms are taken, required
	Residual float64 // stop earlier once |r| is at most this; 0 does not
	Workers  int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (m *MatchingPursuit) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	return encode(m, m.Workers, codes, d, x)
}

// Penalty implements [Encoder]: there is none.
func (m *MatchingPursuit) Penalty(*Dictionary, []float32) float64 { return 0 }

func (m *MatchingPursuit) name() string { return "MatchingPursuit" }

func (m *MatchingPursuit) check(*Dictionary) error {
	if m.Steps < 1 {
		return setting("Steps", m.Steps, "at least 1")
	}
	return checkNotNegative("Residual", m.Residual)
}

func (m *MatchingPursuit) prepare(*job) error { return nil }

func (m *MatchingPursuit) solve(j *job, w *work, x, b, a []float32, rows int) {
	k, p := j.d.Len(), j.d.Pixels()
	w.float[0] = grow(w.float[0], k)
	magnitudes := w.float[0]
	clear(a)
	for n := range rows {
		products, code := b[n*k:(n+1)*k], a[n*k:(n+1)*k]
		energy, enough := float64(simd.SumSquares(x[n*p:(n+1)*p])), enough(m.Residual)
		least := negligible * largestMagnitude(magnitudes, products)
		for range m.Steps {
			simd.Abs(magnitudes, products)
			i := simd.ArgMax(magnitudes)
			if magnitudes[i] <= least || energy <= enough {
				break
			}
			c := products[i]
			code[i] += c
			energy -= float64(c) * float64(c)
			simd.Axpy(products, -c, j.d.gram.Row(i))
		}
	}
}

// enough returns the energy of the residual at which a pursuit stops, one that is never reached if residual is 0.
func enough(residual float64) float64 {
	if residual == 0 {
		return math.Inf(-1)
	}
	return residual * residual
}

// OMP is orthogonal matching pursuit: like [MatchingPursuit] it takes the atom with the largest |<r,phi>|, and then
// finds the best coefficients for all atoms taken so far, so that the residual is orthogonal to them and no atom is
// taken twice.
//
// It keeps no residual. The atoms taken are made orthogonal one by one, and what matters of the orthogonal vectors are
// their products with all atoms, which come from the Gram matrix: the Cholesky factor of the atoms' own Gram matrix is
// part of them. [RZE08]
type OMP struct {
	Atoms    int     // how many are taken, at most; required
	Residual float64 // stop earlier once |r| is at most this; 0 does not
	// Optimized takes the atom after which the residual is shortest, as SPAMS does: orthogonal atoms are compared
	// instead of the original ones.
	Optimized bool
	Workers   int `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (o *OMP) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	return encode(o, o.Workers, codes, d, x)
}

// Penalty implements [Encoder]: there is none.
func (o *OMP) Penalty(*Dictionary, []float32) float64 { return 0 }

func (o *OMP) name() string { return "OMP" }

func (o *OMP) check(d *Dictionary) error {
	if o.Atoms < 1 || o.Atoms > d.Len() {
		return setting("Atoms", o.Atoms, fmt.Sprintf("1 to %d, the atoms of the dictionary", d.Len()))
	}
	return checkNotNegative("Residual", o.Residual)
}

func (o *OMP) prepare(*job) error { return nil }

func (o *OMP) solve(j *job, w *work, x, b, a []float32, rows int) {
	s := newPursuit(j, w, o.Atoms, o.Optimized)
	s.enough = enough(o.Residual)
	s.solve(x, b, a, rows)
}

// SparseSet minimises the objective of the sparse-set model [Thesis21, eq. 1.25; RS07], in which every coefficient that
// is not zero costs the same,
//
//	1/2 |x - a Phi|² + lambda |a|_0
//
// The minimum cannot be found without trying all sets of atoms; [RS07] approximate it by a network, and this by a
// pursuit: like an [OMP] that is Optimized it takes the atom after which the residual is shortest, as long as this
// lowers the objective. With orthonormal atoms it finds the minimum: a_i = <x,phi_i> where that is beyond
// ±sqrt(2 lambda), and 0 elsewhere. Coefficients therefore have a gap around 0 [Thesis21, fig. 1.2b].
type SparseSet struct {
	Lambda  float64 // required
	Atoms   int     // how many are taken, at most; 0 is no limit
	Workers int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (s *SparseSet) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	return encode(s, s.Workers, codes, d, x)
}

// Penalty implements [Encoder]: lambda |a|_0.
func (s *SparseSet) Penalty(_ *Dictionary, code []float32) float64 {
	return s.Lambda * float64(simd.CountNonZero(code))
}

func (s *SparseSet) name() string { return "SparseSet" }

func (s *SparseSet) check(d *Dictionary) error {
	if s.Atoms < 0 || s.Atoms > d.Len() {
		return setting("Atoms", s.Atoms, fmt.Sprintf("1 to %d, the atoms of the dictionary, or 0 for no limit", d.Len()))
	}
	return checkPositive("Lambda", s.Lambda)
}

func (s *SparseSet) prepare(*job) error { return nil }

func (s *SparseSet) solve(j *job, w *work, x, b, a []float32, rows int) {
	p := newPursuit(j, w, cmp.Or(s.Atoms, j.d.Len()), true)
	p.enough, p.price = enough(0), 2*s.Lambda
	p.solve(x, b, a, rows)
}

// A pursuit encodes one patch after another by OMP.
//
// With v_t the atoms taken, made orthogonal in turn, it keeps the products of v_t with all atoms, a row of directions.
// At an atom taken later this is, over |v_t|², an element of the factor L of the Gram matrix of the atoms taken,
// L D L^T, whose diagonal is 1.
type pursuit struct {
	simd.Pursuit // directions: <v_t,phi_i> [most, K]
	gram         *tensor.Tensor
	squares      []float64 // |v_t|², D [most]
	factor       []float64 // L [most, most]
	z            []float64 // <x,v_t> / |v_t|² [most]
	support      []int32   // atoms taken
	weights      []float32 // of directions in the next one [most]
	most         int
	taken        int
	enough       float64 // energy of the residual at which it stops
	price        float64 // by how much an atom has to lower that energy
}

// newPursuit returns a pursuit of so many atoms at most.
func newPursuit(j *job, w *work, atoms int, optimized bool) *pursuit {
	k, most := j.d.Len(), min(atoms, j.d.Pixels())
	w.float[0], w.float[1], w.float[2] = grow(w.float[0], k), grow(w.float[1], most*k), grow(w.float[2], most)
	w.double[0], w.double[1] = grow(w.double[0], most*most), grow(w.double[1], 2*most)
	w.index[0] = grow(w.index[0], most)
	w.pursuit = pursuit{
		Pursuit: simd.Pursuit{Older: w.float[1], Scores: w.float[0]},
		gram:    j.d.gram, factor: w.double[0], z: w.double[1][:most], squares: w.double[1][most:], weights: w.float[2],
		support: w.index[0], most: most,
	}
	if optimized {
		w.float[3] = grow(w.float[3], k)
		w.pursuit.Lengths = w.float[3]
	}
	return &w.pursuit
}

// solve encodes patches x one after another.
func (s *pursuit) solve(x, b, a []float32, rows int) {
	k, p := len(s.Scores), len(x)/rows
	clear(a)
	for n := range rows {
		s.Products = b[n*k : (n+1)*k]
		s.run(float64(simd.SumSquares(x[n*p : (n+1)*p])))
		s.write(a[n*k : (n+1)*k])
	}
}

// dependent is the squared length of the orthogonal part of an atom below which it is taken to lie in the others' span.
const dependent = 1e-5

// run takes atoms. energy is |x|².
func (s *pursuit) run(energy float64) {
	s.taken = 0
	for i := range s.Lengths {
		s.Lengths[i] = 1
	}
	simd.Abs(s.Scores, s.Products)
	i := simd.ArgMax(s.Scores) // squares of products have their order
	least := negligible * s.Scores[i]
	for energy > s.enough {
		product := s.Products[i]
		if max(product, -product) <= least {
			return
		}
		left := s.project(i)
		if left < dependent { // the atom adds nothing
			s.Products[i], s.Scores[i] = 0, 0
			i = simd.ArgMax(s.Scores)
			continue
		}
		z := float64(product) / left
		if z*z*left <= s.price {
			return
		}
		t := s.taken
		s.z[t], s.squares[t], s.support[t] = z, left, int32(i)
		energy -= z * z * left
		if s.taken++; s.taken == s.most {
			return
		}
		i = s.Step(s.gram.Row(i), s.weights[:t], float32(z), float32(1/left), dependent)
	}
}

// project finds the part of atom i that lies in the span of the atoms taken, as the next row of L, and returns the
// squared length of the rest.
func (s *pursuit) project(i int) float64 {
	k, left := len(s.Scores), 1.0
	row := s.factor[s.taken*s.most:][:s.taken]
	for r := range row {
		c := float64(s.Older[r*k+i])
		l := c / s.squares[r]
		row[r], s.weights[r] = l, -float32(l)
		left -= l * c
	}
	return left
}

// write solves L^T a = z, from the last atom to the first.
func (s *pursuit) write(code []float32) {
	for t := s.taken - 1; t >= 0; t-- {
		v := s.z[t]
		for r := t + 1; r < s.taken; r++ {
			v -= s.factor[r*s.most+t] * s.z[r]
		}
		s.z[t] = v
		code[s.support[t]] = float32(v)
	}
}
