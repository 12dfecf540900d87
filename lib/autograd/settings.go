// SPDX-License-Identifier: Apache-2.0

package autograd

import "iter"

// Results yields the recorded variables in the order of execution: inputs, and the results of operations with
// [Var.Op] and [Var.Operation]. Programs that describe, draw or export a network read them after a forward pass.
func (t *Tape) Results() iter.Seq[*Var] {
	return func(yield func(*Var) bool) {
		for _, v := range t.vars[:t.n] {
			if !yield(v) {
				return
			}
		}
	}
}

// Configured is an operation with settings besides its inputs.
type Configured interface {
	Operation
	// Settings returns the settings with which result y was computed:
	//
	//	Conv2D, ConvTranspose2D    ConvShape
	//	SparseConv2D, SparseLinear Sparsity
	//	MaxPool2D, MeanPool2D      Pool, with its strides
	//	Scale, AddScalar           float32, the number
	//	RectifiedPower             float32, the exponent
	//	Clamp                      [2]float32, the limits
	//	Slice                      [2]int, the axis and the first index
	//	Concat                     int, the axis
	//	PixelShuffle               int, the factor
	Settings(y *Var) any
}

// Sparsity describes the weights of an operation that has only some of them.
type Sparsity struct {
	Connections *Connections
	Kernel      [3]int    // of SparseConv2D: channels, height and width
	Shape       ConvShape // of SparseConv2D
}

// Settings implements [Configured].
func (op *convOp) Settings(*Var) any {
	if op.few != nil {
		return Sparsity{op.few.Connections, [3]int{op.channels, op.kh, op.kw}, op.shape}
	}
	return op.shape
}

// Settings implements [Configured].
func (op *sparseLinearOp) Settings(*Var) any { return Sparsity{Connections: op.connections} }

// Settings implements [Configured].
func (op *maxPoolOp) Settings(*Var) any { return op.Pool }

// Settings implements [Configured].
func (op *meanPoolOp) Settings(*Var) any { return op.Pool }

// Settings implements [Configured].
func (op *elementwiseOp) Settings(*Var) any { return op.c }

// Settings implements [Configured].
func (op *rectifiedPowerOp) Settings(*Var) any { return op.n }

// Settings implements [Configured].
func (op *clampOp) Settings(*Var) any { return [2]float32{op.lo, op.hi} }

// Settings implements [Configured].
func (op *sliceOp) Settings(y *Var) any {
	x := y.in[0].Shape()
	for axis, d := range y.Shape() {
		if d != x[axis] {
			_, each := around(x, axis+1)
			return [2]int{axis, op.from / max(each, 1)}
		}
	}
	return [2]int{} // all of x
}

// Settings implements [Configured].
func (op *concatOp) Settings(*Var) any { return op.axis }

// Settings implements [Configured].
func (op *pixelShuffleOp) Settings(*Var) any { return op.r }
