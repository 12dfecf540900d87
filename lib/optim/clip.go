// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// ClipNorm scales the gradients of all parameters by limit/norm if their common Euclidean norm exceeds limit > 0, so
// that it becomes limit, and returns the norm before that. Parameters without a gradient count as 0. Gradients stay as
// they are if the norm is NaN or infinite. It panics unless limit > 0. Source: [PMB13].
func ClipNorm(params []*autograd.Var, limit float64) (norm float64) {
	if !(limit > 0) {
		panic(fmt.Sprintf("optim: ClipNorm: limit %v, want one > 0", limit))
	}
	const part = 1 << 12 // the sum of a part in float32, those of all parts in float64
	for _, p := range params {
		if p.Grad() == nil {
			continue
		}
		for g := p.Grad().Data(); len(g) > 0; g = g[min(part, len(g)):] {
			norm += sumSquares(g[:min(part, len(g))])
		}
	}
	norm = math.Sqrt(norm)
	if norm <= limit || math.IsInf(norm, 0) || math.IsNaN(norm) {
		return norm
	}
	for _, p := range params {
		if p.Grad() != nil {
			simd.Scale(p.Grad().Data(), float32(limit/norm), p.Grad().Data())
		}
	}
	return norm
}

// sumSquares returns the sum of the squares of g, in float64 if float32 has no number so large.
func sumSquares(g []float32) (sum float64) {
	if sum = float64(simd.SumSquares(g)); !math.IsInf(sum, 1) {
		return sum
	}
	sum = 0
	for _, v := range g {
		sum += float64(v) * float64(v)
	}
	return sum
}

// Clip is an optimiser that clips the gradients before each step of another; see [ClipNorm].
type Clip struct {
	Optimizer
	Limit float64 // largest norm of the gradients, > 0
}

// Step implements [Optimizer].
func (c *Clip) Step(params []*autograd.Var) {
	ClipNorm(params, c.Limit)
	c.Optimizer.Step(params)
}
