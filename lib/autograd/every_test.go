// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// everyOp returns each operation as a function of maps x [N, 8, 4, 6]. Some operations use only the first two samples.
func everyOp() map[string]func(x *Var) *Var {
	w, v := param(90, -1, 1, 7, 8*4*6), param(91, -1, 1, 8*4*6, 5)
	filters, back, bias := param(92, -1, 1, 6, 8, 3, 2), param(93, -1, 1, 8, 6, 3, 2), param(94, -1, 1, 6)
	channel, column := param(95, 0.5, 2, 8, 1, 1), param(96, 0.5, 2, 4, 1)
	strided := ConvShape{StrideH: 2, PadH: 1, PadW: 1}
	flat := func(x *Var) *Var { return Reshape(x, x.Rows(), x.Width()) }
	positive := func(x *Var) *Var { return AddScalar(Square(x), 0.5) }
	return map[string]func(x *Var) *Var{
		"ReLU": ReLU, "Sigmoid": Sigmoid, "Tanh": Tanh, "Exp": Exp, "Square": Square, "Abs": Abs,
		"AbsSum": AbsSum, "Sum": Sum, "Softmax": Softmax, "Transpose": Transpose,
		"Log":            func(x *Var) *Var { return Log(positive(x)) },
		"Sqrt":           func(x *Var) *Var { return Sqrt(positive(x)) },
		"Scale":          func(x *Var) *Var { return Scale(x, -1.7) },
		"AddScalar":      func(x *Var) *Var { return Square(AddScalar(x, 3)) },
		"RectifiedPower": func(x *Var) *Var { return RectifiedPower(x, 2.5) },
		"RelativePower":  func(x *Var) *Var { return RelativePower(positive(x), 1.5) },
		"DivRowMean":     func(x *Var) *Var { return DivRowMean(positive(x)) },
		"Clamp":          func(x *Var) *Var { return Clamp(x, -0.4, 0.6) },
		"Max":            func(x *Var) *Var { return Max(x, Scale(Sigmoid(x), 0.3)) },
		"Add":            func(x *Var) *Var { return Add(x, Square(x)) },
		"Sub":            func(x *Var) *Var { return Sub(Square(x), x) },
		"Mul":            func(x *Var) *Var { return Mul(x, Sigmoid(x)) },
		"Div":            func(x *Var) *Var { return Div(x, positive(x)) },
		"Add a channel":  func(x *Var) *Var { return Add(channel, x) },
		"Sub a channel":  func(x *Var) *Var { return Sub(x, channel) },
		"Mul a column":   func(x *Var) *Var { return Mul(x, column) },
		"Div by another": func(x *Var) *Var { return Div(column, positive(x)) },
		"Expand": func(x *Var) *Var {
			return Square(Expand(Reshape(x, x.Rows(), 8, 4, 1, 6, 1), x.Rows(), 8, 4, 3, 6, 2))
		},
		"Slice":        func(x *Var) *Var { return Mul(Slice(x, 2, 0, 3), Slice(x, 2, 1, 4)) },
		"Concat":       func(x *Var) *Var { return Square(Concat(1, Slice(x, 1, 3, 8), x, Slice(x, 1, 0, 1))) },
		"Gather":       func(x *Var) *Var { return Mul(flat(x), Gather(x.Tape(), w, places(x.Rows(), 7))) },
		"PixelShuffle": func(x *Var) *Var { return Square(PixelShuffle(x, 2)) },
		"Linear":       func(x *Var) *Var { return Linear(x, w, nil) },
		"MatMul":       func(x *Var) *Var { return MatMul(flat(x), v) },
		"Conv2D":       func(x *Var) *Var { return Conv2D(x, filters, bias, strided) },
		"ConvTranspose2D": func(x *Var) *Var {
			return ConvTranspose2D(x, back, bias, ConvShape{StrideH: 2, PadH: 1, OutputPadH: 1})
		},
		"MaxPool2D":  func(x *Var) *Var { return MaxPool2D(x, Pool{H: 3, W: 2, StrideH: 2, PadH: 1}) },
		"MeanPool2D": func(x *Var) *Var { return MeanPool2D(x, Pool{H: 3, W: 2, StrideH: 2, PadH: 1}) },
		"MaxUnpool": func(x *Var) *Var {
			pooled := MaxPool2D(x, Pool{H: 1, W: 2})
			at := slices.Clone(competitive.Winners(pooled))
			for i := range at {
				at[i] %= 24
			}
			return MaxUnpool(pooled, at, 4, 6)
		},
		"LWTA":           func(x *Var) *Var { return competitive.LWTA(x, 2) },
		"LWTA of rows":   func(x *Var) *Var { return competitive.LWTA(flat(x), 4) },
		"Maxout":         func(x *Var) *Var { return competitive.Maxout(x, 2) },
		"Maxout of rows": func(x *Var) *Var { return competitive.Maxout(flat(x), 4) },
		"KWTA":           func(x *Var) *Var { return competitive.KWTA(flat(x), 50) },
	}
}

// places returns n numbers below limit, most of them more than once.
func places(n, limit int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i * i % limit
	}
	return p
}

func eachOp(t *testing.T, do func(t *testing.T, f func(x *Var) *Var)) {
	ops := everyOp()
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		t.Run(name, func(t *testing.T) { do(t, ops[name]) })
	}
}

// The gradient of every operation agrees with finite differences, also when the input is used by other operations
// before and after it.
func TestEveryGradient(t *testing.T) {
	eachOp(t, func(t *testing.T, f func(x *Var) *Var) {
		x := param(1, -1, 1, 3, 8, 4, 6)
		list := func(v *Var) *Var { return Reshape(v, v.Value().Len()) }
		err := gradcheck.Check(gradcheck.Config{}, func(t *Tape) *Var {
			in := onTape(t, x)
			before := Square(in)
			y := f(in)
			return Concat(0, list(before), list(y), list(Sigmoid(in)))
		}, x)
		if err != nil {
			t.Error(err)
		}
	})
}

// An empty batch has an empty result, and a gradient.
func TestEveryOperationOnAnEmptyBatch(t *testing.T) {
	eachOp(t, func(t *testing.T, f func(x *Var) *Var) {
		tape := NewTape(2)
		x := tape.Leaf(tensor.New(0, 8, 4, 6))
		y := f(x)
		if s := y.Shape(); len(s) > 0 && s[0] != 0 || len(s) == 0 && y.Scalar() != 0 {
			t.Errorf("the result has shape %v", s)
		}
		tape.Backward(Sum(y))
		if g := x.Grad(); g == nil || !tensor.SameShape(g, x.Value()) {
			t.Errorf("the gradient is %v", g)
		}
	})
}

func TestProductsOfNothing(t *testing.T) {
	tape := NewTape(2)
	w, b, m := param(1, -1, 1, 3, 4), param(2, -1, 1, 3), param(3, -1, 1, 3, 5)
	tape.Backward(Sum(MatMul(Linear(tape.Input(tensor.New(0, 4)), w, b), m)))
	for _, v := range []*Var{w, b, m} {
		if !allZero(v) {
			t.Errorf("gradient of %v is %v", v.Shape(), v.Grad())
		}
	}
}

func TestNoOperationDependsOnWorkers(t *testing.T) {
	eachOp(t, func(t *testing.T, f func(x *Var) *Var) {
		var want []float32
		for _, workers := range []int{1, 2, 5} {
			tape := NewTape(workers)
			x := tape.Leaf(param(1, -1, 1, 250, 8, 4, 6).Value())
			before := x.Value().Clone()
			y := f(x)
			tape.Backward(Sum(Mul(y, Sigmoid(y))))
			got := slices.Concat(y.Data(), x.Grad().Data())
			if want == nil {
				want = got
			} else if !sameBits(got, want) {
				t.Errorf("%d workers give other bits than 1", workers)
			}
			if !sameBits(x.Data(), before.Data()) {
				t.Error("the input has changed")
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// The only allocations of an operation are those that its test makes for each call.
func TestNoOperationAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	eachOp(t, func(t *testing.T, f func(x *Var) *Var) {
		for _, workers := range []int{1, 2} {
			tape, x := NewTape(workers), param(1, -1, 1, 100, 8, 4, 6).Value()
			step := func() {
				tape.Reset()
				y := f(tape.Leaf(x))
				tape.Backward(Sum(Mul(y, y)))
			}
			step()
			own := map[string]float64{"TestNoOperationAllocates/Gather": 1, "TestNoOperationAllocates/MaxUnpool": 1}
			if n := testing.AllocsPerRun(5, step); n != own[t.Name()] {
				t.Errorf("%d workers: a repeated step allocates %v times", workers, n)
			}
		}
	})
}
