// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Var is a value with its gradient and its origin: an operation on a tape, or [NewParam].
type Var struct {
	Name string // name of a parameter, set by nn.Params; empty otherwise

	value, grad array
	hasGrad     bool // grad holds a gradient
	needsGrad   bool

	tape      *Tape                        // nil for a parameter
	workers   int                          // number of workers of the tape that last used the parameter
	op        string                       // name of the operation that created it
	in        []*Var                       // inputs of the operation
	operation Operation                    // nil for a parameter or an input
	record    interface{ run(lo, hi int) } // holds the operation's state, or that of the previous step
}

// An array is a tensor that owns its memory, shares another tensor, or shows one with another shape.
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

// NewParam returns a parameter: a variable that outlives every tape and accumulates gradients. It shares the memory of
// value.
func NewParam(value *tensor.Tensor) *Var {
	v := &Var{op: "parameter", needsGrad: true}
	v.value.share(value)
	return v
}

// Value returns the tensor. It must not be changed between the operation that uses it and Backward.
func (v *Var) Value() *tensor.Tensor { return v.value.at }

// Data returns the elements of the value.
func (v *Var) Data() []float32 { return v.value.Data() }

// Shape returns the dimensions of the value.
func (v *Var) Shape() []int { return v.value.at.Shape() }

// Rows returns the number of samples, the first dimension of the value.
func (v *Var) Rows() int { return v.value.at.Rows() }

// Width returns the number of elements in a row, that is, per sample.
func (v *Var) Width() int { return v.value.at.Width() }

// Scalar returns the element of a value with exactly one, such as a loss. It panics for other shapes.
func (v *Var) Scalar() float32 {
	if v.value.Len() != 1 {
		panic(fmt.Sprintf("autograd: Scalar: want one element, got shape %v", v.Shape()))
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

// ZeroGrad discards the gradient.
func (v *Var) ZeroGrad() { v.hasGrad = false }

// NeedsGrad reports whether Backward must compute a gradient for v.
func (v *Var) NeedsGrad() bool { return v.needsGrad }

// Workers returns the number of goroutines that may share the work on v: that of its tape or, for a parameter, that of
// the tape that last used it.
func (v *Var) Workers() int {
	if v.tape != nil {
		return v.tape.workers
	}
	return max(v.workers, 1)
}

// Op returns the name of the operation that created v.
func (v *Var) Op() string { return v.op }

// Operation returns the state of the operation that created v, or nil for a parameter or an input.
func (v *Var) Operation() Operation { return v.operation }

// Tape returns the tape on which v was computed, or nil for a parameter.
func (v *Var) Tape() *Tape { return v.tape }

// The methods below are for authors of operations.

// Resize sets the shape of the result of an operation. The elements are undefined until the operation writes them.
func (v *Var) Resize(shape ...int) { v.value.resize(shape...) }

// In returns input i of the operation that created v.
func (v *Var) In(i int) *Var { return v.in[i] }

// Inputs returns the number of inputs of the operation that created v.
func (v *Var) Inputs() int { return len(v.in) }

// GradBuffer returns the memory for v's gradient and whether it already holds a part of it. If it does, the caller adds
// to it; otherwise the caller overwrites every element.
func (v *Var) GradBuffer() (grad []float32, accumulate bool) {
	accumulate = v.hasGrad
	if !accumulate {
		v.grad.resize(v.Shape()...)
		v.hasGrad = true
	}
	return v.grad.Data(), accumulate
}

// GradSum returns the memory for v's gradient, zeroed if this is the first part. The caller adds to it.
func (v *Var) GradSum() []float32 {
	grad, accumulate := v.GradBuffer()
	if !accumulate {
		clear(grad)
	}
	return grad
}

// zeroGrads ensures that every input of y that needs a gradient has one, which is zero if nothing else contributes: the
// gradient of an empty batch.
func zeroGrads(y *Var) {
	for _, x := range y.in {
		if x.needsGrad {
			x.GradSum()
		}
	}
}
