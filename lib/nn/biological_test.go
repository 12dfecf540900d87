// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// positive returns a parameter with elements between 0.1 and 1.
func positive(name string, shape ...int) *autograd.Var {
	t := tensor.New(shape...)
	tensor.Stream(3, name).Uniform(t.Data(), 0.1, 1)
	return autograd.NewParam(t)
}

// The equation, unit by unit.
func TestBiologicalAgainstEquation(t *testing.T) {
	for _, p := range []float64{1, 2, 3.5} {
		z, u, w := normal("z", 0.5, 1, 3, 4), normal("u", 0, 1, 4, 4), positive("w", 4, 4)
		b := &Biological{Summation: u, Suppression: w, Gamma: 1.5, Sigma: 0.7, P: p}
		y := b.Forward(autograd.NewTape(1).Input(z.Value()))
		for n := range 3 {
			for j := range 4 {
				top, bottom := 0.0, 0.7*0.7
				for k := range 4 {
					v := float64(z.Value().At(n, k))
					top += float64(u.Value().At(j, k)) * v
					bottom += float64(w.Value().At(j, k)) * math.Pow(max(v, 0), p)
				}
				near(t, fmt.Sprintf("p %v: response %d of %d", p, j, n), y.Value().At(n, j), 1.5*top/math.Pow(bottom, 1/p), 1e-5)
			}
		}
	}
}

// With p = 2, equal suppression weights in a window, and the unit alone as the summation field, the biological form is
// divisive normalisation of rates that need no centring.
func TestBiologicalIsDivisiveNormalisation(t *testing.T) {
	z, w := positive("z", 2, 3, 5, 5), tensor.New(3, 3, 3, 3)
	w.Fill(1. / 27)
	y := (&Biological{Suppression: autograd.NewParam(w), Gamma: 1, Sigma: 0.5, P: 2}).
		Forward(autograd.NewTape(1).Input(z.Value()))
	c := normCase{shape: z.Shape()}
	squares := make([]float64, len(z.Data()))
	for i, v := range z.Data() {
		squares[i] = float64(v) * float64(v)
	}
	c.every(func(i, n, ch, r, col int) {
		want := float64(z.Data()[i]) / math.Sqrt(0.25+c.mean(Field{Window: 3}, squares, n, ch, r, col))
		near(t, fmt.Sprint("element ", i), y.Data()[i], want, 1e-5)
	})
}

func TestBiologicalGradients(t *testing.T) {
	for _, c := range []struct{ z, field []int }{{[]int{3, 4}, []int{4, 4}}, {[]int{1, 2, 4, 5}, []int{2, 2, 3, 3}}} {
		z, u, w := positive("z", c.z...), normal("u", 0, 1, c.field...), positive("w", c.field...)
		b := &Biological{Summation: u, Suppression: w, Gamma: 1.5, Sigma: 0.7, P: 2.5}
		f := func(t *autograd.Tape) *autograd.Var { return b.Forward(x1(t, z)) }
		if err := gradcheck.Check(gradcheck.Config{}, f, z, u, w); err != nil {
			t.Errorf("%v: %v", c.z, err)
		}
		if s := StateOf(b); len(s.Params) != 2 {
			t.Errorf("%d parameters", len(s.Params))
		}
	}
}

func TestBiologicalPanics(t *testing.T) {
	for want, b := range map[string]Biological{
		"nn: Biological: sigma 0 and exponent 2: want sigma > 0 and a finite exponent >= 1": {P: 2},
		"nn: Biological: weights of shape [3 3] for activities [2 4]: want [L, L] for [N, L], or [C, C, k, k] with odd k " +
			"for [N, C, H, W]": {Suppression: positive("w", 3, 3), Sigma: 1, P: 2},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			b.Forward(autograd.NewTape(1).Input(tensor.New(2, 4)))
		}()
	}
}

func ExampleBiological() {
	// The response of a unit to its own activity, with and without an active neighbour: the neighbour moves the curve to
	// the right.
	w := tensor.From([]float32{1, 1, 1, 1}, 2, 2)
	b := &Biological{Suppression: autograd.NewParam(w), Gamma: 1, Sigma: 1, P: 2}
	rates := tensor.From([]float32{0.5, 0, 2, 0, 8, 0, 0.5, 4, 2, 4, 8, 4}, 6, 2)
	y := b.Forward(autograd.NewTape(1).Input(rates))
	for n := range 3 {
		fmt.Printf("%.1f: %.2f alone, %.2f beside a neighbour\n", rates.At(n, 0), y.Value().At(n, 0), y.Value().At(n+3, 0))
	}
	// Output:
	// 0.5: 0.45 alone, 0.12 beside a neighbour
	// 2.0: 0.89 alone, 0.44 beside a neighbour
	// 8.0: 0.99 alone, 0.89 beside a neighbour
}
