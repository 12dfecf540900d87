// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// sparseGradient returns an output gradient that is not zero at one position in five, there in some of the maps.
func sparseGradient(y *Var) *tensor.Tensor {
	dy, rng := tensor.New(y.Shape()...), tensor.Stream(7, "live")
	places := y.Shape()[2] * y.Shape()[3]
	for n := range y.Rows() {
		for _, p := range rng.Perm(places)[:places/5] {
			for k := range y.Shape()[1] {
				if k == p%y.Shape()[1] || rng.IntN(3) == 0 {
					dy.Row(n)[k*places+p] = float32(rng.IntN(7)-3) / 2
				}
			}
		}
	}
	return dy
}

// Gradients from few live positions are those of the definition, on top of what was there before.
func TestGradientsOfLivePositions(t *testing.T) {
	checked := 0
	for i, c := range slices.Concat(convCases, convCases) {
		before := i < len(convCases) // the gradient of x starts at 1
		x, w, b := param(1, -1, 1, c.n, c.c, c.h, c.w), param(2, -1, 1, c.k, c.c, c.kh, c.kw), param(3, -1, 1, c.k)
		tape := NewTape(2)
		in := tape.Leaf(x.Value())
		y := Conv2D(in, w, b, c.shape)
		dy := sparseGradient(y)
		loss := Sum(Mul(y, tape.Input(dy)))
		if before {
			loss = Add(loss, Sum(in))
		}
		tape.Backward(loss)
		if oh, ow := c.shape.OutputSize(c.h, c.w, c.kh, c.kw); oh*ow < 5 {
			continue // no position in five
		}
		if !FewLive(y) {
			t.Fatalf("%v: the dense gradient was computed", c)
		}
		checked++
		dx, dw, db := convGradients(c, x.Value(), w.Value(), dy)
		for i := range dx {
			if before {
				dx[i]++
			}
		}
		agree(t, fmt.Sprint(c, " x"), in.Grad().Data(), dx)
		agree(t, fmt.Sprint(c, " w"), w.Grad().Data(), dw)
		agree(t, fmt.Sprint(c, " b"), b.Grad().Data(), db)
	}
	if checked < 20 {
		t.Errorf("only %d convolutions were checked", checked)
	}
}

// convGradients computes the gradients of a convolution by its definition.
func convGradients(c convCase, x, w, dy *tensor.Tensor) (dx, dw, db []float32) {
	dx, dw, db = make([]float32, x.Len()), make([]float32, w.Len()), make([]float32, c.k)
	sh, sw := max(1, c.shape.StrideH), max(1, c.shape.StrideW)
	i := 0
	for n := range dy.Dim(0) {
		for k := range dy.Dim(1) {
			for row := range dy.Dim(2) {
				for col := range dy.Dim(3) {
					d := dy.Data()[i]
					i++
					db[k] += d
					for ch := range c.c {
						for u := range c.kh {
							for v := range c.kw {
								r, s := row*sh+u-c.shape.PadH, col*sw+v-c.shape.PadW
								if r >= 0 && r < c.h && s >= 0 && s < c.w {
									at, tap := ((n*c.c+ch)*c.h+r)*c.w+s, ((k*c.c+ch)*c.kh+u)*c.kw+v
									dx[at] += d * w.Data()[tap]
									dw[tap] += d * x.Data()[at]
								}
							}
						}
					}
				}
			}
		}
	}
	return dx, dw, db
}

// The gradients do not depend on the number of workers, and a repeated step allocates nothing.
func TestLivePositionsSteps(t *testing.T) {
	var want []float32
	x, w, b := param(1, -1, 1, 40, 5, 20, 20), param(2, -1, 1, 6, 5, 5, 5), param(3, -1, 1, 6)
	for workers := 1; workers <= 4; workers++ {
		tape := NewTape(workers)
		var in, y *Var
		var dy *tensor.Tensor
		step := func() {
			tape.Reset()
			in = tape.Leaf(x.Value())
			y = Conv2D(in, w, b, SamePadding(5, 5))
			if dy == nil {
				dy = sparseGradient(y)
			}
			tape.Backward(Sum(Mul(y, tape.Input(dy))))
		}
		w.ZeroGrad()
		step()
		got := slices.Concat(in.Grad().Data(), w.Grad().Data())
		if want == nil {
			want = slices.Clone(got)
		}
		if !FewLive(y) || !slices.Equal(got, want) {
			t.Errorf("with %d workers the gradients differ", workers)
		}
		if workers == 1 && !race.Enabled {
			if allocs := testing.AllocsPerRun(5, step); allocs != 0 {
				t.Errorf("a repeated step allocates %v times", allocs)
			}
		}
	}
}
