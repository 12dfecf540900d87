// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// leakyReLU is a custom operation: max(x, 0) + slope·min(x, 0).
func leakyReLU(x *autograd.Var, slope float32) *autograd.Var {
	y, op := autograd.Record[leakyReLUOp]("LeakyReLU", x)
	op.slope = slope
	y.Resize(x.Shape()...)
	for i, v := range x.Data() {
		y.Data()[i] = max(v, 0) + slope*min(v, 0)
	}
	return y
}

// leakyReLUOp is what the gradient needs besides input and result.
type leakyReLUOp struct{ slope float32 }

func (op *leakyReLUOp) Backward(y *autograd.Var) {
	x := y.In(0)
	if !x.NeedsGrad() {
		return
	}
	dx := x.GradSum()
	for i, d := range y.Grad().Data() {
		if x.Data()[i] < 0 {
			d *= op.slope
		}
		dx[i] += d
	}
}

// An operation consists of a function and a type that holds its state and has the method Backward.
func ExampleRecord() {
	tape := autograd.NewTape(1)
	x := tape.Leaf(tensor.From([]float32{-2, 4}, 2))
	y := leakyReLU(x, 0.25)
	tape.Backward(autograd.Sum(y))
	fmt.Println(y.Data(), x.Grad().Data())
	// Output: [-0.5 4] [0.25 1]
}

// The vectors of three words, one of which occurs twice, with a positional vector added to each.
func ExampleGather() {
	words := autograd.NewParam(tensor.From([]float32{
		1, 0,
		0, 1,
		5, 5}, 3, 2))
	tape := autograd.NewTape(1)
	sentence := autograd.Gather(tape, words, []int{2, 0, 2})
	place := tape.Input(tensor.From([]float32{0, 10, 20}, 3, 1))
	fmt.Println(autograd.Add(sentence, place).Data())
	tape.Backward(autograd.Sum(sentence))
	fmt.Println(words.Grad().Data())
	// Output:
	// [5 5 11 10 25 25]
	// [1 1 0 0 2 2]
}

// A program that describes a network reads its operations from the tape.
func ExampleTape_Results() {
	tape := autograd.NewTape(1)
	x := tape.Input(tensor.New(2, 1, 4, 4))
	autograd.ReLU(autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}))
	for y := range tape.Results() {
		if op, ok := y.Operation().(autograd.Configured); ok {
			fmt.Println(y.Op(), y.Shape(), op.Settings(y))
			continue
		}
		fmt.Println(y.Op(), y.Shape())
	}
	// Output:
	// input [2 1 4 4]
	// MaxPool2D [2 1 2 2] {2 2 2 2 0 0}
	// ReLU [2 1 2 2]
}
