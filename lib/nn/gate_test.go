// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	. "github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A gate passes what its mask keeps, in both directions, and nothing else; its mask is part of the model's state.
func TestGate(t *testing.T) {
	g := NewGate(2, 3)
	g.Mask.Set(0, 1, 2)
	g.Mask.Set(0, 0, 0)
	x := autograd.NewParam(tensor.From([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 2, 3))
	y := g.Forward(autograd.Scale(autograd.NewTape(1).Input(x.Value()), 1))
	for i, want := range []float32{0, 2, 3, 4, 5, 0, 0, 8, 9, 10, 11, 0} {
		if got := y.Data()[i]; got != want {
			t.Errorf("element %d is %g, want %g", i, got, want)
		}
	}
	err := gradcheck.Check(gradcheck.Config{}, func(tape *autograd.Tape) *autograd.Var {
		return g.Forward(autograd.Add(x, tape.Input(tensor.New(2, 2, 3))))
	}, x)
	if err != nil {
		t.Error(err)
	}
	state := StateOf(Sequential{NewDense(2, 6, nil, tensor.Stream(1, "w")), g})
	if len(state.Buffers) != 1 || state.Buffers[0].Name != "1.mask" || state.Buffers[0].Tensor != g.Mask {
		t.Errorf("buffers %v", state.Buffers)
	}
	defer func() {
		if got := recover(); got != "nn: Gate: samples [3] for a mask [2 3]" {
			t.Errorf("panicked with %v", got)
		}
	}()
	g.Forward(autograd.NewTape(1).Input(tensor.New(2, 3)))
}
