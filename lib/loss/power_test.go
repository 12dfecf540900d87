// SPDX-License-Identifier: Apache-2.0

package loss_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestPower(t *testing.T) {
	x := autograd.NewTape(1).Input(tensor.From([]float32{0.5, -1, 0.25, 0, 1, -0.5}, 2, 3))
	// With targets (1, -1, -1) and (-1, 1, -1), the distances are 0.5, 0, 1.25 and 1, 0, 0.5.
	for _, m := range []float64{1, 2, 4.5, 10} {
		want := (2*math.Pow(0.5, m) + math.Pow(1.25, m) + 1) / 2
		near(t, fmt.Sprintf("power %v", m), loss.Power(x, []int{0, 1}, m).Scalar(), want)
	}
}

func TestPowerGradient(t *testing.T) {
	x := autograd.NewParam(tensor.New(4, 3))
	tensor.Stream(1, "x").Uniform(x.Data(), -0.9, 0.9)
	for _, m := range []float64{1, 2, 4.5, 6, 10} {
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return loss.Power(autograd.Add(x, t.Input(tensor.New(4, 3))), []int{0, 2, 1, 1}, m)
		}, x)
		if err != nil {
			t.Errorf("power %v: %v", m, err)
		}
	}
}

// An output equal to its target has a gradient of 0, not NaN.
func TestPowerOnTarget(t *testing.T) {
	for _, m := range []float64{1, 1.5, 2} {
		tape := autograd.NewTape(1)
		x := tape.Leaf(tensor.From([]float32{1, -1}, 1, 2))
		tape.Backward(loss.Power(x, []int{0}, m))
		for _, g := range x.Grad().Data() {
			if g != 0 {
				t.Errorf("power %v: gradient %v, want 0", m, g)
			}
		}
	}
}

func TestPowerPanics(t *testing.T) {
	x := autograd.NewTape(1).Input(tensor.New(2, 3))
	for want, call := range map[string]func(){
		"1 labels for outputs of shape [2 3]":             func() { loss.Power(x, []int{0}, 2) },
		"power 0.5":                                       func() { loss.Power(x, []int{0, 1}, 0.5) },
		"label 3 of sample 1 is not one of the 3 classes": func() { loss.Power(x, []int{0, 3}, 2) },
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			call()
		}()
	}
}
