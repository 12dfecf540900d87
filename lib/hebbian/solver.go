// SPDX-License-Identifier: Apache-2.0

package hebbian

import (
	"fmt"
	"math"
)

// A Solver integrates y' = f(y) by the pair of Runge-Kutta formulas of orders 5 and 4 of Dormand and Prince [DP80]. The
// difference between the two estimates the error of a step, and a step with too large an error is repeated with a
// smaller size.
type Solver struct {
	RelTol   float64 // error allowed in a step, relative to |y|; 0 means 1e-6
	AbsTol   float64 // absolute error allowed, for small y; 0 means 1e-9
	MaxSteps int     // 0 means 1e6
}

// The tableau of Dormand and Prince: stage s starts from y + h·sum_j stages[s][j] k_j; the last stage is the result of
// order 5. errors holds the differences from the weights of order 4.
var (
	stages = [6][]float64{
		{1. / 5},
		{3. / 40, 9. / 40},
		{44. / 45, -56. / 15, 32. / 9},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
		{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
	}
	errors7 = [7]float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}
)

// Integrate advances y in place from time 0 to the given time. After each step it calls watch, which may be nil, with
// the time, the values and their derivative; if watch returns false, integration ends there. Integrate returns the time
// reached, and an error if it took too many steps or a value became infinite or NaN.
func (s Solver) Integrate(
	y []float64, until float64, f func(dy, y []float64), watch func(t float64, y, dy []float64) bool,
) (float64, error) {
	if s.RelTol == 0 {
		s.RelTol = 1e-6
	}
	if s.AbsTol == 0 {
		s.AbsTol = 1e-9
	}
	if s.MaxSteps == 0 {
		s.MaxSteps = 1_000_000
	}
	var k [7][]float64
	for i := range k {
		k[i] = make([]float64, len(y))
	}
	next := make([]float64, len(y))
	f(k[0], y)
	t, h := 0.0, s.firstStep(y, k[0], until)
	for step := 0; t < until; step++ {
		if step == s.MaxSteps {
			return t, fmt.Errorf(
				"hebbian: Integrate: only at time %g of %g after %d steps: allow more, or a larger error", t, until, step)
		}
		h = min(h, until-t)
		for i, weights := range stages {
			for j := range y {
				sum := 0.0
				for l, weight := range weights {
					sum += weight * k[l][j]
				}
				next[j] = y[j] + h*sum
			}
			f(k[i+1], next)
		}
		size := s.error(y, next, k, h)
		switch {
		case math.IsNaN(size) || math.IsInf(size, 0):
			return t, fmt.Errorf("hebbian: Integrate: a value is no longer finite at time %g", t)
		case size <= 1:
			t += h
			copy(y, next)
			k[0], k[6] = k[6], k[0] // the last stage is the first one of the next step
			if watch != nil && !watch(t, y, k[0]) {
				return t, nil
			}
		case t+h/10 == t:
			return t, fmt.Errorf(
				"hebbian: Integrate: no step is short enough for the error at time %g: allow a larger one", t)
		}
		h *= min(5, max(0.2, 0.9*math.Pow(max(size, 1e-10), -0.2)))
	}
	return t, nil
}

// firstStep returns a step in which y changes by about one per cent.
func (s Solver) firstStep(y, dy []float64, until float64) float64 {
	h := until
	for i := range y {
		if d := math.Abs(dy[i]); d > 0 {
			h = min(h, 0.01*max(math.Abs(y[i]), math.Sqrt(s.AbsTol))/d)
		}
	}
	return h
}

// error returns the largest error of a step, relative to the allowed error.
func (s Solver) error(y, next []float64, k [7][]float64, h float64) float64 {
	largest := 0.0
	for j := range y {
		sum := 0.0
		for l, weight := range errors7 {
			sum += weight * k[l][j]
		}
		e := math.Abs(h*sum) / (s.AbsTol + s.RelTol*max(math.Abs(y[j]), math.Abs(next[j])))
		if math.IsNaN(e) {
			return e
		}
		largest = max(largest, e)
	}
	return largest
}
