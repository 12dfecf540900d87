// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A Cost is what a coefficient costs, S(x), symmetric and least at 0 [Thesis21, section 1.3.1].
type Cost int

const (
	AbsCost Cost = iota // |x|
	LogCost             // log(1 + x²)
	ExpCost             // -exp(-x²)
)

func (c Cost) known() bool { return c >= AbsCost && c <= ExpCost }

// String returns the formula.
func (c Cost) String() string {
	if !c.known() {
		return fmt.Sprintf("Cost(%d)", int(c))
	}
	return [...]string{"|x|", "log(1+x²)", "-exp(-x²)"}[c]
}

// Of returns S(x). It panics if the cost is unknown.
func (c Cost) Of(x float64) float64 {
	switch c {
	case AbsCost:
		return math.Abs(x)
	case LogCost:
		return math.Log1p(x * x)
	case ExpCost:
		return -math.Exp(-x * x)
	}
	panic(fmt.Sprintf("sparsecode: Of: %v", c))
}

// Slope returns S'(x), 0 at 0. It panics if the cost is unknown.
func (c Cost) Slope(x float64) float64 {
	switch c {
	case AbsCost:
		if x == 0 {
			return 0
		}
		return math.Copysign(1, x)
	case LogCost:
		return 2 * x / (1 + x*x)
	case ExpCost:
		return 2 * x * math.Exp(-x*x)
	}
	panic(fmt.Sprintf("sparsecode: Slope: %v", c))
}

// slope sets dst to S'(x) of a smooth cost.
func (c Cost) slope(dst, x []float32) {
	simd.Mul(dst, x, x)
	if c == LogCost {
		simd.AddScalar(dst, 1, dst)
		simd.Div(dst, x, dst)
	} else {
		simd.Scale(dst, -1, dst)
		simd.Exp(dst, dst)
		simd.Mul(dst, x, dst)
	}
	simd.Scale(dst, 2, dst)
}
