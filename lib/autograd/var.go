// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Var is a value, its gradient, and how it was made: by an operation on a tape, or by [NewParam].
type Var struct {
	Name string // of a parameter, as nn.Params found it; empty otherwise

	value, grad array
	hasGrad     bool // grad holds a gradient
	needsGrad   bool

	tape      *Tape                        // nil for a parameter
	workers   int                          // of the tape that used the parameter last
	op        string                       // the name of the operation that made it
	in        []*Var                       // what it was made from
	operation Operation                    // nil for a parameter or an input
	record    interface{ run(lo, hi int) } // holds the operation's state, or that of the last step's
}

// An array is a tensor that owns its memory, shares another tensor, or sees one under another shape.
type array struct {
	own, seen tensor.Tensor
	at        *tensor.Tensor
}

func (a *array) share(t *tensor.Tensor) { a.at = t }

func (a *array) view(t *tensor.Tensor, shape ...int) {
	a.seen.View(t, shape...)
	a.at = &a.seen
}

func (a *array) resize(shape ...int) {
	a.own.Resize(shape...)
	a.at = &a.own
}

func (a *array) Data() []float32 { return a.at.Data() }
func (a *array) Len() int        { return a.at.Len() }

// NewParam returns a parameter: a variable that outlives every tape and collects gradients. It shares value.
func NewParam(value *tensor.Tensor) *Var {
	v := &Var{op: "parameter", needsGrad: true}
	v.value.share(value)
	return v
}

// Value returns the tensor. Do not change it between the operation that used it and Backward.
func (v *Var) Value() *tensor.Tensor { return v.value.at }

// Data returns the elements of the value.
func (v *Var) Data() []float32 { return v.value.Data() }

// Shape returns the dimensions of the value.
func (v *Var) Shape() []int { return v.value.at.Shape() }

// Rows and Width see the value as a matrix: one row for each sample.
func (v *Var) Rows() int { return v.value.at.Rows() }

// Width returns the number of elements in a row.
func (v *Var) Width() int { return v.value.at.Width() }

// Scalar returns the only element of a value that has one, such as a loss.
func (v *Var) Scalar() float32 {
	if v.value.Len() != 1 {
		panic(fmt.Sprintf("autograd: Scalar: shape %v has not one element", v.Shape()))
	}
	return v.value.Data()[0]
}

// Grad returns the gradient, or nil before Backward has reached the variable.
func (v *Var) Grad() *tensor.Tensor {
	if !v.hasGrad {
		return nil
	}
	return v.grad.at
}

// ZeroGrad forgets the gradient.
func (v *Var) ZeroGrad() { v.hasGrad = false }

// NeedsGrad reports whether Backward has to compute a gradient for v.
func (v *Var) NeedsGrad() bool { return v.needsGrad }

// Workers returns how many goroutines may share the work on v: those of its tape, for a parameter those of the tape
// that used it last.
func (v *Var) Workers() int {
	if v.tape != nil {
		return v.tape.workers
	}
	return max(v.workers, 1)
}

// Op returns the name of the operation that made v.
func (v *Var) Op() string { return v.op }

// Operation returns the state of the operation that made v, nil for a parameter or an input.
func (v *Var) Operation() Operation { return v.operation }

// Tape returns the tape that v was computed on, nil for a parameter.
func (v *Var) Tape() *Tape { return v.tape }

// The methods below are for authors of operations.

// Resize gives the result of an operation its shape. The elements are undefined until the operation writes them.
func (v *Var) Resize(shape ...int) { v.value.resize(shape...) }

// In returns input i of the operation that made v.
func (v *Var) In(i int) *Var { return v.in[i] }

// Inputs returns the number of inputs of the operation that made v.
func (v *Var) Inputs() int { return len(v.in) }

// GradBuffer returns the memory for v's gradient and whether it already holds a part, to which the caller then
// adds; otherwise the caller overwrites every element.
func (v *Var) GradBuffer() (grad []float32, accumulate bool) {
	accumulate = v.hasGrad
	if !accumulate {
		v.grad.resize(v.Shape()...)
		v.hasGrad = true
	}
	return v.grad.Data(), accumulate
}

// GradSum returns the memory for v's gradient, filled with zeros if it is the first part: the caller adds.
func (v *Var) GradSum() []float32 {
	grad, accumulate := v.GradBuffer()
	if !accumulate {
		clear(grad)
	}
	return grad
}

// zeroGrads leaves a gradient in every input of y that needs one, zero where nothing else contributes: what an empty
// batch gives.
func zeroGrads(y *Var) {
	for _, x := range y.in {
		if x.needsGrad {
			x.GradSum()
		}
	}
}
