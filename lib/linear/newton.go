// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
)

// A solver minimises, for each column of weights w (the factor of the constant feature included),
//
//	f(w) = ½ |w|² + C sum_i u_i l(x_i·w)
//
// by truncated Newton steps: conjugate gradients find the direction and a search along it the length. All columns move
// together, so that the samples are read once for all of them; a column that is done no longer takes part.
//
// f is strongly convex: f(w) - min f <= ½ |gradient|². A column is done when this bound is at most tolerance·f(w). For
// the squared hinge it is the duality gap of w and the dual variables 2 C u_i max(0, 1 - y_i x_i·w).
type solver struct {
	sampleSet
	features  *Features
	chunks    []chunk
	columns   []column
	intercept float64
	tolerance float64
	most      int // Newton steps
	workers   int
	progress  func(Progress)
	passes    int

	w         [][]float64 // [columns][D+1], rounded to float32
	objective []float64   // [columns], in the first of a group
	gap       []float64   // bound of the relative excess, likewise

	// Of the columns that are not done, live in number.
	live      []int
	z         []float32 // scores [N, live]
	slope     []float32 // [N, live]
	curvature []float32 // [N, live]
	dz        []float32 // change of the scores in the direction [N, live]

	v     []float32 // argument of a pass
	parts []float32 // sums of the chunks of a wave
}

// start sets all weights to zero.
func (s *solver) start() {
	s.group = 1
	if s.loss == Multinomial {
		for s.group < len(s.columns) && s.columns[s.group].fold == s.columns[0].fold {
			s.group++
		}
	}
	s.w = make([][]float64, len(s.columns))
	for j := range s.w {
		s.w[j] = make([]float64, s.width())
	}
	s.objective, s.gap = make([]float64, len(s.columns)), make([]float64, len(s.columns))
}

// solve finds the weights, from those in s.w on.
func (s *solver) solve(ctx context.Context) error {
	s.live = s.live[:0]
	for j := range s.columns {
		s.live = append(s.live, j)
	}
	for step := 0; ; step++ {
		gradient, err := s.evaluate(ctx)
		if err != nil {
			return err
		}
		gradient = s.retire(gradient)
		if s.progress != nil || step == s.most {
			p := s.report(step)
			if s.progress != nil {
				s.progress(p)
			}
			if step == s.most && len(s.live) > 0 {
				return &ConvergenceError{p.Problems - p.Done, p.Problems, p.Gap, s.tolerance, step}
			}
		}
		if len(s.live) == 0 {
			return nil
		}
		direction, err := s.direct(ctx, gradient)
		if err != nil {
			return err
		}
		lengths := s.search(direction)
		for j, c := range s.live {
			w, t := s.w[c], lengths[j/s.group*s.group]
			for e, d := range direction[j] {
				w[e] = float64(float32(w[e] + t*d))
			}
		}
	}
}

func (s *solver) report(step int) Progress {
	p := Progress{Step: step, Passes: s.passes, Problems: len(s.columns) / s.group}
	p.Done = p.Problems - len(s.live)/s.group
	for _, c := range s.live {
		p.Gap = max(p.Gap, s.gap[c])
	}
	return p
}

// liveColumns returns the columns that are not done.
func (s *solver) liveColumns() []column {
	list := make([]column, len(s.live))
	for j, c := range s.live {
		list[j] = s.columns[c]
	}
	return list
}

// evaluate finds the scores, objectives and gradients of the live columns.
func (s *solver) evaluate(ctx context.Context) ([][]float64, error) {
	n, k, columns := s.features.n, len(s.live), s.liveColumns()
	s.z, s.slope, s.curvature = grow(s.z, n*k), grow(s.slope, n*k), grow(s.curvature, n*k)
	at := make([][]float64, k)
	for j, c := range s.live {
		at[j] = s.w[c]
	}
	losses := make([][]float64, len(s.chunks))
	gradient, err := s.pass(ctx, at, s.z, s.slope, func(i, lo, hi int) {
		if losses[i] == nil {
			losses[i] = make([]float64, k)
		}
		s.sampleSet.evaluate(lo, hi, columns, s.z, s.slope, s.curvature, losses[i])
	})
	if err != nil {
		return nil, err
	}
	for g := 0; g < k; g += s.group {
		f := 0.0
		for _, loss := range losses {
			f += loss[g]
		}
		square := 0.0
		for j := g; j < g+s.group; j++ {
			f += dot(at[j], at[j]) / 2
			for e, w := range at[j] {
				gradient[j][e] += w
			}
			square += dot(gradient[j], gradient[j])
		}
		if math.IsNaN(f+square) || math.IsInf(f+square, 0) {
			return nil, fmt.Errorf("linear: the objective of class %d is %v with a gradient of squared length %v: "+
				"scale the features to about 1, or take a smaller C", columns[g].class, f, square)
		}
		s.objective[s.live[g]], s.gap[s.live[g]] = f, square/2/f
	}
	return gradient, nil
}

// retire takes the columns that are done out of the live ones, and out of all that evaluate found.
func (s *solver) retire(gradient [][]float64) [][]float64 {
	k := len(s.live)
	var keep []int
	for g := 0; g < k; g += s.group {
		if s.gap[s.live[g]] > s.tolerance {
			for j := g; j < g+s.group; j++ {
				keep = append(keep, j)
			}
		}
	}
	if len(keep) == k {
		return gradient
	}
	left := make([][]float64, len(keep))
	live := make([]int, len(keep))
	for to, j := range keep {
		left[to], live[to] = gradient[j], s.live[j]
	}
	s.live = live
	for i := range s.features.n { // in place: what is kept moves towards the front
		for to, j := range keep {
			s.z[i*len(keep)+to] = s.z[i*k+j]
			s.curvature[i*len(keep)+to] = s.curvature[i*k+j]
		}
	}
	return left
}

// direct solves H d = -gradient, H the Hessian of the live columns, by conjugate gradients, until the residual is a
// tenth of the gradient. It leaves the change of the scores in dz.
func (s *solver) direct(ctx context.Context, gradient [][]float64) ([][]float64, error) {
	n, k, columns := s.features.n, len(s.live), s.liveColumns()
	s.dz = grow(s.dz, n*k)
	clear(s.dz)
	d, p, residual := make([][]float64, k), make([][]float64, k), make([][]float64, k)
	limit, square := make([]float64, k), make([]float64, k) // of groups, in their first column
	open := make([]int, k)                                  // columns still in work
	for j := range k {
		d[j], p[j], residual[j] = make([]float64, s.width()), make([]float64, s.width()), gradient[j]
		for e, g := range gradient[j] {
			residual[j][e], p[j][e] = -g, -g
		}
		g := j / s.group * s.group
		square[g] += dot(residual[j], residual[j])
		limit[g] = forcing * forcing * square[g]
		open[j] = j
	}
	zp, bent := make([]float32, n*k), make([]float32, n*k)
	for range mostProducts {
		m := len(open)
		at := make([][]float64, m)
		for to, j := range open {
			at[to] = p[j]
		}
		product, err := s.pass(ctx, at, zp, bent, func(_, lo, hi int) {
			s.bend(lo, hi, columns, open, k, s.curvature, zp, bent)
		})
		if err != nil {
			return nil, err
		}
		steps := make([]float64, m)
		var rest []int
		for to := 0; to < m; to += s.group {
			g := open[to]
			bend := 0.0
			for i := range s.group {
				for e, v := range at[to+i] {
					product[to+i][e] += v
				}
				bend += dot(at[to+i], product[to+i])
			}
			alpha, before := square[g]/bend, square[g]
			square[g] = 0
			for i := range s.group {
				steps[to+i] = alpha
				axpy(d[g+i], alpha, p[g+i])
				axpy(residual[g+i], -alpha, product[to+i])
				square[g] += dot(residual[g+i], residual[g+i])
			}
			if square[g] <= limit[g] {
				continue
			}
			for i := range s.group {
				for e, r := range residual[g+i] {
					p[g+i][e] = r + square[g]/before*p[g+i][e]
				}
				rest = append(rest, g+i)
			}
		}
		s.each(len(s.chunks), func(c int) {
			for i := s.chunks[c].lo; i < s.chunks[c].hi; i++ {
				for to, j := range open {
					s.dz[i*k+j] += float32(steps[to]) * zp[i*m+to]
				}
			}
		})
		if open = rest; len(open) == 0 {
			break
		}
	}
	return d, nil
}

const (
	forcing      = 0.1 // of the gradient, which conjugate gradients may leave
	mostProducts = 1000
)

// search returns the step lengths at which the derivative along the direction is near zero, in the first columns of
// groups. The derivative rises with the length, as f is convex: Newton's method finds its zero, within brackets.
func (s *solver) search(d [][]float64) []float64 {
	const most, enough = 30, 0.01
	k, columns := len(s.live), s.liveColumns()
	t, lo, hi := make([]float64, k), make([]float64, k), make([]float64, k)
	linear, square, first := make([]float64, k), make([]float64, k), make([]float64, k)
	for j, c := range s.live {
		g := j / s.group * s.group
		linear[g] += dot(s.w[c], d[j])
		square[g] += dot(d[j], d[j])
		hi[j] = math.Inf(1)
	}
	sums := make([][]float64, len(s.chunks))
	for c := range sums {
		sums[c] = make([]float64, 2*k)
	}
	for round := range most {
		s.each(len(s.chunks), func(c int) {
			clear(sums[c])
			s.along(s.chunks[c].lo, s.chunks[c].hi, columns, s.z, s.dz, t, sums[c])
		})
		done := true
		for g := 0; g < k; g += s.group {
			slope, bend := linear[g]+t[g]*square[g], square[g]
			for _, sum := range sums {
				slope, bend = slope+sum[2*g], bend+sum[2*g+1]
			}
			if round == 0 {
				first[g] = slope
			}
			if math.Abs(slope) <= enough*math.Abs(first[g]) && round > 0 || bend == 0 {
				continue
			}
			done = false
			if slope < 0 {
				lo[g] = t[g]
			} else {
				hi[g] = t[g]
			}
			if t[g] -= slope / bend; t[g] <= lo[g] || t[g] >= hi[g] {
				t[g] = (lo[g] + min(hi[g], 2*lo[g]+1)) / 2
			}
		}
		if done {
			break
		}
	}
	return t
}

// width returns the number of weights in a column.
func (s *solver) width() int { return s.features.d + 1 }

// wave is how many chunks are summed up at a time.
const wave = 32

// pass reads all samples once: it sets z [N, k] to the scores for the columns v, calls between for the rows from lo to
// hi of chunk i, which sets slope [N, k] to something, and returns slope' x [k][D+1]. Sums are float32 within a chunk
// and float64 over the chunks, in their order.
func (s *solver) pass(ctx context.Context, v [][]float64, z, slope []float32, between func(i, lo, hi int)) (
	[][]float64, error,
) {
	s.passes++
	f, k, width := s.features, len(v), s.width()
	s.v = grow(s.v, k*width)
	for j, v := range v {
		for e, v := range v {
			s.v[j*width+e] = float32(v)
		}
	}
	sums := make([][]float64, k)
	for j := range sums {
		sums[j] = make([]float64, width)
	}
	s.parts = grow(s.parts, min(wave, len(s.chunks))*k*width)
	for first := 0; first < len(s.chunks); first += wave {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("linear: interrupted after %d passes over the samples: %w", s.passes-1, context.Cause(ctx))
		}
		chunks := s.chunks[first:min(first+wave, len(s.chunks))]
		s.each(len(chunks), func(i int) {
			c, part := &chunks[i], s.parts[i*k*width:(i+1)*k*width]
			z, slope := z[c.lo*k:c.hi*k], slope[c.lo*k:c.hi*k]
			rows := c.hi - c.lo
			for lo := 0; lo < rows; lo += block {
				lo, hi := lo, min(lo+block, rows)
				if f.compressed {
					hi = rows
				}
				c.scores(f.d, lo, hi, k, s.v, z)
				s.addIntercept(z[lo*k:hi*k], k)
				between(first+i, c.lo+lo, c.lo+hi)
				c.gather(f.d, lo, hi, k, slope, part, lo > 0)
				if f.compressed {
					break
				}
			}
			for j := range k {
				sum := 0.0
				for r := range rows {
					sum += float64(slope[r*k+j])
				}
				part[j*width+f.d] = float32(s.intercept * sum)
			}
		})
		s.each(k, func(j int) {
			for i := range chunks {
				for e, v := range s.parts[(i*k+j)*width:][:width] {
					sums[j][e] += float64(v)
				}
			}
		})
	}
	return sums, nil
}

// addIntercept adds the constant feature's part to scores [rows, k].
func (s *solver) addIntercept(z []float32, k int) {
	if s.intercept == 0 {
		return
	}
	for i := 0; i < len(z); i += k {
		for j := range k {
			z[i+j] += float32(s.intercept) * s.v[(j+1)*s.width()-1]
		}
	}
}

// each calls do for 0 to n-1, shared among the workers.
func (s *solver) each(n int, do func(i int)) { share(s.workers, n, do) }

func share(workers, n int, do func(i int)) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	parallel.For(workers, n, 1, &do, func(arg any, lo, hi int) {
		do := *arg.(*func(int))
		for i := lo; i < hi; i++ {
			do(i)
		}
	})
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func axpy(y []float64, s float64, x []float64) {
	for i, v := range x {
		y[i] += s * v
	}
}

// grow returns a slice of n elements, in the memory of s if it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
