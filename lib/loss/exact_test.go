// SPDX-License-Identifier: Apache-2.0

package loss_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	. "github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// For an empty batch, every objective is NaN or 0, and its gradient is empty.
func TestEveryObjectiveOfNothing(t *testing.T) {
	for name, f := range map[string]func(x *autograd.Var) *autograd.Var{
		"CrossEntropy":  func(x *autograd.Var) *autograd.Var { return CrossEntropy(x, nil) },
		"KL":            func(x *autograd.Var) *autograd.Var { return KL(x, nil) },
		"MarginalKL":    func(x *autograd.Var) *autograd.Var { return MarginalKL(x, nil) },
		"Consistency":   func(x *autograd.Var) *autograd.Var { return Consistency(x, tensor.New(0, 3)) },
		"MSE":           func(x *autograd.Var) *autograd.Var { return MSE(x, x) },
		"SSE":           func(x *autograd.Var) *autograd.Var { return SSE(x, x) },
		"L1":            func(x *autograd.Var) *autograd.Var { return L1(x, 0.3) },
		"LogActivity":   func(x *autograd.Var) *autograd.Var { return LogActivity(x, 0.3) },
		"ExpActivity":   func(x *autograd.Var) *autograd.Var { return ExpActivity(x, 0.3) },
		"NonNegativity": NonNegativity,
		"Power":         func(x *autograd.Var) *autograd.Var { return Power(x, nil, 3) },
	} {
		tape := autograd.NewTape(2)
		x := tape.Leaf(tensor.New(0, 3))
		y := f(x)
		if v := y.Scalar(); v == v && v != 0 {
			t.Errorf("%s of nothing is %v", name, v)
		}
		tape.Backward(y)
		if x.Grad() == nil || x.Grad().Len() != 0 {
			t.Errorf("%s of nothing has gradient %v", name, x.Grad())
		}
	}
}

// Every objective and its gradient, computed by hand for two samples of three elements. The sizes tell the factors
// apart: 2 is the number of samples, 3 the number of elements in each, 6 the total. The objective is multiplied by 10.
func TestEveryObjectiveByHand(t *testing.T) {
	log := math.Log
	exp := math.Exp
	// Logits whose softmax is q = (1, 2, 5)/8 and (3, 1, 1)/5, on average m.
	logits := []float64{log(1), log(2), log(5), log(3), log(1), log(1)}
	q := []float64{1. / 8, 2. / 8, 5. / 8, 3. / 5, 1. / 5, 1. / 5}
	m := []float64{(1./8 + 3./5) / 2, (2./8 + 1./5) / 2, (5./8 + 1./5) / 2}
	p := []float32{0.5, 0.125, 0.375} // a prior
	// Divergences of q from the uniform distribution and from p, and of m from both.
	uniform := []float64{1./8*log(3./8) + 2./8*log(6./8) + 5./8*log(15./8), 3./5*log(9./5) + 2./5*log(3./5)}
	prior := []float64{1./8*log(2./8) + 2./8*log(2) + 5./8*log(5./3), 3./5*log(6./5) + 1./5*log(8./5) + 1./5*log(8./15)}
	mean := m[0]*log(3*m[0]) + m[1]*log(3*m[1]) + m[2]*log(3*m[2])
	meanPrior := m[0]*log(2*m[0]) + m[1]*log(8*m[1]) + m[2]*log(8./3*m[2])
	// Gradient of the softmax: row n gets q (v - sum q v) / 2.
	softmax := func(v []float64) []float64 {
		d := make([]float64, 6)
		for i := range d {
			row := i / 3 * 3
			d[i] = q[i] * (v[i] - q[row]*v[row] - q[row+1]*v[row+1] - q[row+2]*v[row+2]) / 2
		}
		return d
	}
	x := []float64{1, -2, 3, 0, -1, 0.5}
	target := tensor.From([]float32{0, 1, 1, 2, -1, 0}, 2, 3)
	beliefs := tensor.From([]float32{0.5, 0.5, 0, 0, 0.25, 0.75}, 2, 3)
	with := func(f func(x, target *autograd.Var) *autograd.Var) func(*autograd.Var) *autograd.Var {
		return func(x *autograd.Var) *autograd.Var { return f(x, x.Tape().Input(target)) }
	}
	for _, c := range []struct {
		name string
		f    func(x *autograd.Var) *autograd.Var
		x    []float64
		y    float64
		dx   []float64
	}{
		{"CrossEntropy", func(a *autograd.Var) *autograd.Var { return CrossEntropy(a, []int{2, 1}) },
			logits, (log(8./5) + log(5)) / 2, []float64{1. / 16, 2. / 16, -3. / 16, 3. / 10, -4. / 10, 1. / 10}},
		{"KL", func(a *autograd.Var) *autograd.Var { return KL(a, nil) },
			logits, (uniform[0] + uniform[1]) / 2,
			softmax([]float64{log(3. / 8), log(6. / 8), log(15. / 8), log(9. / 5), log(3. / 5), log(3. / 5)})},
		{"KL from a prior", func(a *autograd.Var) *autograd.Var { return KL(a, p) },
			logits, (prior[0] + prior[1]) / 2,
			softmax([]float64{log(2. / 8), log(2), log(5. / 3), log(6. / 5), log(8. / 5), log(8. / 15)})},
		{"MarginalKL", func(a *autograd.Var) *autograd.Var { return MarginalKL(a, nil) }, logits, mean,
			softmax([]float64{log(3 * m[0]), log(3 * m[1]), log(3 * m[2]), log(3 * m[0]), log(3 * m[1]), log(3 * m[2])})},
		{"MarginalKL from a prior", func(a *autograd.Var) *autograd.Var { return MarginalKL(a, p) }, logits, meanPrior,
			softmax([]float64{
				log(2 * m[0]), log(8 * m[1]), log(8. / 3 * m[2]), log(2 * m[0]), log(8 * m[1]), log(8. / 3 * m[2]),
			})},
		{"Consistency", func(a *autograd.Var) *autograd.Var { return Consistency(a, beliefs) },
			logits, (0.5*log(4) + 0.5*log(2) + 0.25*log(1.25) + 0.75*log(3.75)) / 2,
			[]float64{-3. / 16, -2. / 16, 5. / 16, 3. / 10, -0.025, -0.275}},
		{"MSE", with(MSE), x, (1 + 9 + 4 + 4 + 0 + 0.25) / 6, []float64{2. / 6, -6. / 6, 4. / 6, -4. / 6, 0, 1. / 6}},
		{"MSE of the target", with(func(x, target *autograd.Var) *autograd.Var { return MSE(target, x) }),
			x, (1 + 9 + 4 + 4 + 0 + 0.25) / 6, []float64{2. / 6, -6. / 6, 4. / 6, -4. / 6, 0, 1. / 6}},
		{"SSE", with(SSE), x, (1 + 9 + 4 + 4 + 0 + 0.25) / 2, []float64{1, -3, 2, -2, 0, 0.5}},
		{"L1", func(a *autograd.Var) *autograd.Var { return L1(a, 0.3) },
			x, 0.3 * (1 + 2 + 3 + 0 + 1 + 0.5) / 2, []float64{0.15, -0.15, 0.15, 0, -0.15, 0.15}},
		{"LogActivity", func(a *autograd.Var) *autograd.Var { return LogActivity(a, 0.3) },
			x, 0.3 * (log(2) + log(5) + log(10) + 0 + log(2) + log(1.25)) / 2,
			[]float64{0.3 * 1 / 2, -0.3 * 2 / 5, 0.3 * 3 / 10, 0, -0.3 * 1 / 2, 0.3 * 0.5 / 1.25}},
		{"ExpActivity", func(a *autograd.Var) *autograd.Var { return ExpActivity(a, 0.3) },
			x, -0.3 * (exp(-1) + exp(-4) + exp(-9) + 1 + exp(-1) + exp(-0.25)) / 2,
			[]float64{0.3 * exp(-1), -0.6 * exp(-4), 0.9 * exp(-9), 0, -0.3 * exp(-1), 0.15 * exp(-0.25)}},
		{"NonNegativity", NonNegativity, x, (4 + 1) / 2., []float64{0, -2, 0, 0, -1, 0}},
		// With targets (-1, 1, -1) and (-1, -1, 1), the distances are (2, -3, 4) and (1, 0, -0.5).
		{"Power", func(x *autograd.Var) *autograd.Var { return Power(x, []int{1, 2}, 3) },
			x, (8 + 27 + 64 + 1 + 0 + 0.125) / 2, []float64{12. / 2, -27. / 2, 48. / 2, 3. / 2, 0, -0.75 / 2}},
	} {
		tape := autograd.NewTape(1)
		leaf := tape.Leaf(tensor.New(2, 3))
		for i, v := range c.x {
			leaf.Data()[i] = float32(v)
		}
		y := c.f(leaf)
		near(t, c.name, y.Scalar(), c.y)
		tape.Backward(autograd.Scale(y, 10))
		for i, want := range c.dx {
			near(t, fmt.Sprintf("%s: gradient %d", c.name, i), leaf.Grad().Data()[i], 10*want)
		}
	}
}
