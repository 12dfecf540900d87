// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LCA is the locally competitive algorithm [RJBO08]: a neuron for each atom, whose potential u is driven by the match
// with the patch, leaks, and is inhibited by the other active neurons as far as their atoms overlap,
//
//	tau du/dt = x Phi^T - u - a (Phi Phi^T - 1),   a = T(u),   u = 0 at first
//
// in steps of Euler's method. T is the soft threshold, sign(u) max(|u| - lambda, 0), with which it settles at a
// solution of the lasso; or the hard one, u where |u| > lambda and 0 elsewhere, with which the residual is orthogonal
// to the active atoms.
type LCA struct {
	Lambda  float64 // threshold, required; lambda / gain_i for an atom with a gain
	Hard    bool    // the hard threshold
	Rate    float64 // dt / tau, below 2 / L, L the largest eigenvalue of the Gram matrix; 0 is 1 / L, at most 0.1
	Steps   int     // at most; 0 is 1000
	Tol     float64 // stop once no potential is steeper than this share of the largest |<x,phi>|; 0 is 1e-5
	Workers int     `json:"-"` // goroutines; 0 is one for each core

	// Watch is called after each step with the potentials and the codes of all patches, [N, K]; nil for none. They are
	// the encoder's own. Patches are then encoded in one piece and all steps are made.
	Watch func(step int, u, a *tensor.Tensor) `json:"-"`
}

// EncodeTo implements [Encoder].
func (l *LCA) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	if l.Watch == nil {
		return encode(l, l.Workers, codes, d, x)
	}
	return l.watch(codes, d, x)
}

// Penalty implements [Encoder]: lambda sum_i |a_i| / gain_i for the soft threshold, and half the sum of (lambda /
// gain_i)² over the active neurons for the hard one: of what the dynamics descend.
func (l *LCA) Penalty(d *Dictionary, code []float32) float64 {
	if !l.Hard {
		return l1(l.Lambda, d, code)
	}
	sum := 0.0
	for i, g := range d.Gains() {
		if code[i] != 0 {
			t := l.Lambda / float64(g)
			sum += t * t / 2
		}
	}
	return sum
}

func (l *LCA) name() string { return "LCA" }

func (l *LCA) check(*Dictionary) error {
	if l.Steps < 0 {
		return setting("Steps", l.Steps, "at least 1, or 0 for the default")
	}
	if err := checkPositive("Lambda", l.Lambda); err != nil {
		return err
	}
	if err := checkNotNegative("Rate", l.Rate); err != nil {
		return err
	}
	return checkNotNegative("Tol", l.Tol)
}

func (l *LCA) prepare(j *job) error {
	j.setThresholds(l.Lambda, 1)
	largest := j.eigenvalue()
	if j.curvature = 1 / min(0.1, 1/largest); l.Rate > 0 {
		if l.Rate*largest >= 2 {
			const want = "less than %.3g: with this dictionary the dynamics are unstable above"
			return setting("Rate", l.Rate, fmt.Sprintf(want, 2/largest))
		}
		j.curvature = 1 / l.Rate
	}
	return nil
}

func (l *LCA) steps() int { return cmp.Or(l.Steps, defaultSteps) }

// solve lets the patches of a block settle. One that has settled leaves, and the last takes its row.
func (l *LCA) solve(j *job, w *work, _, b, a []float32, rows int) {
	k := j.d.Len()
	for i := range 3 {
		w.float[i] = grow(w.float[i], block*k)
	}
	w.float[3], w.float[4], w.index[0] = grow(w.float[3], k), grow(w.float[4], block), grow(w.index[0], block)
	u, code, inhibition, buf, stop, home := w.float[0], w.float[1], w.float[2], w.float[3], w.float[4], w.index[0]
	tol := float32(cmp.Or(l.Tol, defaultTol))
	for n := range rows {
		stop[n], home[n] = tol*largestMagnitude(buf, b[n*k:(n+1)*k]), int32(n)
	}
	clear(u[:rows*k])
	clear(code[:rows*k])
	for range l.steps() {
		l.inhibit(j, inhibition, code, rows)
		for n := 0; n < rows; n++ {
			row := func(m []float32) []float32 { return m[n*k : (n+1)*k] }
			slope := row(inhibition)
			l.advance(j, row(u), row(code), slope, row(b), buf)
			if largestMagnitude(buf, slope) > stop[n] {
				continue
			}
			copy(a[int(home[n])*k:], row(code))
			if rows--; n < rows {
				for _, m := range [][]float32{u, code, inhibition, b} {
					copy(row(m), m[rows*k:(rows+1)*k])
				}
				stop[n], home[n] = stop[rows], home[rows]
				n--
			}
		}
		if rows == 0 {
			return
		}
	}
	for n := range rows {
		copy(a[int(home[n])*k:(int(home[n])+1)*k], code[n*k:])
	}
}

// inhibit sets out to a Phi Phi^T.
func (l *LCA) inhibit(j *job, out, code []float32, rows int) {
	k := j.d.Len()
	product := simd.SparseProduct{Density: simd.Density(code[:rows*k], rows, k), Finite: true}
	product.Gemm(rows, k, k, code, k, j.d.gram.Data(), k, out, k)
}

// advance makes a step for one patch. slope holds a Phi Phi^T and is left as tau du/dt.
func (l *LCA) advance(j *job, u, code, slope, b, buf []float32) {
	simd.Sub(slope, b, slope)
	simd.Add(slope, slope, code)
	simd.Sub(slope, slope, u)
	simd.Axpy(u, float32(1/j.curvature), slope)
	if !l.Hard {
		shrink(code, buf, u, j.thresholds)
		return
	}
	for i, v := range u {
		if t := j.thresholds[i]; v <= t && v >= -t {
			v = 0
		}
		code[i] = v
	}
}

// watch lets all patches settle together, and shows each step.
func (l *LCA) watch(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	if err := check(l, d, x); err != nil {
		return fmt.Errorf("sparsecode: LCA: %w", err)
	}
	j := &job{d: d}
	if err := l.prepare(j); err != nil {
		return fmt.Errorf("sparsecode: LCA: %w", err)
	}
	n, k, p := x.Rows(), d.Len(), d.Pixels()
	codes.Resize(n, k)
	clear(codes.Data())
	u, b, slope, buf := tensor.New(n, k), tensor.New(n, k), tensor.New(n, k), make([]float32, k)
	simd.GemmNT(n, k, p, x.Data(), p, d.atoms.Data(), p, b.Data(), k, false)
	for step := range l.steps() {
		l.inhibit(j, slope.Data(), codes.Data(), n)
		for i := range n {
			l.advance(j, u.Row(i), codes.Row(i), slope.Row(i), b.Row(i), buf)
		}
		l.Watch(step+1, u, codes)
	}
	return nil
}
