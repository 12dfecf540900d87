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
// none does, so that its cost follows the number of coefficients that are not zero.
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
	sweeps, tol := cmp.Or(c.Sweeps, defaultSteps), float32(cmp.Or(c.Tol, defaultTol))
	s := descent{gram: j.d.gram, thresholds: j.thresholds, excess: w.float[0]}
	clear(a)
	for n := range rows {
		s.products, s.code, s.active = b[n*k:(n+1)*k], a[n*k:(n+1)*k], w.index[0][:0]
		s.stop = tol * largestMagnitude(s.excess, s.products)
		s.run(sweeps)
	}
}

// A descent encodes one patch after another.
type descent struct {
	gram       *tensor.Tensor
	thresholds []float32 // [K]
	products   []float32 // <r,phi_i> [K]
	code       []float32 // [K]
	excess     []float32 // by how much a condition is violated [K]
	active     []int32   // atoms that may have coefficients
	stop       float32
}

// run sweeps until the conditions hold. As long as atoms come in, the coefficients need not be exact.
func (s *descent) run(sweeps int) {
	const rough = 2 // sweeps before more atoms are looked for
	grew := s.activate()
	for i := 1; i <= sweeps; i++ {
		change := s.sweep()
		if change <= s.stop {
			if grew = s.activate(); !grew {
				return
			}
		} else if grew && i%rough == 0 {
			grew = s.activate()
		}
	}
}

// activate adds the atoms that violate |<r,phi_i>| <= threshold_i at least half as much as the worst does.
func (s *descent) activate() bool {
	simd.Abs(s.excess, s.products)
	simd.Sub(s.excess, s.excess, s.thresholds)
	for _, i := range s.active {
		s.excess[i] = 0
	}
	worst := simd.Max(s.excess)
	if worst <= s.stop {
		return false
	}
	for i, e := range s.excess {
		if e >= worst/2 {
			s.active = append(s.active, int32(i))
		}
	}
	return true
}

// sweep minimises over each active coefficient in turn, drops atoms whose coefficient stays zero, and returns the
// largest change.
func (s *descent) sweep() (largest float32) {
	kept := s.active[:0]
	for _, i := range s.active {
		before := s.code[i]
		v, t := s.products[i]+before, s.thresholds[i]
		switch {
		case v > t:
			v -= t
		case v < -t:
			v += t
		default:
			v = 0
		}
		if v != 0 || before != 0 {
			kept = append(kept, i)
		}
		if change := v - before; change != 0 {
			s.code[i] = v
			simd.Axpy(s.products, -change, s.gram.Row(int(i)))
			largest = max(largest, change, -change)
		}
	}
	s.active = kept
	return largest
}
