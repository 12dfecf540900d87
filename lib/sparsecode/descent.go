// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// CoordinateDescent minimises the lasso one coefficient at a time, each exactly [FHHT07]:
//
//	a_i <- shrink(a_i + <r,phi_i>, lambda),   r = x - a Phi
//
// It goes round a set of active atoms, to which it adds those that violate the conditions of the minimum most until
// none does, so that its cost follows the number of coefficients that are not zero. Where single coefficients creep,
// because atoms are much alike, it goes to the minimum for the present signs in one step, or as far as the first
// coefficient that becomes zero on the way [LBRN07].
type CoordinateDescent struct {
	Lambda  float64 // required
	Sweeps  int     // over the active atoms, at most; 0 is 1000
	Tol     float64 // stop once no coefficient changes by more than this share of the largest |<x,phi>|; 0 is 1e-5
	Workers int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (c *CoordinateDescent) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	return encode(c, c.Workers, codes, d, x)
}

// Penalty implements [Encoder]: lambda sum_i |a_i| / gain_i.
func (c *CoordinateDescent) Penalty(d *Dictionary, code []float32) float64 {
	return l1(c.Lambda, d, code)
}

func (c *CoordinateDescent) name() string { return "CoordinateDescent" }

func (c *CoordinateDescent) check(*Dictionary) error {
	if c.Sweeps < 0 {
		return setting("Sweeps", c.Sweeps, "at least 1, or 0 for the default")
	}
	if err := checkPositive("Lambda", c.Lambda); err != nil {
		return err
	}
	return checkNotNegative("Tol", c.Tol)
}

func (c *CoordinateDescent) prepare(j *job) error {
	j.setThresholds(c.Lambda, 1)
	return nil
}

func (c *CoordinateDescent) solve(j *job, w *work, _, b, a []float32, rows int) {
	k := j.d.Len()
	w.float[0], w.index[0] = grow(w.float[0], k), grow(w.index[0], k)
	s := descent{
		gram: j.d.gram, thresholds: j.thresholds, excess: w.float[0], active: w.index[0], few: newFew(w, min(k, fewAtoms), k),
	}
	sweeps, tol := cmp.Or(c.Sweeps, defaultSteps), float32(cmp.Or(c.Tol, defaultTol))
	clear(a)
	for n := range rows {
		s.products = b[n*k : (n+1)*k]
		s.few.stop = tol * largestMagnitude(s.excess, s.products)
		s.run(sweeps)
		for i, v := range s.few.code[:s.few.n] {
			a[n*k+int(s.active[i])] = v
		}
	}
}

// A descent encodes one patch after another.
type descent struct {
	gram       *tensor.Tensor // [K, K]
	thresholds []float32      // [K]
	products   []float32      // <r,phi_i> [K], as of the last call of spread
	excess     []float32      // by how much a condition is violated [K]
	active     []int32        // atoms that may have coefficients, the first few.n
	few        few            // the problem of the active atoms
}

// run adds atoms until the conditions hold. As long as atoms come in, the coefficients need not be exact.
func (s *descent) run(sweeps int) {
	const rough = 2 // sweeps before more atoms are looked for
	s.few.n = 0
	for grew := s.activate(); grew && sweeps > 0; {
		for range min(rough, sweeps) {
			s.few.sweep()
			sweeps--
		}
		s.spread()
		if grew = s.activate(); !grew {
			sweeps = s.few.finish(sweeps)
			s.spread()
			grew = s.activate()
		}
	}
}

// activate adds the atoms that violate |<r,phi_i>| <= threshold_i at least half as much as the worst does.
func (s *descent) activate() bool {
	simd.Abs(s.excess, s.products)
	simd.Sub(s.excess, s.excess, s.thresholds)
	for _, i := range s.active[:s.few.n] {
		s.excess[i] = 0
	}
	worst := simd.Max(s.excess)
	if worst <= s.few.stop {
		return false
	}
	for i, e := range s.excess {
		if e >= worst/2 {
			s.add(i)
		}
	}
	return true
}

// add makes atom i active.
func (s *descent) add(i int) {
	f := &s.few
	if f.n == f.ld {
		f.widen(s.gram, s.active[:f.n])
	}
	n := f.n
	f.products[n], f.thresholds[n], f.code[n], f.known[n] = s.products[i], s.thresholds[i], 0, 0
	s.active[n] = int32(i)
	f.n++
	row, all := f.row(n), s.gram.Row(i)
	for j, at := range s.active[:f.n] {
		c := all[at]
		row[j], f.gram[j*f.ld+n] = c, c
	}
}

// spread takes what has changed of the coefficients to the products of all atoms.
func (s *descent) spread() {
	f := &s.few
	active := s.active[:f.n]
	for j, v := range f.code[:f.n] {
		f.known[j] -= v
	}
	simd.AddRows(s.products, active, f.known[:f.n], s.gram.Data(), s.gram.Rows())
	for j, i := range active {
		f.known[j], f.products[j] = f.code[j], s.products[i]
	}
}
