// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestDivRowMean(t *testing.T) {
	tape := autograd.NewTape(1)
	x := tape.Leaf(tensor.From([]float32{1, 2, 3, 0, 0, 0}, 2, 3))
	y := autograd.DivRowMean(x)
	for i, want := range []float32{0.5, 1, 1.5, 0, 0, 0} {
		if y.Data()[i] != want {
			t.Errorf("element %d is %v, want %v", i, y.Data()[i], want)
		}
	}
	tape.Backward(autograd.Sum(y)) // which is 3, whatever x
	for i, g := range x.Grad().Data() {
		if !(g*g < 1e-12) {
			t.Errorf("gradient %d is %v, want 0", i, g)
		}
	}
	w := autograd.NewParam(tensor.New(4, 6))
	tensor.Stream(1, "w").Uniform(w.Data(), 0.2, 2)
	err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
		return autograd.DivRowMean(autograd.Add(w, t.Input(tensor.New(4, 6))))
	}, w)
	if err != nil {
		t.Error(err)
	}
}
