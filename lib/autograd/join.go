// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// around returns the number of blocks formed by the dimensions before an axis, and the number of elements in a block.
func around(shape []int, axis int) (blocks, size int) {
	blocks, size = 1, 1
	for i, d := range shape {
		if i < axis {
			blocks *= d
		} else {
			size *= d
		}
	}
	return blocks, size
}

// Slice returns the elements of x with indices from, ..., to-1 along an axis.
//
//	x [..., D, ...] -> y [..., to-from, ...]
//
// It panics unless x has the axis and 0 <= from <= to <= D.
func Slice(x *Var, axis, from, to int) *Var {
	s := x.Shape()
	if axis < 0 || axis >= len(s) || from < 0 || to < from || to > s[axis] {
		panic(fmt.Sprintf("autograd: Slice: no elements %d to %d along axis %d of shape %v", from, to, axis, s))
	}
	y, op := Record[sliceOp]("Slice", x)
	op.shape = append(op.shape[:0], s...)
	op.shape[axis] = to - from
	y.Resize(op.shape...)
	_, each := around(s, axis+1)
	op.blocks, _ = around(s, axis)
	op.from = from * each
	for i := range op.blocks {
		out, in := op.block(y.Data(), x.Data(), i)
		copy(out, in)
	}
	return y
}

type sliceOp struct {
	blocks int // number of blocks of x before the axis
	from   int // start of the slice within a block of x
	shape  []int
}

// block returns block i of the result, and the part of the input that it is copied from.
func (op *sliceOp) block(y, x []float32, i int) (out, in []float32) {
	m, n := len(y)/op.blocks, len(x)/op.blocks
	return y[i*m : (i+1)*m], x[i*n+op.from:][:m]
}

func (op *sliceOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		dx := x.GradSum()
		for i := range op.blocks {
			dy, dx := op.block(y.grad.Data(), dx, i)
			simd.Add(dx, dx, dy)
		}
	}
}

// Concat joins variables along an axis, in the given order.
//
//	x_1 [..., D_1, ...], x_2 [..., D_2, ...], ... -> y [..., D_1+D_2+..., ...]
//
// It panics unless there is at least one variable, all have the axis, and their other dimensions are equal.
func Concat(axis int, xs ...*Var) *Var {
	if len(xs) == 0 {
		panic("autograd: Concat: no variables to join")
	}
	s, length := xs[0].Shape(), 0
	for _, x := range xs {
		t := x.Shape()
		match := axis >= 0 && axis < len(s) && len(t) == len(s)
		for i := 0; match && i < len(s); i++ {
			match = i == axis || t[i] == s[i]
		}
		if !match {
			panic(shapeMismatch("Concat", fmt.Sprintf("shapes that differ along axis %d alone", axis), xs...))
		}
		length += t[axis]
	}
	y, op := Record[concatOp]("Concat", xs...)
	op.shape = append(op.shape[:0], s...)
	op.shape[axis] = length
	op.axis = axis
	y.Resize(op.shape...)
	at := 0
	for _, x := range xs {
		at = op.each(y, x, at, y.Data(), x.Data(), func(y, x []float32) { copy(y, x) })
	}
	return y
}

type concatOp struct {
	axis  int
	shape []int
}

// each calls do with the blocks of x and their positions in y. Within a block of y, the part of x begins at element at;
// each returns where the part of the next input begins.
func (op *concatOp) each(y, x *Var, at int, ys, xs []float32, do func(y, x []float32)) (next int) {
	blocks, n := around(x.Shape(), op.axis)
	_, m := around(y.Shape(), op.axis)
	for i := range blocks {
		do(ys[i*m+at:][:n], xs[i*n:][:n])
	}
	return at + n
}

func (op *concatOp) Backward(y *Var) {
	at := 0
	for _, x := range y.in {
		if !x.needsGrad {
			_, n := around(x.Shape(), op.axis)
			at += n
			continue
		}
		at = op.each(y, x, at, y.grad.Data(), x.GradSum(), func(dy, dx []float32) { simd.Add(dx, dx, dy) })
	}
}

// Gather looks up rows in a table, such as a table of word vectors.
//
//	table [V, ...], rows of length N, 0 <= rows[n] < V -> y [N, ...] with y[n] = table[rows[n]]
//
// The gradient of a row of the table is the sum over its copies, in their order. The table may be a parameter; y is
// recorded on tape t. Gather copies the slice rows. It panics if a row is not in the table.
func Gather(t *Tape, table *Var, rows []int) *Var {
	for n, r := range rows {
		if r < 0 || r >= table.Rows() {
			panic(fmt.Sprintf("autograd: Gather: rows[%d] = %d is not in a table of shape %v", n, r, table.Shape()))
		}
	}
	y, op := RecordOn[gatherOp](t, "Gather", table)
	op.rows = append(op.rows[:0], rows...)
	op.shape = append(op.shape[:0], table.Shape()...)
	op.shape[0] = len(rows)
	y.Resize(op.shape...)
	For(y, len(rows), elementsWorthSharing/max(table.Width(), 1)+1, (*gatherOp).forward)
	return y
}

type gatherOp struct {
	rows  []int
	shape []int
}

func (op *gatherOp) forward(y *Var, lo, hi int) {
	for n := lo; n < hi; n++ {
		copy(y.Value().Row(n), y.in[0].Value().Row(op.rows[n]))
	}
}

func (op *gatherOp) Backward(y *Var) {
	if table := y.in[0]; table.needsGrad {
		table.GradSum()
		For(y, table.Width(), elementsWorthSharing/max(len(op.rows), 1)+1, (*gatherOp).backward)
	}
}

// backward sums the gradients of columns lo to hi. Goroutines share the columns, not the rows, because a row may be
// gathered more than once.
func (op *gatherOp) backward(y *Var, lo, hi int) {
	for n, r := range op.rows {
		dst := y.in[0].grad.at.Row(r)[lo:hi]
		simd.Add(dst, dst, y.grad.at.Row(n)[lo:hi])
	}
}
