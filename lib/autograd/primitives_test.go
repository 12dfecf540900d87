// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"math"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// count returns a leaf that holds 0, 1, 2, ...
func count(t *Tape, shape ...int) *Var {
	x := tensor.New(shape...)
	for i := range x.Data() {
		x.Data()[i] = float32(i)
	}
	return t.Leaf(x)
}

// Each result and gradient was computed by hand, for an output gradient of 1, 2, 3, ...
func TestPrimitivesByHand(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		f     func(t *Tape) (x, y *Var)
		shape []int
		y, dx []float32
	}{
		{"Transpose", func(t *Tape) (x, y *Var) { x = count(t, 2, 2, 3); return x, Transpose(x) },
			[]int{2, 3, 2}, []float32{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}, []float32{1, 3, 5, 2, 4, 6, 7, 9, 11, 8, 10, 12}},
		{"Slice of samples", func(t *Tape) (x, y *Var) { x = count(t, 3, 2); return x, Slice(x, 0, 1, 3) },
			[]int{2, 2}, []float32{2, 3, 4, 5}, []float32{0, 0, 1, 2, 3, 4}},
		{"Slice of columns", func(t *Tape) (x, y *Var) { x = count(t, 2, 3, 2); return x, Slice(x, 1, 1, 2) },
			[]int{2, 1, 2}, []float32{2, 3, 8, 9}, []float32{0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0}},
		{"Slice of nothing", func(t *Tape) (x, y *Var) { x = count(t, 2, 2); return x, Slice(x, 1, 2, 2) },
			[]int{2, 0}, nil, []float32{0, 0, 0, 0}},
		{"Concat of samples", func(t *Tape) (x, y *Var) {
			x = count(t, 1, 2)
			return x, Concat(0, x, t.Input(tensor.From([]float32{7, 8, 9, 5}, 2, 2)), x)
		}, []int{4, 2}, []float32{0, 1, 7, 8, 9, 5, 0, 1}, []float32{1 + 7, 2 + 8}},
		{"Concat of columns", func(t *Tape) (x, y *Var) {
			x = count(t, 2, 1, 2)
			return x, Concat(1, t.Input(tensor.From([]float32{7, 8, 9, 5}, 2, 1, 2)), x)
		}, []int{2, 2, 2}, []float32{7, 8, 0, 1, 9, 5, 2, 3}, []float32{3, 4, 7, 8}},
		{"Gather", func(t *Tape) (x, y *Var) { x = count(t, 3, 2); return x, Gather(t, x, []int{2, 0, 2}) },
			[]int{3, 2}, []float32{4, 5, 0, 1, 4, 5}, []float32{3, 4, 0, 0, 1 + 5, 2 + 6}},
		{"Gather of a parameter", func(t *Tape) (x, y *Var) {
			x = NewParam(tensor.From([]float32{5, 6}, 2))
			return x, Gather(t, x, []int{1, 1, 1})
		}, []int{3}, []float32{6, 6, 6}, []float32{0, 1 + 2 + 3}},
		{"Expand to rows", func(t *Tape) (x, y *Var) { x = count(t, 2); return x, Expand(x, 3, 2) },
			[]int{3, 2}, []float32{0, 1, 0, 1, 0, 1}, []float32{1 + 3 + 5, 2 + 4 + 6}},
		{"Expand to columns", func(t *Tape) (x, y *Var) { x = count(t, 2, 1); return x, Expand(x, 2, 3) },
			[]int{2, 3}, []float32{0, 0, 0, 1, 1, 1}, []float32{1 + 2 + 3, 4 + 5 + 6}},
		{"Expand to channels", func(t *Tape) (x, y *Var) { x = count(t, 2, 1, 1); return x, Expand(x, 2, 2, 1, 2) },
			[]int{2, 2, 1, 2}, []float32{0, 0, 1, 1, 0, 0, 1, 1}, []float32{1 + 2 + 5 + 6, 3 + 4 + 7 + 8}},
		{"Expand of one number", func(t *Tape) (x, y *Var) { x = count(t); return x, Expand(x, 1, 3) },
			[]int{1, 3}, []float32{0, 0, 0}, []float32{6}},
		{"Expand to the same", func(t *Tape) (x, y *Var) { x = count(t, 1, 1); return x, Expand(x, 1, 1) },
			[]int{1, 1}, []float32{0}, []float32{1}},
		{"Expand to nothing", func(t *Tape) (x, y *Var) { x = count(t, 1, 2); return x, Expand(x, 0, 2) },
			[]int{0, 2}, nil, []float32{0, 0}},
		{"row plus column", func(t *Tape) (x, y *Var) {
			x = count(t, 3)
			return x, Add(x, t.Input(tensor.From([]float32{10, 20}, 2, 1)))
		}, []int{2, 3}, []float32{10, 11, 12, 20, 21, 22}, []float32{1 + 4, 2 + 5, 3 + 6}},
		{"channels times a parameter", func(t *Tape) (x, y *Var) {
			x = NewParam(tensor.From([]float32{2, 3}, 2, 1))
			return x, Mul(count(t, 2, 2, 2), x)
		}, []int{2, 2, 2}, []float32{0, 2, 6, 9, 8, 10, 18, 21}, []float32{0*1 + 1*2 + 4*5 + 5*6, 2*3 + 3*4 + 6*7 + 7*8}},
		{"PixelShuffle", func(t *Tape) (x, y *Var) { x = count(t, 1, 4, 1, 2); return x, PixelShuffle(x, 2) },
			[]int{1, 1, 2, 4}, []float32{0, 2, 1, 3, 4, 6, 5, 7}, []float32{1, 3, 2, 4, 5, 7, 6, 8}},
		{"PixelShuffle by 1", func(t *Tape) (x, y *Var) { x = count(t, 1, 2, 1, 2); return x, PixelShuffle(x, 1) },
			[]int{1, 2, 1, 2}, []float32{0, 1, 2, 3}, []float32{1, 2, 3, 4}},
		{"Clamp", func(t *Tape) (x, y *Var) { x = count(t, 4); return x, Clamp(x, 1, 2.5) },
			[]int{4}, []float32{1, 1, 2, 2.5}, []float32{0, 0, 3, 0}},
		{"Max", func(t *Tape) (x, y *Var) {
			x = count(t, 4)
			return x, Max(x, t.Input(tensor.From([]float32{3, 1, -2, nan}, 4)))
		}, []int{4}, []float32{3, 1, 2, nan}, []float32{0, 2, 3, 0}},
		{"Max of the second", func(t *Tape) (x, y *Var) {
			x = count(t, 4)
			return x, Max(t.Input(tensor.From([]float32{3, 1, -2, nan}, 4)), x)
		}, []int{4}, []float32{3, 1, 2, nan}, []float32{0, 0, 3, 0}},
	} {
		tape := NewTape(2)
		x, y := c.f(tape)
		if !slices.Equal(y.Shape(), c.shape) || !sameNumbers(y.Data(), c.y) {
			t.Errorf("%s: %v %v, want %v %v", c.name, y.Shape(), y.Data(), c.shape, c.y)
			continue
		}
		dy := tensor.New(c.shape...)
		for i := range dy.Data() {
			dy.Data()[i] = float32(i + 1)
		}
		tape.Backward(Sum(Mul(y, tape.Input(dy))))
		if !slices.Equal(x.Grad().Data(), c.dx) {
			t.Errorf("%s: gradient %v, want %v", c.name, x.Grad().Data(), c.dx)
		}
	}
}

// sameNumbers reports whether a and b are equal; NaNs count as equal.
func sameNumbers(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

func TestPrimitivesRefuse(t *testing.T) {
	tape := NewTape(1)
	x, p := tape.Input(tensor.New(2, 3)), param(1, 0, 1, 2, 3)
	maps := tape.Input(tensor.New(1, 6, 2, 2))
	refuse(t, []refused{
		{"autograd: Transpose: want x [..., M, N], got [2]", func() { Transpose(tape.Input(tensor.New(2))) }},
		{"autograd: Slice: no elements 1 to 4 along axis 1 of shape [2 3]", func() { Slice(x, 1, 1, 4) }},
		{"autograd: Slice: no elements 2 to 1 along axis 0 of shape [2 3]", func() { Slice(x, 0, 2, 1) }},
		{"autograd: Slice: no elements 0 to 1 along axis 2 of shape [2 3]", func() { Slice(x, 2, 0, 1) }},
		{"autograd: Concat: no variables to join", func() { Concat(0) }},
		{"autograd: Concat: want shapes that differ along axis 1 alone, got [2 3] [1 3]",
			func() { Concat(1, x, tape.Input(tensor.New(1, 3))) }},
		{"autograd: Concat: want shapes that differ along axis 0 alone, got [2 3] [3]",
			func() { Concat(0, x, tape.Input(tensor.New(3))) }},
		{"autograd: Concat: want shapes that differ along axis 2 alone, got [2 3]", func() { Concat(2, x) }},
		{"autograd: Gather: rows[1] = 2 is not in a table of shape [2 3]",
			func() { Gather(tape, p, []int{0, 2}) }},
		{"autograd: Gather: rows[0] = -1 is not in a table of shape [2 3]", func() { Gather(tape, p, []int{-1}) }},
		{"autograd: Expand: shape [2 3] does not expand to [3 2]", func() { Expand(x, 3, 2) }},
		{"autograd: Expand: shape [2 3] does not expand to [3]", func() { Expand(x, 3) }},
		{"autograd: Mul: shapes [2 3] and [2] do not broadcast", func() { Mul(x, tape.Input(tensor.New(2))) }},
		{"autograd: Max: shapes [2 3] and [3 2] do not broadcast", func() { Max(x, tape.Input(tensor.New(3, 2))) }},
		{"autograd: PixelShuffle: want x [N, C·2², H, W], got [1 6 2 2]", func() { PixelShuffle(maps, 2) }},
		{"autograd: PixelShuffle: want x [N, C·1², H, W], got [2 3]", func() { PixelShuffle(x, 1) }},
		{"autograd: Clamp: the interval from 1 to 0 is empty", func() { Clamp(x, 1, 0) }},
		{"autograd: Concat: no input is on a tape; create one with Tape.Input", func() { Concat(0, p, p) }},
		{"autograd: Gather: its inputs are on two different tapes", func() { Gather(NewTape(1), x, nil) }},
		{"autograd: RelativePower: power 0.5, want at least 1", func() { RelativePower(x, 0.5) }},
		{"autograd: MaxPool2D: a window 3 x 2 does not fit images [1 1 0 2] with {H:3 W:2 StrideH:0 StrideW:0 PadH:2 PadW:0}",
			func() {
				MaxPool2D(tape.Input(tensor.New(1, 1, 0, 2)), Pool{H: 3, W: 2, PadH: 2})
			}},
		{"autograd: MaxUnpool: position 9 lies outside a plane 3 x 3",
			func() { MaxUnpool(maps, append(make([]int32, 23), 9), 3, 3) }},
	})
}
