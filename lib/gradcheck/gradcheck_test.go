// SPDX-License-Identifier: Apache-2.0

package gradcheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func numbers(n int, lo, hi float32) *autograd.Var {
	t := tensor.New(n)
	tensor.Stream(1, "gradcheck test").Uniform(t.Data(), lo, hi)
	return autograd.NewParam(t)
}

// on puts x on a tape.
func on(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return autograd.Add(x, t.Input(tensor.New(x.Shape()...)))
}

// square has a gradient that is multiplied by factor, and wrong unless factor is 1.
func square(x *autograd.Var, factor float32) *autograd.Var {
	y, op := autograd.Record[wrong]("square", x)
	op.factor = factor
	y.Resize(x.Shape()...)
	for i, v := range x.Data() {
		y.Data()[i] = v * v
	}
	return y
}

type wrong struct{ factor float32 }

func (op *wrong) Backward(y *autograd.Var) {
	g := y.In(0).GradSum()
	for i, v := range y.In(0).Data() {
		g[i] += op.factor * 2 * v * y.Grad().Data()[i]
	}
}

// A result may have one element or any other number.
func TestCheckOfResultsOfAnySize(t *testing.T) {
	for n := 1; n <= 3; n++ {
		x := numbers(n, 0.5, 2)
		for factor, ok := range map[float32]bool{1: true, 1.01: false} {
			err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
				return square(on(t, x), factor)
			}, x)
			if (err == nil) != ok {
				t.Errorf("%d elements, gradient times %v: %v", n, factor, err)
			}
		}
	}
}

func TestCheckFindsWrongGradients(t *testing.T) {
	x := numbers(20, 0.5, 2)
	for _, c := range []struct {
		factor float32
		ok     bool
	}{{1, true}, {1.01, false}, {0.99, false}, {0, false}, {-1, false}} {
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return square(on(t, x), c.factor)
		}, x)
		if (err == nil) != c.ok {
			t.Errorf("gradient times %v: %v", c.factor, err)
		}
	}
}

func TestCheckSkipsTies(t *testing.T) {
	x := numbers(200, -1, 1)
	relu := func(t *autograd.Tape) *autograd.Var { return autograd.ReLU(on(t, x)) }
	if err := gradcheck.Check(gradcheck.Config{}, relu, x); err != nil {
		t.Error("a few elements near the kink:", err)
	}
	x.Value().Fill(0.001)
	err := gradcheck.Check(gradcheck.Config{}, relu, x)
	if err == nil || !strings.Contains(err.Error(), "too close to a tie") {
		t.Errorf("all elements near the kink: %v", err)
	}
}

// With a step of 0.01, the difference points of x extend to a distance of 0.02 and may lie on both sides of a kink at
// 0. This may happen to at most half of the elements.
func TestCheckSkipsAnElementWithOnePointBeyondTheKink(t *testing.T) {
	for _, c := range []struct {
		x  []float32
		ok bool
	}{
		{[]float32{0.015, 1}, true}, {[]float32{-0.015, 1}, true}, {[]float32{0.025, -0.025}, true},
		{[]float32{0.015, -0.015, 1, 2}, true}, {[]float32{0.015, -0.015, 1}, false}, {[]float32{0.005, -0.005, 1}, false},
	} {
		x := autograd.NewParam(tensor.From(c.x, len(c.x)))
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return autograd.Abs(on(t, x))
		}, x)
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "too close to a tie") {
			t.Errorf("x = %v: %v", c.x, err)
		}
	}
}

func TestCheckNeedsSomethingToCheck(t *testing.T) {
	x, other := numbers(3, 0, 1), numbers(3, 0, 1)
	f := func(t *autograd.Tape) *autograd.Var { return autograd.Square(on(t, x)) }
	if gradcheck.Check(gradcheck.Config{}, f) == nil {
		t.Error("no variables: no error")
	}
	err := gradcheck.Check(gradcheck.Config{}, f, x, other)
	if err == nil || !strings.Contains(err.Error(), "does not depend on the variable") {
		t.Errorf("a variable without influence: %v", err)
	}
}

func ExampleCheck() {
	x := autograd.NewParam(tensor.From([]float32{0.5, 1, 2}, 3))
	err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
		half := t.Input(tensor.From([]float32{0.5, 0.5, 0.5}, 3))
		return autograd.Tanh(autograd.Mul(half, x))
	}, x)
	fmt.Println(err)
	// Output: <nil>
}
