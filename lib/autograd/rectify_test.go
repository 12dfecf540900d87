// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestRectifiedPower(t *testing.T) {
	x := autograd.NewTape(1).Input(tensor.From([]float32{-2, 0, 1, 4}, 4))
	for n, want := range map[float64][]float32{1: {0, 0, 1, 4}, 2: {0, 0, 1, 16}, 1.5: {0, 0, 1, 8}} {
		for i, got := range autograd.RectifiedPower(x, n).Data() {
			if d := got - want[i]; !(d*d <= 1e-10) {
				t.Errorf("power %v of %v is %v, want %v", n, x.Data()[i], got, want[i])
			}
		}
	}
	w := autograd.NewParam(tensor.New(5, 7))
	tensor.Stream(1, "w").Normal(w.Data(), 0, 1)
	for _, n := range []float64{1, 1.5, 2, 4.5, 10} {
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			return autograd.RectifiedPower(autograd.Add(w, t.Input(tensor.New(5, 7))), n)
		}, w)
		if err != nil {
			t.Errorf("power %v: %v", n, err)
		}
	}
}

func TestRectifiedPowerBelowOnePanics(t *testing.T) {
	defer func() {
		if msg := fmt.Sprint(recover()); !strings.Contains(msg, "RectifiedPower: power 0.5") {
			t.Errorf("panic %q", msg)
		}
	}()
	autograd.RectifiedPower(autograd.NewTape(1).Input(tensor.New(1)), 0.5)
}
