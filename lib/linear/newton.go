// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"context"
	"fmt"
	"math"
	"slices"
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
	k, columns, part := len(s.live), s.liveColumns(), s.bentPart()
	z, bent := make([]float32, part.features.n*k), make([]float32, part.features.n*k)
	c := newConjugates(gradient, s.group)
	for range mostProducts {
		open := c.open
		product, err := part.pass(ctx, c.directions(), z, bent, func(_, lo, hi int) {
			part.bend(lo, hi, columns, open, k, part.curvature, z, bent)
		})
		if err != nil {
			return nil, err
		}
		if c.advance(product); len(c.open) == 0 {
			break
		}
	}
	s.passes = part.passes
	s.dz = grow(s.dz, s.features.n*k)
	s.scores(c.d, s.dz)
	return c.d, nil
}

// bentPart returns a solver of the samples at which the loss of a live column is curved. The others, which are often
// most of them, do not matter for the Hessian.
func (s *solver) bentPart() *solver {
	const worthCopying = 0.5
	k, rows := len(s.live), []int(nil)
	for i := range s.features.n {
		if slices.ContainsFunc(s.curvature[i*k:(i+1)*k], func(c float32) bool { return c != 0 }) {
			rows = append(rows, i)
		}
	}
	part := &solver{sampleSet: s.sampleSet, features: s.features, chunks: s.chunks, curvature: s.curvature,
		intercept: s.intercept, workers: s.workers, passes: s.passes}
	if float64(len(rows)) > worthCopying*float64(s.features.n) {
		return part
	}
	part.sampleSet, part.features = s.subset(rows), s.features.Subset(rows)
	part.chunks, part.curvature = part.features.chunks(), make([]float32, 0, len(rows)*k)
	for _, i := range rows {
		part.curvature = append(part.curvature, s.curvature[i*k:(i+1)*k]...)
	}
	return part
}

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
