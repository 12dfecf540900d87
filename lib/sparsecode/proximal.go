// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"math"
	"sync"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// ISTA minimises the lasso by iterative shrinkage and thresholding [DDD04]:
//
//	a <- shrink(a + (x - a Phi) Phi^T / L, lambda / L),   shrink(v, t) = sign(v) max(|v| - t, 0),   a = 0 at first
//
// with L an upper estimate of the largest eigenvalue of the Gram matrix. No iteration raises the objective.
type ISTA struct {
	Lambda     float64 // required
	Iterations int     // at most; 0 is 1000
	Tol        float64 // stop once no coefficient is steeper than this share of the largest |<x,phi>|; 0 is 1e-5
	Workers    int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (s *ISTA) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	p := proximal{title: "ISTA", lambda: s.Lambda, sigma: 1, iterations: s.Iterations, tol: s.Tol}
	return p.encode(s.Workers, codes, d, x)
}

// Penalty implements [Encoder]: lambda sum_i |a_i| / gain_i.
func (s *ISTA) Penalty(d *Dictionary, code []float32) float64 { return l1(s.Lambda, d, code) }

// FISTA is [ISTA] with momentum [BT09]: a step starts from where the last two would lead. The momentum of a patch is
// given up when it points uphill, and then grows anew [OC15].
type FISTA struct {
	Lambda     float64 // required
	Iterations int     // at most; 0 is 1000
	Tol        float64 // stop once no coefficient is steeper than this share of the largest |<x,phi>|; 0 is 1e-5
	Workers    int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (s *FISTA) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	p := proximal{title: "FISTA", lambda: s.Lambda, sigma: 1, iterations: s.Iterations, tol: s.Tol, momentum: true}
	return p.encode(s.Workers, codes, d, x)
}

// Penalty implements [Encoder]: lambda sum_i |a_i| / gain_i.
func (s *FISTA) Penalty(d *Dictionary, code []float32) float64 { return l1(s.Lambda, d, code) }

// Sparsenet finds codes as Olshausen and Field did [Thesis21, section 1.3.1; OF96]: it descends the gradient of
//
//	1/2 |x - a Phi|² + lambda sum_i S(a_i / (sigma gain_i))
//
// from a = x Phi^T, with the momentum of [FISTA] in the place of their conjugate gradients. With the cost [AbsCost] a
// step is one of FISTA. With the other two the objective has many minima, and the one near the start is found.
type Sparsenet struct {
	Cost       Cost
	Lambda     float64 // required
	Sigma      float64 // size of coefficients at which the cost bends; 0 is 1
	Iterations int     // at most; 0 is 1000
	Tol        float64 // stop once no coefficient is steeper than this share of the largest |<x,phi>|; 0 is 1e-5
	Workers    int     `json:"-"` // goroutines; 0 is one for each core
}

// EncodeTo implements [Encoder].
func (s *Sparsenet) EncodeTo(codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	p := proximal{
		title: "Sparsenet", cost: s.Cost, lambda: s.Lambda, sigma: s.sigma(), iterations: s.Iterations, tol: s.Tol,
		momentum: true, warm: true,
	}
	return p.encode(s.Workers, codes, d, x)
}

// Penalty implements [Encoder]: lambda sum_i S(a_i / (sigma gain_i)).
func (s *Sparsenet) Penalty(d *Dictionary, code []float32) float64 {
	sum := 0.0
	for i, g := range d.Gains() {
		sum += s.Cost.Of(float64(code[i]) / (s.sigma() * float64(g)))
	}
	return s.Lambda * sum
}

func (s *Sparsenet) sigma() float64 { return cmp.Or(s.Sigma, 1) }

// proximal descends the gradient of what is smooth in the objective and shrinks for what is not.
type proximal struct {
	title          string
	cost           Cost
	lambda, sigma  float64
	iterations     int
	tol            float64
	momentum, warm bool
}

// proximals keeps them for the next batch.
var proximals = sync.Pool{New: func() any { return new(proximal) }}

func (p proximal) encode(workers int, codes *tensor.Tensor, d *Dictionary, x *tensor.Tensor) error {
	p.iterations, p.tol = cmp.Or(p.iterations, defaultSteps), cmp.Or(p.tol, defaultTol)
	held := proximals.Get().(*proximal)
	defer proximals.Put(held)
	*held = p
	return encode(held, workers, codes, d, x)
}

func (p *proximal) name() string { return p.title }

func (p *proximal) check(*Dictionary) error {
	if p.iterations < 0 {
		return setting("Iterations", p.iterations, "at least 1, or 0 for the default")
	}
	if err := checkPositive("Lambda", p.lambda); err != nil {
		return err
	}
	if err := checkPositive("Sigma", p.sigma); err != nil {
		return err
	}
	if !p.cost.known() {
		return setting("Cost", p.cost, "AbsCost, LogCost or ExpCost")
	}
	return checkNotNegative("Tol", p.tol)
}

// prepare bounds the curvature of the smooth part: the second derivative of the smooth costs is at most 2.
func (p *proximal) prepare(j *job) error {
	j.curvature = j.eigenvalue()
	if p.cost == AbsCost {
		j.setThresholds(p.lambda/p.sigma, 1/j.curvature)
		return nil
	}
	j.thresholds = grow(j.thresholds, j.d.Len())
	steepest := 0.0
	for i, g := range j.d.Gains() {
		scale := 1 / (p.sigma * float64(g))
		j.thresholds[i] = float32(scale)
		steepest = max(steepest, 2*p.lambda*scale*scale)
	}
	j.curvature += steepest
	return nil
}

// solve iterates over all patches of a block at once. One that has converged leaves, and the last takes its row, so
// that its code does not depend on the others.
func (p *proximal) solve(j *job, w *work, _, b, a []float32, rows int) {
	k, l := j.d.Len(), float32(j.curvature)
	for i := range 5 {
		w.float[i] = grow(w.float[i], block*k)
	}
	y, code, slope, next, buf := w.float[0], w.float[1], w.float[2], w.float[3][:k], w.float[4][:k]
	w.float[5] = grow(w.float[5], block)
	w.double[0], w.index[0] = grow(w.double[0], block), grow(w.index[0], block)
	stop, speed, home := w.float[5], w.double[0], w.index[0]
	for n := range rows {
		stop[n] = max(float32(p.tol)*largestMagnitude(buf, b[n*k:(n+1)*k]), math.SmallestNonzeroFloat32)
		speed[n], home[n] = 1, int32(n)
	}
	if clear(code[:rows*k]); p.warm {
		copy(code, b[:rows*k])
	}
	copy(y, code[:rows*k])
	for range p.iterations {
		simd.GemmNN(rows, k, k, y, k, j.d.gram.Data(), k, slope, k, false)
		for n := 0; n < rows; n++ {
			at := y[n*k : (n+1)*k]
			down, old := slope[n*k:(n+1)*k], code[n*k:(n+1)*k]
			simd.Sub(down, b[n*k:(n+1)*k], down)
			p.descend(next, buf, at, down, j.thresholds, 1/l)
			simd.Sub(down, next, at) // the step
			converged := l*largestMagnitude(buf, down) <= stop[n]
			simd.Sub(buf, next, old)
			copy(old, next)
			if !converged {
				p.advance(at, next, buf, down, &speed[n])
				continue
			}
			copy(a[int(home[n])*k:], next)
			if rows--; n < rows {
				for _, m := range [][]float32{y, code, slope, b} {
					copy(m[n*k:(n+1)*k], m[rows*k:(rows+1)*k])
				}
				stop[n], speed[n], home[n] = stop[rows], speed[rows], home[rows]
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

// descend sets next to where a step leads from y. down is -d/dy 1/2 |x - y Phi|², and it is overwritten, as buf is.
func (p *proximal) descend(next, buf, y, down, thresholds []float32, step float32) {
	if p.cost == AbsCost {
		simd.Scale(down, step, down)
		simd.Add(down, y, down)
		shrink(next, buf, down, thresholds)
		return
	}
	simd.Mul(next, y, thresholds) // which are 1 / (sigma gain_i)
	p.cost.slope(buf, next)
	simd.Mul(buf, buf, thresholds)
	simd.Axpy(down, -float32(p.lambda), buf)
	copy(next, y)
	simd.Axpy(next, step, down)
}

// advance sets y to where the next step begins. moved is what the code changed by, step what it differs by from y.
func (p *proximal) advance(y, code, moved, step []float32, speed *float64) {
	copy(y, code)
	if !p.momentum {
		return
	}
	if simd.Dot(step, moved) < 0 {
		*speed = 1
		return
	}
	t := *speed
	*speed = (1 + math.Sqrt(1+4*t*t)) / 2
	simd.Axpy(y, float32((t-1) / *speed), moved)
}
