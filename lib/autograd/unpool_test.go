// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// MaxUnpool puts the winners back where max-pooling found them.
func TestMaxUnpoolUndoesPooling(t *testing.T) {
	x := param(1, -1, 1, 3, 4, 7, 6)
	tape := NewTape(2)
	in := tape.Input(x.Value())
	pooled := MaxPool2D(in, Pool{H: 2, W: 2})
	at := slices.Clone(competitive.Winners(pooled))
	for i := range at {
		at[i] -= int32(i / 9 * 42)
		if i%5 == 0 {
			at[i] = -1
		}
	}
	y := MaxUnpool(pooled, at, 7, 6)
	for i, v := range y.Data() {
		want := float32(0)
		if j := slices.Index(competitive.Winners(pooled), int32(i)); j >= 0 && j%5 != 0 {
			want = x.Data()[i]
		}
		if v != want {
			t.Fatalf("element %d is %v, want %v", i, v, want)
		}
	}
}

func TestMaxUnpoolAndSliceGradients(t *testing.T) {
	x, m := param(1, -1, 1, 3, 2, 2, 3), param(2, -1, 1, 4, 5)
	at := make([]int32, 36)
	for i := range at {
		at[i] = int32(i%6*3+i/6%3) - int32(i%7/6*100) // omits one in seven
		at[i] = max(at[i], -1)
	}
	for name, f := range map[string]func(t *Tape) *Var{
		"MaxUnpool": func(t *Tape) *Var { return MaxUnpool(onTape(t, x), at, 4, 5) },
		"MaxUnpool twice": func(t *Tape) *Var {
			v := onTape(t, x)
			return Add(Square(MaxUnpool(v, at, 4, 5)), MaxUnpool(v, at, 4, 5))
		},
	} {
		if err := gradcheck.Check(gradcheck.Config{}, f, x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, f := range map[string]func(t *Tape) *Var{
		"Slice": func(t *Tape) *Var {
			v := onTape(t, m)
			return Add(Square(Slice(v, 0, 0, 2)), Mul(Slice(v, 0, 1, 3), Slice(v, 0, 2, 4)))
		},
	} {
		if err := gradcheck.Check(gradcheck.Config{}, f, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMaxUnpoolForAnyWorkers(t *testing.T) {
	at := make([]int32, 64*16*64)
	for i := range at {
		at[i] = int32(i%64*4+i%3) - int32(i%9/8*1000)
		at[i] = max(at[i], -1)
	}
	var want []float32
	for _, workers := range []int{1, 2, 5} {
		x := param(1, -1, 1, 64, 16, 8, 8)
		tape := NewTape(workers)
		y := MaxUnpool(onTape(tape, x), at, 16, 16)
		tape.Backward(Sum(Square(y)))
		got := slices.Concat(y.Data(), x.Grad().Data())
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d workers give other bits than 1", workers)
		}
	}
}

func TestMaxUnpoolAndSliceAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	x, at := tensor.New(8, 4, 8, 8), make([]int32, 8*4*64)
	for i := range at {
		at[i] = int32(i % 64)
	}
	tape := NewTape(2)
	step := func() {
		tape.Reset()
		y := Slice(MaxUnpool(tape.Leaf(x), at, 16, 16), 0, 2, 6)
		tape.Backward(Sum(Mul(y, y)))
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

func TestMaxUnpoolAndSliceRefuse(t *testing.T) {
	x := NewTape(1).Input(tensor.New(2, 1, 2, 2))
	refuse(t, []refused{
		{"autograd: MaxUnpool: 3 positions in planes 4 x 4 for x [2 1 2 2]",
			func() { MaxUnpool(x, make([]int32, 3), 4, 4) }},
		{"autograd: Slice: no elements 1 to 3 along axis 0 of shape [2 1 2 2]", func() { Slice(x, 0, 1, 3) }},
	})
}

// Position 0 gets its own value, whether omitted elements come before or after it.
func TestMaxUnpoolZero(t *testing.T) {
	tape := NewTape(1)
	x := tape.Input(tensor.From([]float32{1, 2, 3, 4, 5, 6}, 2, 1, 1, 3))
	y := MaxUnpool(x, []int32{-1, 0, -1, -1, 2, -1}, 1, 3)
	if want := []float32{2, 0, 0, 0, 0, 5}; !slices.Equal(y.Data(), want) {
		t.Errorf("%v, want %v", y.Data(), want)
	}
}
