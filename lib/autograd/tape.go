// SPDX-License-Identifier: Apache-2.0

// Package autograd computes gradients of define-by-run computations.
//
// A [Tape] records each operation as it runs; [Tape.Backward] walks the record in reverse and leaves in every
// variable the derivative of one scalar with respect to it. [Tape.Reset] empties the record but keeps its memory,
// so a training step that repeats the operations of the step before allocates nothing.
//
//	tape := autograd.NewTape(0)
//	for step := range 100 {
//		tape.Reset()
//		x := tape.Input(batch)
//		y := autograd.Linear(x, w, b)
//		tape.Backward(autograd.Mean(autograd.Square(y)))
//		// w.Grad() and b.Grad() now hold the gradients.
//	}
//
// Packages define operations of their own (competition, losses) with [Record].
//
// Operations panic if the shapes of their inputs do not fit, before they write anything. A batch may be empty: results
// then have no samples and gradients are zero; a mean over no samples is NaN.
package autograd

import (
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Tape records the operations of one computation. It is used by one goroutine at a time; several tapes may run
// at once as long as they share no variable that needs a gradient.
type Tape struct {
	vars     []*Var // the record, in the order of execution; [:n] is in use
	n        int
	workers  int
	training bool
}

// NewTape returns an empty tape whose operations use up to workers goroutines; 0 means one for each core.
// The results do not depend on the number.
func NewTape(workers int) *Tape {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &Tape{workers: workers}
}

// Backend names the implementation of the numeric kernels in use: "avx512", "avx2" or "go". The environment variable
// LATERAL_SIMD, set to avx2 or off, chooses a simpler one. LATERAL_SPARSE, set to on or off, says whether zeros are left
// out of matrix products, instead of the choice of what is faster; results are the same.
func Backend() string { return simd.Name() }

// Workers returns how many goroutines an operation may use.
func (t *Tape) Workers() int { return t.workers }

// Training reports whether the computation is a training step. Dropout and the like are active only then.
func (t *Tape) Training() bool { return t.training }

// SetTraining says whether the operations to come belong to a training step. A new tape is not training.
func (t *Tape) SetTraining(on bool) { t.training = on }

// Reset empties the tape. Variables that the tape made are reused by the operations to come: none of them may be
// used afterwards. Parameters keep their values and gradients.
func (t *Tape) Reset() { t.n = 0 }

// Input returns a variable on the tape that shares the memory of x and needs no gradient.
func (t *Tape) Input(x *tensor.Tensor) *Var {
	v := t.next("input")
	v.value.share(x)
	return v
}

// Leaf returns a variable on the tape that shares the memory of x and receives a gradient.
func (t *Tape) Leaf(x *tensor.Tensor) *Var {
	v := t.Input(x)
	v.op, v.needsGrad = "leaf", true
	return v
}

// next returns the next variable of the record, with the memory that it had before the last Reset.
func (t *Tape) next(op string) *Var {
	if t.n == len(t.vars) {
		t.vars = append(t.vars, &Var{tape: t})
	}
	v := t.vars[t.n]
	t.n++
	v.op, v.operation = op, nil
	v.in = v.in[:0]
	v.needsGrad, v.hasGrad = false, false
	return v
}

// Backward computes the gradient of loss, a variable of one element, with respect to every variable that it was
// computed from. Gradients of parameters add up over calls until [Var.ZeroGrad].
func (t *Tape) Backward(loss *Var) {
	if loss.tape != t {
		panic("autograd: Backward: the loss was not computed on this tape")
	}
	if loss.value.Len() != 1 {
		panic(fmt.Sprintf("autograd: Backward: the loss must be one number, but has shape %v", loss.Shape()))
	}
	if !loss.needsGrad {
		panic("autograd: Backward: the loss depends on no parameter or leaf")
	}
	loss.GradSum()[0]++
	for i := t.n - 1; i >= 0; i-- {
		if v := t.vars[i]; v.hasGrad && v.operation != nil {
			v.operation.Backward(v)
		}
	}
}

// FirstNonFinite describes the earliest result on the tape that holds a NaN or an infinity, and whether there is one.
func (t *Tape) FirstNonFinite() (description string, found bool) {
	for i, v := range t.vars[:t.n] {
		for _, x := range v.value.Data() {
			if !isFinite(x) {
				return v.describe(i), true
			}
		}
	}
	return "", false
}

// describe names a result by its operation, its place in the record and the parameters it used.
func (v *Var) describe(i int) string {
	s := fmt.Sprintf("%s (operation %d, shape %v)", v.op, i, v.Shape())
	for _, x := range v.in {
		if x.tape == nil && x.Name != "" {
			s += " with " + x.Name
		}
	}
	return s
}

func isFinite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

// ActivationPattern returns a hash of every discrete choice made on the tape ([Piecewise]): which units won, on which
// side of zero the inputs of ReLU and Abs lay. Two runs with the same pattern lie on the same smooth piece of the
// function, which is what a check by finite differences needs to know.
func (t *Tape) ActivationPattern() uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, v := range t.vars[:t.n] {
		if op, ok := v.operation.(Piecewise); ok {
			for choice := range op.Choices(v) {
				h = (h ^ uint64(uint32(choice))) * prime
			}
		}
	}
	return h
}
