// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Expand repeats x along dimensions of length 1 and along new leading dimensions, as in NumPy's broadcasting: shapes
// are compared starting from the last dimension, and each dimension of x must be 1 or equal that of the target shape.
//
//	[C] -> [N, C]: every row is x            [N, 1] -> [N, C]: every column is x
//	[C, 1, 1] -> [N, C, H, W]: x[c] fills channel c of every image
//
// The gradient of an element is the sum over its copies. Expand panics if the shapes do not match.
func Expand(x *Var, shape ...int) *Var {
	if !expands(x.Shape(), shape) {
		panic(fmt.Sprintf("autograd: Expand: shape %v does not expand to %v", x.Shape(), slices.Clone(shape)))
	}
	return expanded(tapeOf("Expand", x), x, shape)
}

// broadcast expands a and b to their common shape.
func broadcast(name string, a, b *Var) (*Var, *Var) {
	if tensor.SameShape(a.Value(), b.Value()) {
		return a, b
	}
	long, short := a.Shape(), b.Shape()
	if len(long) < len(short) {
		long, short = short, long
	}
	var dims [8]int
	shape := append(dims[:0], long...)
	for i, d := range short {
		if at := len(long) - len(short) + i; shape[at] == 1 {
			shape[at] = d
		}
	}
	if !expands(short, shape) || !expands(long, shape) {
		panic(fmt.Sprintf("autograd: %s: shapes %v and %v do not broadcast", name, a.Shape(), b.Shape()))
	}
	t := tapeOf(name, a, b)
	return expanded(t, a, shape), expanded(t, b, shape)
}

// expanded returns x, which may be a parameter, expanded to the shape.
func expanded(t *Tape, x *Var, shape []int) *Var {
	if slices.Equal(x.Shape(), shape) {
		return x
	}
	y, op := RecordOn[expandOp](t, "Expand", x)
	y.Resize(shape...)
	op.plan(x.Shape(), shape)
	For(y, op.runs(), elementsWorthSharing/max(op.run().length, 1)+1, (*expandOp).forward)
	return y
}

// expands reports whether Expand can change the shape from into to.
func expands(from, to []int) bool {
	extra := len(to) - len(from)
	if extra < 0 {
		return false
	}
	for i, d := range from {
		if d != 1 && d != to[extra+i] {
			return false
		}
	}
	return true
}

// expandOp treats the result as an array whose dimensions are alternately repeated and copied; neighbouring dimensions
// of the same kind are merged. The last dimension is a run, which repeats one element of the input or copies
// consecutive elements.
type expandOp struct {
	dims []expandDim // without dimensions of length 1, but at least one
}

type expandDim struct {
	length int
	stride int // stride in the input; 0 for a repeated dimension
}

func (op *expandOp) plan(from, to []int) {
	op.dims = op.dims[:0] // the last dimension comes first
	stride := 1
	for i := len(to) - 1; i >= 0; i-- {
		dim := expandDim{length: to[i]}
		if k := i - len(to) + len(from); k >= 0 && from[k] == to[i] {
			dim.stride = stride
			stride *= to[i]
		}
		last := len(op.dims) - 1
		switch {
		case to[i] == 1:
		case last >= 0 && (op.dims[last].stride == 0) == (dim.stride == 0):
			op.dims[last].length *= dim.length
		default:
			op.dims = append(op.dims, dim)
		}
	}
	if len(op.dims) == 0 {
		op.dims = append(op.dims, expandDim{1, 1})
	}
	slices.Reverse(op.dims)
}

// run returns the last dimension.
func (op *expandOp) run() expandDim { return op.dims[len(op.dims)-1] }

// runs returns the number of runs in the result.
func (op *expandOp) runs() int {
	n := 1
	for _, d := range op.dims[:len(op.dims)-1] {
		n *= d.length
	}
	return n
}

// start returns the index of the input element at which run i begins.
func (op *expandOp) start(i int) int {
	at := 0
	for k := len(op.dims) - 2; k >= 0; k-- {
		d := op.dims[k]
		at += i % d.length * d.stride
		i /= d.length
	}
	return at
}

func (op *expandOp) forward(y *Var, lo, hi int) {
	x, n := y.in[0].Data(), op.run().length
	for i := lo; i < hi; i++ {
		out, from := y.Data()[i*n:(i+1)*n], x[op.start(i):]
		if op.run().stride != 0 {
			copy(out, from)
			continue
		}
		for j := range out {
			out[j] = from[0]
		}
	}
}

// parts returns the number of parts into which Backward can be split so that no two parts add to the same element: the
// length of the first dimension, if it is not repeated.
func (op *expandOp) parts() int {
	if op.dims[0].stride == 0 || len(op.dims) == 1 {
		return 1
	}
	return op.dims[0].length
}

// Backward adds the runs of a part one after the other.
func (op *expandOp) Backward(y *Var) {
	if x := y.in[0]; x.needsGrad {
		x.GradSum()
		For(y, op.parts(), elementsWorthSharing*op.parts()/max(y.value.Len(), 1)+1, (*expandOp).backward)
	}
}

func (op *expandOp) backward(y *Var, lo, hi int) {
	n, each := op.run().length, op.runs()/op.parts()
	for i := lo * each; i < hi*each; i++ {
		dx, dy := y.in[0].grad.Data()[op.start(i):], y.grad.Data()[i*n:(i+1)*n]
		if op.run().stride != 0 {
			simd.Add(dx[:n], dx[:n], dy)
		} else {
			dx[0] += simd.Sum(dy)
		}
	}
}
