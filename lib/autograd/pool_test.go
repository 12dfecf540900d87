// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/tensor"
)

type poolCase struct {
	h, w int
	pool Pool
}

var poolCases = append([]poolCase{
	{4, 6, Pool{H: 2, W: 2}},
	{7, 9, Pool{H: 2, W: 2}}, // a row and a column are left over
	{9, 8, Pool{H: 3, W: 3, StrideH: 2, StrideW: 2}},
	{9, 8, Pool{H: 3, W: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{5, 70, Pool{H: 3, W: 5, StrideH: 1, StrideW: 2, PadW: 4}},
	{6, 40, Pool{H: 1, W: 2}},
	{8, 67, Pool{H: 3, W: 4, StrideH: 1, StrideW: 1, PadH: 2}},
	{8, 12, Pool{H: 4, W: 3, StrideH: 3, StrideW: 5}},
	{6, 6, Pool{H: 6, W: 6}},
	{2, 2, Pool{H: 3, W: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1}}, // every window extends beyond the image
}, tinyPoolCases()...)

// tinyPoolCases are all windows up to 3 long on images up to 4, with all padding and strides up to 4. Rows and columns
// are paired at random.
func tinyPoolCases() []poolCase {
	type axis struct{ length, window, stride, pad int }
	var axes []axis
	for i := range 4 * 3 * 4 * 3 {
		a := axis{i%4 + 1, i/4%3 + 1, i/12%4 + 1, i / 48}
		if a.pad < a.window && a.length+2*a.pad >= a.window {
			axes = append(axes, a)
		}
	}
	var cases []poolCase
	for i, j := range tensor.Stream(1, "columns").Perm(len(axes)) {
		r, c := axes[i], axes[j]
		cases = append(cases, poolCase{r.length, c.length, Pool{
			H: r.window, W: c.window, StrideH: r.stride, StrideW: c.stride, PadH: r.pad, PadW: c.pad,
		}})
	}
	return cases
}

func TestPoolingAgainstLoops(t *testing.T) {
	for _, c := range poolCases {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			const n, channels = 2, 3
			x := param(1, -1, 1, n, channels, c.h, c.w)
			for i := range x.Data() { // many ties, and a few NaNs
				x.Data()[i] = float32(math.Round(float64(x.Data()[i]) * 3))
				if i%37 == 36 {
					x.Data()[i] = float32(math.NaN())
				}
			}
			tape := NewTape(2)
			in := tape.Input(x.Value())
			largest, mean := MaxPool2D(in, c.pool), MeanPool2D(in, c.pool)
			oh, ow := c.pool.OutputSize(c.h, c.w)
			if want := []int{n, channels, oh, ow}; !slices.Equal(largest.Shape(), want) || !slices.Equal(mean.Shape(), want) {
				t.Fatalf("shapes %v and %v, want %v", largest.Shape(), mean.Shape(), want)
			}
			sh, sw := c.pool.StrideH, c.pool.StrideW
			if sh == 0 {
				sh, sw = c.pool.H, c.pool.W
			}
			for at := range largest.Data() {
				plane, i, j := at/(oh*ow), at/ow%oh, at%ow
				best, sum := -1, 0.0
				for r := max(0, i*sh-c.pool.PadH); r < min(c.h, i*sh-c.pool.PadH+c.pool.H); r++ {
					for col := max(0, j*sw-c.pool.PadW); col < min(c.w, j*sw-c.pool.PadW+c.pool.W); col++ {
						p := (plane*c.h+r)*c.w + col
						v := x.Data()[p]
						sum += float64(v)
						if best < 0 || v > x.Data()[best] || v != v && x.Data()[best] == x.Data()[best] {
							best = p
						}
					}
				}
				if got := competitive.Winners(largest)[at]; int(got) != best {
					t.Fatalf("winner of window %d is %d, want %d", at, got, best)
				}
				if got, want := largest.Data()[at], x.Data()[best]; got != want && want == want {
					t.Fatalf("maximum of window %d is %g, want %g", at, got, want)
				}
				sum /= float64(c.pool.H * c.pool.W)
				if got := float64(mean.Data()[at]); !(math.Abs(got-sum) <= 1e-6) && sum == sum {
					t.Fatalf("mean of window %d is %g, want %g", at, got, sum)
				}
			}
		})
	}
}

func TestPoolingGradients(t *testing.T) {
	for _, c := range poolCases {
		x := param(1, -1, 1, 2, 3, c.h, c.w)
		for name, pool := range map[string]func(*Var, Pool) *Var{"max": MaxPool2D, "mean": MeanPool2D} {
			// The values are far enough apart for finite differences, and used twice.
			err := gradcheck.Check(gradcheck.Config{Step: 1e-3, Samples: 24}, func(t *Tape) *Var {
				in := Scale(onTape(t, x), 10)
				return Add(pool(in, c.pool), Scale(pool(in, c.pool), 0.5))
			}, x)
			if err != nil {
				t.Errorf("%s of %+v: %v", name, c, err)
			}
		}
	}
}

// The switches of a pooling operation give the positions from which MaxUnpool restores activations.
func ExampleMaxPool2D() {
	tape := NewTape(1)
	x := tape.Input(tensor.From([]float32{
		1, 9, 3, 3,
		5, 4, 3, 3,
	}, 1, 1, 2, 4))
	y := MaxPool2D(x, Pool{H: 2, W: 2})
	fmt.Println(y.Data(), competitive.Winners(y))
	// Output: [9 3] [1 2]
}
