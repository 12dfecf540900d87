// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// LSTM is a layer of long short-term memory units. With the logistic function s,
//
//	a_t = OfSum(W·x_t + b + U·h_{t-1}), four parts: a_i, a_f, a_o, a_g
//	c_t = s(a_f)·c_{t-1} + s(a_i)·tanh(a_g),   h_t = s(a_o)·tanh(OfCell(c_t)).
//
// The stored cell state c_t is not normalised unless StoreNormalized is set. Source: [HS97], with the forget gate, and
// for the normalisation [NINAI17, appendix].
type LSTM struct {
	Input     *Dense        // W [4H, D] and b [4H], in the order i, f, o, g
	Recurrent *autograd.Var // U [4H, H]
	Norms
	StoreNormalized bool // c_t is OfCell(c_t), as in the document's rows of batch and layer normalisation

	steps sequence
}

// NewLSTM returns a layer of the given number of units without normalisation. init draws W, b and U from rng; a nil
// init means [Uniform]. The fan-in of U is units.
func NewLSTM(in, units int, init Init, rng *tensor.RNG) *LSTM {
	return &LSTM{Input: NewDense(in, 4*units, init, rng), Recurrent: recurrent(units, 4*units, init, rng)}
}

// NewState implements [Recurrent]: the state is h and c.
func (l *LSTM) NewState(n int) []*tensor.Tensor {
	units := l.Recurrent.Width()
	return []*tensor.Tensor{tensor.New(n, units), tensor.New(n, units)}
}

// Forward implements [Recurrent]. It panics if the shapes do not fit.
func (l *LSTM) Forward(x *autograd.Var, s []*tensor.Tensor) (y, penalty *autograd.Var) {
	steps := &l.steps
	steps.begin("LSTM", l.Input, x, s, 2, l.Recurrent.Width())
	h, c := steps.state(0), steps.state(1)
	for t := range steps.length() {
		a := l.normalise(steps, l.OfSum, l.sum(steps, t, h, l.Recurrent), 4)
		c = lstmCell(a, c)
		m := l.normalise(steps, l.OfCell, c, 1)
		if l.StoreNormalized {
			c = m
		}
		h = lstmOutput(a, m)
		steps.out[t] = h
	}
	return steps.end(h, c)
}

// lstmCell returns the next cell state s(a_f)·c + s(a_i)·tanh(a_g), from a [N, 4H] and c [N, H].
func lstmCell(a, c *autograd.Var) *autograd.Var {
	n, units := c.Rows(), c.Width()
	if a.Rows() != n || a.Width() != 4*units {
		panic(fmt.Sprintf("nn: LSTM: gates of shape %v for cells of shape %v", a.Shape(), c.Shape()))
	}
	y, op := autograd.Record[lstmCellOp]("LSTM cell", a, c)
	y.Resize(n, units)
	op.gates = slices.Grow(op.gates[:0], 3*n*units)[:3*n*units]
	autograd.For(y, n, 1<<11/max(units, 1)+1, (*lstmCellOp).forward)
	return y
}

type lstmCellOp struct {
	gates []float32 // for each row: s(a_i), s(a_f), tanh(a_g)
}

// row returns the gates of row n.
func (op *lstmCellOp) row(n, units int) (in, forget, candidate []float32) {
	g := op.gates[3*n*units : 3*(n+1)*units]
	return g[:units], g[units : 2*units], g[2*units:]
}

func (op *lstmCellOp) forward(y *autograd.Var, lo, hi int) {
	units := y.Width()
	for n := lo; n < hi; n++ {
		a, c, out := y.In(0).Value().Row(n), y.In(1).Value().Row(n), y.Value().Row(n)
		in, forget, candidate := op.row(n, units)
		simd.Sigmoid(op.gates[3*n*units:][:2*units], a[:2*units])
		simd.Tanh(candidate, a[3*units:])
		simd.Mul(out, forget, c)
		simd.MulAdd(out, in, candidate)
	}
}

func (op *lstmCellOp) Backward(y *autograd.Var) {
	for i := range 2 {
		if x := y.In(i); x.NeedsGrad() {
			x.GradSum()
		}
	}
	autograd.For(y, y.Rows(), 1<<11/max(y.Width(), 1)+1, (*lstmCellOp).backward)
}

func (op *lstmCellOp) backward(y *autograd.Var, lo, hi int) {
	units := y.Width()
	for n := lo; n < hi; n++ {
		c, dy := y.In(1).Value().Row(n), y.Grad().Row(n)
		in, forget, candidate := op.row(n, units)
		if y.In(1).NeedsGrad() {
			simd.MulAdd(y.In(1).Grad().Row(n), dy, forget)
		}
		if !y.In(0).NeedsGrad() {
			continue
		}
		da := y.In(0).Grad().Row(n)
		di, df, dg := da[:units], da[units:2*units], da[3*units:]
		for k, d := range dy {
			i, f, g := in[k], forget[k], candidate[k]
			di[k] += d * g * i * (1 - i)
			df[k] += d * c[k] * f * (1 - f)
			dg[k] += d * i * (1 - g*g)
		}
	}
}

// lstmOutput returns s(a_o)·tanh(m), from a [N, 4H] and the cell state m [N, H].
func lstmOutput(a, m *autograd.Var) *autograd.Var {
	n, units := m.Rows(), m.Width()
	y, op := autograd.Record[lstmOutputOp]("LSTM output", a, m)
	y.Resize(n, units)
	op.gates = slices.Grow(op.gates[:0], 2*n*units)[:2*n*units]
	autograd.For(y, n, 1<<11/max(units, 1)+1, (*lstmOutputOp).forward)
	return y
}

type lstmOutputOp struct {
	gates []float32 // for each row: s(a_o), tanh(m)
}

func (op *lstmOutputOp) row(n, units int) (out, cell []float32) {
	g := op.gates[2*n*units : 2*(n+1)*units]
	return g[:units], g[units:]
}

func (op *lstmOutputOp) forward(y *autograd.Var, lo, hi int) {
	units := y.Width()
	for n := lo; n < hi; n++ {
		out, cell := op.row(n, units)
		simd.Sigmoid(out, y.In(0).Value().Row(n)[2*units:3*units])
		simd.Tanh(cell, y.In(1).Value().Row(n))
		simd.Mul(y.Value().Row(n), out, cell)
	}
}

func (op *lstmOutputOp) Backward(y *autograd.Var) {
	for i := range 2 {
		if x := y.In(i); x.NeedsGrad() {
			x.GradSum()
		}
	}
	autograd.For(y, y.Rows(), 1<<11/max(y.Width(), 1)+1, (*lstmOutputOp).backward)
}

func (op *lstmOutputOp) backward(y *autograd.Var, lo, hi int) {
	units := y.Width()
	for n := lo; n < hi; n++ {
		out, cell := op.row(n, units)
		dy := y.Grad().Row(n)
		if y.In(0).NeedsGrad() {
			da := y.In(0).Grad().Row(n)[2*units : 3*units]
			for k, d := range dy {
				da[k] += d * cell[k] * out[k] * (1 - out[k])
			}
		}
		if y.In(1).NeedsGrad() {
			dm := y.In(1).Grad().Row(n)
			for k, d := range dy {
				dm[k] += d * out[k] * (1 - cell[k]*cell[k])
			}
		}
	}
}
