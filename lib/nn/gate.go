// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Gate multiplies each element of a sample by that of a mask: 1 keeps a unit, 0 removes it. Before or after a
// rectifier, a removed unit is never active. The mask is a buffer of the model: it is saved but not trained.
//
//	x [N, ...] -> y [N, ...], mask [...]
type Gate struct {
	Mask *tensor.Tensor // [...], the shape of a sample
}

// NewGate returns a gate that keeps all units of samples of the given shape.
func NewGate(shape ...int) *Gate {
	g := &Gate{Mask: tensor.New(shape...)}
	g.Mask.Fill(1)
	return g
}

// Forward returns x without the removed units. It panics unless the samples have the shape of the mask.
func (g *Gate) Forward(x *autograd.Var) *autograd.Var {
	if !slices.Equal(x.Shape()[1:], g.Mask.Shape()) {
		panic(fmt.Sprintf("nn: Gate: samples %v for a mask %v", x.Shape()[1:], g.Mask.Shape()))
	}
	y, op := autograd.Record[gateOp]("Gate", x)
	y.Resize(x.Shape()...)
	op.mask = g.Mask.Data()
	autograd.For(y, x.Rows(), 1<<14/max(1, x.Width())+1, (*gateOp).forward)
	return y
}

type gateOp struct{ mask []float32 }

func (op *gateOp) forward(y *autograd.Var, lo, hi int) {
	for n := lo; n < hi; n++ {
		simd.Mul(y.Value().Row(n), y.In(0).Value().Row(n), op.mask)
	}
}

func (op *gateOp) Backward(y *autograd.Var) {
	if x := y.In(0); x.NeedsGrad() {
		x.GradSum()
		autograd.For(y, x.Rows(), 1<<14/max(1, x.Width())+1, (*gateOp).backward)
	}
}

func (op *gateOp) backward(y *autograd.Var, lo, hi int) {
	for n := lo; n < hi; n++ {
		simd.MulAdd(y.In(0).Grad().Row(n), y.Grad().Row(n), op.mask)
	}
}
