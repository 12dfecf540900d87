// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func Example() {
	x := tensor.From([]float32{1, 2, 3, 4, 5, 6}, 3, 2) // three samples of two features
	x.Row(1)[0] = 30
	fmt.Println(x.Rows(), x.Width(), x.At(1, 0))
	fmt.Println(x.Slice(1, 3))
	fmt.Println(x.Reshape(-1, 3))
	// Output:
	// 3 2 30
	// tensor[2 2][30 4 5 6]
	// tensor[2 3][1 2 30 4 5 6]
}

func ExampleTensor_Resize() {
	var batch tensor.Tensor
	for _, n := range []int{100, 100, 7} { // the last batch is smaller
		batch.Resize(n, 784)
		// ... fill batch ...
	}
	fmt.Println(batch.Shape())
	// Output: [7 784]
}

// iota returns a tensor that holds 0, 1, 2, ...
func iota(shape ...int) *tensor.Tensor {
	t := tensor.New(shape...)
	for i := range t.Data() {
		t.Data()[i] = float32(i)
	}
	return t
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		shape             []int
		len, rows, widths int
	}{
		{nil, 1, 1, 1},
		{[]int{5}, 5, 5, 1},
		{[]int{2, 3}, 6, 2, 3},
		{[]int{2, 3, 4, 5}, 120, 2, 60},
		{[]int{0, 3}, 0, 0, 3},
		{[]int{3, 0}, 0, 3, 0},
	} {
		x := tensor.New(c.shape...)
		if x.Len() != c.len || x.Rows() != c.rows || x.Width() != c.widths || x.Rank() != len(c.shape) ||
			!slices.Equal(x.Shape(), c.shape) {
			t.Errorf("shape %v: len %d, rows %d, width %d, rank %d, shape %v",
				c.shape, x.Len(), x.Rows(), x.Width(), x.Rank(), x.Shape())
		}
		for i := range c.shape {
			if x.Dim(i) != c.shape[i] || x.Dim(i-len(c.shape)) != c.shape[i] {
				t.Errorf("shape %v: dimension %d is %d or %d", c.shape, i, x.Dim(i), x.Dim(i-len(c.shape)))
			}
		}
	}
	var zero tensor.Tensor
	if zero.Resize(2, 2); zero.Len() != 4 {
		t.Errorf("the zero value resized to 2x2 holds %d elements", zero.Len())
	}
}

// A tensor keeps its shape when the caller's slice changes.
func TestShapeIsCopied(t *testing.T) {
	shape := []int{2, 3}
	made := map[string]*tensor.Tensor{
		"New": tensor.New(shape...), "From": tensor.From(make([]float32, 6), shape...),
		"Reshape": tensor.New(6).Reshape(shape...),
		"Resize":  {},
	}
	made["Resize"].Resize(shape...)
	made["Clone"] = made["New"].Clone()
	shape[0] = 9
	for op, x := range made {
		if x.Dim(0) != 2 {
			t.Errorf("%s kept the caller's slice", op)
		}
	}
}

func TestAtAndSet(t *testing.T) {
	x := iota(2, 3, 4)
	if got := x.At(1, 2, 3); got != 23 {
		t.Errorf("At(1, 2, 3) = %g, want 1*12 + 2*4 + 3", got)
	}
	x.Set(-1, 0, 1, 2)
	if x.Data()[6] != -1 {
		t.Errorf("Set(0, 1, 2) missed element 6: %v", x.Data())
	}
	if s := tensor.From([]float32{5}); s.At() != 5 {
		t.Errorf("the scalar reads %g", s.At())
	}
}

func TestViewsShareMemory(t *testing.T) {
	x := iota(4, 2, 3)
	x.Row(2)[1] = 100
	x.Slice(1, 3).Row(0)[0] = 200
	x.Reshape(-1).Data()[23] = 300
	if x.At(2, 0, 1) != 100 || x.At(1, 0, 0) != 200 || x.At(3, 1, 2) != 300 {
		t.Errorf("a view has memory of its own: %v", x.Data())
	}
	if s := x.Slice(4, 4); s.Rows() != 0 || s.Width() != 6 {
		t.Errorf("the empty slice has shape %v", s.Shape())
	}
	// Appending to a view must not overwrite the rows behind it.
	_ = append(x.Row(0), -1)
	_ = append(x.Slice(0, 1).Data(), -1)
	if x.At(1, 0, 0) != 200 {
		t.Error("append to a view overwrote the next row")
	}
	data := []float32{1, 2}
	if tensor.From(data, 2).Data()[0] = 7; data[0] != 7 {
		t.Error("From copied the data")
	}
}

func TestCopies(t *testing.T) {
	x := iota(2, 2)
	c := x.Clone()
	c.Fill(9)
	if !slices.Equal(x.Data(), []float32{0, 1, 2, 3}) || !slices.Equal(c.Data(), []float32{9, 9, 9, 9}) {
		t.Errorf("clone and original share memory: %v, %v", x, c)
	}
	x.CopyFrom(c)
	if !slices.Equal(x.Data(), c.Data()) {
		t.Errorf("copied %v, want %v", x, c)
	}
	if !tensor.SameShape(x, c) || tensor.SameShape(x, x.Reshape(4)) || tensor.SameShape(x, x.Reshape(1, 4)) {
		t.Error("SameShape is wrong about 2x2, 4 and 1x4")
	}
}

func TestResizeKeepsMemory(t *testing.T) {
	x := iota(10, 3)
	first := &x.Data()[0]
	if x.Resize(2, 3); &x.Data()[0] != first || x.Len() != 6 {
		t.Errorf("a smaller shape took new memory, or holds %d elements", x.Len())
	}
	if x.Resize(5, 6); &x.Data()[0] != first {
		t.Error("the old size took new memory")
	}
	if x.Resize(31); x.Len() != 31 {
		t.Errorf("a larger shape holds %d elements", x.Len())
	}
}

func TestString(t *testing.T) {
	for want, x := range map[string]*tensor.Tensor{
		"tensor[2 2][0 1 2 3]":        iota(2, 2),
		"tensor[5 4][0 1 2 ... 19]":   iota(5, 4),
		"tensor[][0]":                 iota(),
		"tensor[0 3][]":               iota(0, 3),
		"tensor[17][0 1 2 ... 16]":    iota(17),
		"tensor[1 2][0.5 -0.3333333]": tensor.From([]float32{0.5, -1. / 3}, 1, 2),
	} {
		if got := strings.ReplaceAll(fmt.Sprint(x), "-0.33333334", "-0.3333333"); got != want {
			t.Errorf("printed %s, want %s", got, want)
		}
	}
}

func TestPanics(t *testing.T) {
	x := iota(10, 3)
	x.Resize(2, 3) // rows 2 to 9 are no longer part of x, though the memory is still there
	for want, f := range map[string]func(){
		"tensor: New: negative dimension in [2 -1]":            func() { tensor.New(2, -1) },
		"tensor: From: shape [2 2] needs 4 values, got 3":      func() { tensor.From(make([]float32, 3), 2, 2) },
		"tensor: Resize: negative dimension in [-2]":           func() { tensor.New(1).Resize(-2) },
		"tensor: Reshape: cannot turn shape [2 3] into [4 2]":  func() { x.Reshape(4, 2) },
		"tensor: Reshape: cannot turn shape [2 3] into [4 -1]": func() { x.Reshape(4, -1) },
		"tensor: Reshape: negative dimension in [-2 -3]":       func() { x.Reshape(-2, -3) },
		"tensor: Reshape: negative dimension in [-1 -1]":       func() { x.Reshape(-1, -1) },
		"tensor: CopyFrom: shape [3 2] into [2 3]":             func() { x.CopyFrom(tensor.New(3, 2)) },
		"tensor: Row: no row 2 in shape [2 3]":                 func() { x.Row(2) },
		"tensor: Row: no row -1 in shape [2 3]":                func() { x.Row(-1) },
		"tensor: Slice: no rows 0 to 3 in shape [2 3]":         func() { x.Slice(0, 3) },
		"tensor: Slice: no rows 2 to 1 in shape [2 3]":         func() { x.Slice(2, 1) },
		"tensor: Slice: no rows 0 to 1 in shape []":            func() { tensor.New().Slice(0, 1) },
		"tensor: 1 indices for shape [2 3]":                    func() { x.At(1) },
		"tensor: index [0 3] outside shape [2 3]":              func() { x.Set(1, 0, 3) },
		"tensor: index [-1 0] outside shape [2 3]":             func() { x.At(-1, 0) },
		"runtime error: index out of range [2] with length 2":  func() { x.Dim(2) },
		"runtime error: index out of range [-1]":               func() { x.Dim(-3) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	x, src, n := tensor.New(100, 784), tensor.New(50, 784), 0
	rng := tensor.Stream(1, "a")
	sum := float32(0)
	allocs := testing.AllocsPerRun(10, func() {
		n++
		x.Resize(50+50*(n%2), 784)
		for i := range x.Rows() {
			sum += x.Row(i)[0]
		}
		x.Set(1, 3, 4)
		sum += x.At(3, 4)
		x.Resize(50, 784)
		x.CopyFrom(src)
		rng.Uniform(x.Row(1), 0, 1)
		rng.Normal(x.Row(2), 0, 1)
	})
	if allocs != 0 {
		t.Errorf("%g allocations a run", allocs)
	}
}
