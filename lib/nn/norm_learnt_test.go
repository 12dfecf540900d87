// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/scalemixture"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestLearntNormAgainstDefinition(t *testing.T) {
	c := normCase{shape: []int{2, 3, 4, 5}}
	x, l := normal("x", 0.5, 1.5, c.shape...), NewLearntNorm(3)
	for i, p := range []*autograd.Var{l.Sigma, l.Alpha, l.Shift} {
		p.Data()[0] = []float32{-0.8, 1.3, 0.4}[i] // the sign of sigma does not matter
	}
	y := l.Forward(autograd.NewTape(2).Input(x.Value()))
	z, v, squares := make([]float64, y.Value().Len()), make([]float64, y.Value().Len()), make([]float64, y.Value().Len())
	for i, e := range x.Data() {
		z[i] = float64(e)
	}
	f := Field{Window: 3}
	c.every(func(i, n, ch, r, col int) {
		v[i] = z[i] - c.mean(f, z, n, ch, r, col)
		squares[i] = v[i] * v[i]
	})
	c.every(func(i, n, ch, r, col int) {
		want := v[i]/math.Sqrt((1.3+c.mean(f, squares, n, ch, r, col)/0.64)/2) + 0.4
		near(t, fmt.Sprint("element ", i), y.Data()[i], want, 1e-5)
	})
}

func TestLearntNormGradients(t *testing.T) {
	for _, shape := range [][]int{{2, 3, 4, 5}, {1, 2, 3, 3}, {3, 9}} {
		x, l := normal("x", 0.5, 1.5, shape...), NewLearntNorm(3)
		f := func(t *autograd.Tape) *autograd.Var {
			v := x1(t, x)
			return autograd.Mul(autograd.Sigmoid(v), l.Forward(v))
		}
		err := gradcheck.Check(gradcheck.Config{Tolerance: 0.01}, f, append(Params(l), x)...)
		if err != nil {
			t.Errorf("%v: %v", shape, err)
		}
	}
}

// The length of the centred activations in a window, as a root mean square, is the MAP estimate in one dimension with
// Beta = 1, as the document reduces it.
func TestLearntNormIsMAP(t *testing.T) {
	const d = 4
	x := tensor.From([]float32{1, -1, 2, -2}, 1, d)
	l := NewLearntNorm(1)
	l.Sigma.Data()[0], l.Alpha.Data()[0] = 0.7, 1.2
	y := l.Forward(autograd.NewTape(1).Input(x.Reshape(1, d, 1, 1)))
	// mean(v²) is over D units: Alpha·Sigma² + ||x||²/D.
	m := scalemixture.Mixture{D: 1, Sigma: 0.7, Alpha: 1.2, Beta: 1}
	rms := float32(math.Sqrt(10. / d))
	u := m.MAP(tensor.From([]float32{rms}, 1, 1)).Data()[0]
	for i, v := range x.Data() {
		near(t, fmt.Sprint("unit ", i), y.Data()[i], float64(v/rms*u), 1e-5)
	}
}

func TestLearntNormAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	x, l := normal("x", 1, 1, 8, 8, 12, 12), NewLearntNorm(5)
	tape, params := autograd.NewTape(2), Params(l)
	step := func() {
		tape.Reset()
		for _, p := range params {
			p.ZeroGrad()
		}
		tape.Backward(autograd.Sum(l.Forward(tape.Leaf(x.Value()))))
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
	if len(params) != 3 {
		t.Errorf("%d parameters, want sigma, alpha and shift", len(params))
	}
}
