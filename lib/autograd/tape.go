// SPDX-License-Identifier: Apache-2.0

// Package autograd computes gradients of define-by-run computations.
//
// A [Tape] records each operation as it runs. [Tape.Backward] then traverses the record in reverse and stores in every
// variable the derivative of one scalar with respect to it. [Tape.Reset] empties the record but keeps its memory, so
// that a training step that repeats the operations of the previous step allocates nothing.
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
// Other packages define their own operations (competition, losses) with [Record].
//
// Operations panic if the shapes of their inputs do not match, before they write anything. A batch may be empty: then
// results have no samples and gradients are zero; a mean over no samples is NaN.
package autograd

import (
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Tape records the operations of one computation. Only one goroutine may use it at a time. Several tapes may run at
// once if they share no variable that needs a gradient.
type Tape struct {
	vars     []*Var // the recorded variables in the order of execution; vars[:n] are in use
	n        int
	workers  int
	training bool
}

// NewTape returns an empty tape whose operations use up to workers goroutines; 0 means one per core. The results do not
// depend on this number.
func NewTape(workers int) *Tape {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &Tape{workers: workers}
}

// Backend returns the name of the implementation of the numeric kernels in use: "avx512", "avx2", "neon" or "go".
// The environment variable LATERAL_SIMD, set to avx2 or off, selects a simpler one. LATERAL_SPARSE, set to on or off,
// forces or prevents skipping zeros in matrix products; by default, the faster way is used. The results are the same.
//
// LATERAL_MATMUL=bf16 or bf16x3 changes the results of [Linear], [MatMul], recurrent layers and convolutions by
// minimal filtering (filters of 3 x 3 and 5 x 5 with a stride of 1 and enough channels): they compute matrix products
// with factors rounded to bfloat16, or three such products for each float32 product, unless fewer than a quarter of
// the elements of a factor are nonzero. The relative error is about 2e-3 and 4e-6, and five times as much in
// convolutions. Everything else remains float32: direct convolutions, sparse products, element-wise operations and
// optimisers. The name then ends with " bf16" or " bf16x3", and a checkpoint of one precision is not resumed in
// another. The modes are made for processors with AVX512_BF16 or AMX (lib/BENCHMARKS.md); elsewhere they are much
// slower than float32.
func Backend() string {
	if p := simd.Matmul(); p != simd.Float32 {
		return simd.Name() + " " + string(p)
	}
	return simd.Name()
}

// Workers returns the number of goroutines that an operation may use.
func (t *Tape) Workers() int { return t.workers }

// Training reports whether the computation is a training step. Dropout and similar operations are active only in
// training.
func (t *Tape) Training() bool { return t.training }

// SetTraining sets whether the following operations belong to a training step. A new tape is not in training mode.
func (t *Tape) SetTraining(on bool) { t.training = on }

// Reset empties the tape. The following operations reuse the variables that the tape created, which must not be used
// afterwards. Parameters keep their values and gradients.
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

// Backward computes the gradient of loss, a variable of one element, with respect to every variable from which it was
// computed. Gradients of parameters and leaves accumulate over calls until [Var.ZeroGrad]; those of results are of this
// call alone.
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
	for _, v := range t.vars[:t.n] {
		v.hasGrad = v.hasGrad && v.operation == nil
	}
	loss.GradSum()[0]++
	for i := t.n - 1; i >= 0; i-- {
		if v := t.vars[i]; v.hasGrad && v.operation != nil {
			v.operation.Backward(v)
		}
	}
}

// FirstNonFinite describes the earliest result on the tape that contains a NaN or an infinity, and reports whether
// there is one.
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

// describe describes a result by its operation, its position in the record and the parameters it used.
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

// ActivationPattern returns a hash of every discrete choice on the tape ([Piecewise]), such as which units won and on
// which side of zero the inputs of ReLU and Abs were. Two runs with the same pattern lie on the same smooth piece of
// the function, as a gradient check by finite differences requires.
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
