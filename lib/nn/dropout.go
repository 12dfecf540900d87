// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Dropout sets each element to zero with probability P during training, and multiplies the other elements by Scale,
// usually 1/(1-P), so that the mean stays the same. Outside training, it returns its input unchanged. P is rounded to a
// multiple of 2^-16. Source: [SHKSS14].
type Dropout struct {
	P     float32     // probability of zero, 0 <= P < 1
	Scale float32     // factor on the other elements in training; 0 means 1/(1-P)
	RNG   *tensor.RNG // source of the random numbers
}

// NewDropout returns a dropout layer. It panics unless 0 <= p < 1.
func NewDropout(p float32, rng *tensor.RNG) *Dropout {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("nn: NewDropout: probability %v, want one in [0, 1)", p))
	}
	return &Dropout{P: p, RNG: rng}
}

// Forward drops elements of x if its tape is in training mode. Each call draws a new mask, so that a layer can be used
// several times in a step.
func (d *Dropout) Forward(x *autograd.Var) *autograd.Var {
	if !training("Dropout", x) || d.P == 0 {
		return x
	}
	y, op := autograd.Record[dropoutOp]("Dropout", x)
	y.Resize(x.Shape()...)
	op.draw(d, x.Value().Len())
	autograd.For(y, len(op.bits), 1<<12, (*dropoutOp).forward)
	return y
}

// training reports whether the tape of a layer's input is in training mode.
func training(layer string, x *autograd.Var) bool {
	if x.Tape() == nil {
		panic(fmt.Sprintf("nn: %s: the input is a parameter, which is not on a tape", layer))
	}
	return x.Tape().Training()
}

type dropoutOp struct {
	bits    []uint64   // random numbers, each for four elements, with 16 bits each
	dropped uint64     // an element is dropped if its bits are less
	values  [2]float32 // of the mask: for an element that is dropped, and for another
	mask    []float32
}

// draw draws the random numbers for n elements. One serves four elements, because drawing would otherwise be the most
// expensive part of the layer.
func (op *dropoutOp) draw(d *Dropout, n int) {
	op.mask = slices.Grow(op.mask[:0], n)[:n]
	op.bits = slices.Grow(op.bits[:0], (n+3)/4)[:(n+3)/4]
	for i := range op.bits {
		op.bits[i] = d.RNG.Uint64()
	}
	op.dropped = uint64(d.P*(1<<16) + 0.5)
	op.values[1] = d.Scale
	if d.Scale == 0 {
		op.values[1] = 1 / (1 - d.P)
	}
}

// forward applies random numbers lo to hi.
func (op *dropoutOp) forward(y *autograd.Var, lo, hi int) {
	from, to := 4*lo, min(4*hi, len(op.mask))
	mask := op.mask[from:to]
	for i := range mask {
		keep := 0
		if op.bits[lo+i/4]>>(16*(i%4))&0xffff >= op.dropped {
			keep = 1
		}
		mask[i] = op.values[keep]
	}
	simd.Mul(y.Data()[from:to], y.In(0).Data()[from:to], mask)
}

func (op *dropoutOp) Backward(y *autograd.Var) {
	if x := y.In(0); x.NeedsGrad() {
		x.GradSum()
		autograd.For(y, len(op.mask), 1<<14, (*dropoutOp).backward)
	}
}

func (op *dropoutOp) backward(y *autograd.Var, lo, hi int) {
	simd.MulAdd(y.In(0).Grad().Data()[lo:hi], y.Grad().Data()[lo:hi], op.mask[lo:hi])
}
