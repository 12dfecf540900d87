// SPDX-License-Identifier: Apache-2.0

// Package gradcheck compares gradients with finite differences.
//
// Sparse and competitive layers are only piecewise smooth. If the winner of a competition changes between x-h and x+h,
// the difference quotient mixes two pieces and says nothing about either. [Check] detects this from the pattern of
// winners ([autograd.Tape.ActivationPattern]) and checks another element instead.
package gradcheck

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Config sets how to check. The zero value is a good default.
type Config struct {
	Step      float64 // distance h of the difference points, in units of max(1, |x|); default 0.01
	Tolerance float64 // largest error, in units of the largest gradient of the variable; default 0.003
	Samples   int     // largest number of elements to check per variable; default 64
	Seed      uint64  // for drawing elements to check, and weights for results with several elements
}

// Check runs f and returns an error unless the gradient of its result with respect to each of vars agrees with
//
//	(8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h,
//
// the central difference of fourth order. A result with several elements is first summed with random weights. f must
// compute the same function each time, so any randomness in it must start from the same seed. Check skips an element if
// its four points lie on different pieces of the function. It fails if that happens to more than half of a variable's
// elements, or if there was nothing to check.
func Check(c Config, f func(t *autograd.Tape) *autograd.Var, vars ...*autograd.Var) error {
	if c.Step == 0 {
		c.Step = 0.01
	}
	if c.Tolerance == 0 {
		c.Tolerance = 0.003
	}
	if c.Samples == 0 {
		c.Samples = 64
	}
	if len(vars) == 0 {
		return fmt.Errorf("gradcheck: no variable to check")
	}
	k := checker{Config: c, f: f, tape: autograd.NewTape(1), rng: tensor.Stream(c.Seed, "gradcheck")}
	k.tape.SetTraining(true)
	k.gradients(vars)
	for i, v := range vars {
		if err := k.check(v); err != nil {
			return fmt.Errorf("gradcheck: %s: %w", describe(v, i), err)
		}
	}
	return nil
}

type checker struct {
	Config
	f       func(t *autograd.Tape) *autograd.Var
	tape    *autograd.Tape
	rng     *tensor.RNG
	weights *tensor.Tensor // weights of the elements of the result
}

// gradients runs f and its backward pass once, and leaves the gradients in vars.
func (k *checker) gradients(vars []*autograd.Var) {
	for _, v := range vars {
		v.ZeroGrad()
	}
	y := k.f(k.tape)
	k.weights = tensor.New(y.Shape()...)
	k.weights.Fill(1)
	if y.Value().Len() > 1 {
		k.rng.Uniform(k.weights.Data(), 0.5, 1.5)
		y = autograd.Sum(autograd.Mul(y, k.tape.Input(k.weights)))
	}
	k.tape.Backward(y)
}

// value returns f, summed in float64, and the piece of the function that it lies on.
func (k *checker) value() (y float64, piece uint64) {
	k.tape.Reset()
	out := k.f(k.tape)
	for i, w := range k.weights.Data() {
		y += float64(w) * float64(out.Data()[i])
	}
	return y, k.tape.ActivationPattern()
}

func (k *checker) check(v *autograd.Var) error {
	grad := v.Grad()
	if grad == nil {
		return errors.New("no gradient after Backward: the result does not depend on the variable, or an operation does " +
			"not compute it")
	}
	scale := 1e-3
	for _, g := range grad.Data() {
		scale = max(scale, math.Abs(float64(g)))
	}
	elements := k.rng.Perm(grad.Len())
	checked, skipped := 0, 0
	for _, i := range elements {
		if checked == k.Samples {
			break
		}
		slope, smooth := k.slope(&v.Data()[i])
		if !smooth {
			skipped++
			continue
		}
		checked++
		got := float64(grad.Data()[i])
		if diff := math.Abs(got - slope); !(diff <= k.Tolerance*scale) {
			return fmt.Errorf("element %d: gradient %.6g, by differences %.6g (allowed error %.2g)",
				i, got, slope, k.Tolerance*scale)
		}
	}
	if checked == 0 || skipped > checked {
		return fmt.Errorf("checked %d elements, but %d lie too close to a tie: use other inputs or a smaller step",
			checked, skipped)
	}
	return nil
}

// slope returns the difference quotient with respect to *x, and whether its points lie on one piece.
func (k *checker) slope(x *float32) (slope float64, smooth bool) {
	x0 := *x
	defer func() { *x = x0 }()
	h := k.Step * max(1, math.Abs(float64(x0)))
	var y, at [4]float64
	var piece [4]uint64
	for i, d := range [4]float64{-2, -1, 1, 2} {
		*x = float32(float64(x0) + d*h)
		at[i] = float64(*x)
		y[i], piece[i] = k.value()
	}
	smooth = piece[0] == piece[1] && piece[1] == piece[2] && piece[2] == piece[3]
	// The points after rounding to float32.
	near := (y[2] - y[1]) / (at[2] - at[1])
	far := (y[3] - y[0]) / (at[3] - at[0])
	return (4*near - far) / 3, smooth
}

func describe(v *autograd.Var, i int) string {
	if v.Name != "" {
		return v.Name
	}
	return fmt.Sprintf("variable %d %s", i, strings.ReplaceAll(fmt.Sprint(v.Shape()), " ", "x"))
}
