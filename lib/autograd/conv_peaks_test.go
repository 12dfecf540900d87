// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// peaksCase is a transposed convolution of maps with one element each.
type peaksCase struct {
	h, w, kh, kw int
	s            ConvShape
}

var peaksCases = []peaksCase{
	{7, 6, 5, 5, SamePadding(5, 5)},
	{5, 5, 11, 11, SamePadding(11, 11)}, // windows larger than the image
	{4, 3, 3, 2, ConvShape{}},
	{4, 3, 3, 4, ConvShape{StrideH: 2, StrideW: 3, PadH: 1, OutputPadH: 1}},
	{1, 1, 1, 1, ConvShape{}},
}

// peakPlaces returns a position for each of n maps of some size; one in four is omitted.
func peakPlaces(n, size int) []int32 {
	rng := tensor.Stream(uint64(size), "peaks")
	at := make([]int32, n)
	for i := range at {
		if at[i] = int32(rng.IntN(size)); rng.IntN(4) == 0 {
			at[i] = -1
		}
	}
	return at
}

// ConvTransposePeaks is ConvTranspose2D of maps with one element, with the same result and the same gradients.
func TestConvTransposePeaksIsConvTranspose(t *testing.T) {
	const n, maps, channels = 5, 6, 3
	for _, c := range peaksCases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			x, w, b := param(1, -1, 1, n, maps), param(2, -1, 1, maps, channels, c.kh, c.kw), param(3, -1, 1, channels)
			at := peakPlaces(n*maps, c.h*c.w)
			var results [2][]*tensor.Tensor
			for i, f := range []func(x *Var) *Var{
				func(x *Var) *Var { return ConvTransposePeaks(x, at, c.h, c.w, w, b, c.s) },
				func(x *Var) *Var {
					return ConvTranspose2D(MaxUnpool(Reshape(x, n, maps, 1, 1), at, c.h, c.w), w, b, c.s)
				},
			} {
				for range 2 { // the second time, gradients accumulate
					tape := NewTape(2)
					y := f(onTape(tape, x))
					tape.Backward(Sum(Square(y)))
					results[i] = append(results[i], y.Value().Clone())
				}
				for _, v := range []*Var{x, w, b} {
					results[i] = append(results[i], v.Grad().Clone())
					v.ZeroGrad()
				}
			}
			for i, got := range results[0] {
				agree(t, fmt.Sprint("result ", i), got.Data(), results[1][i].Data())
			}
		})
	}
}

// agree fails unless two results agree to rounding errors.
func agree(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
	}
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i, v := range got {
		if !(math.Abs(float64(v-want[i])) <= 2e-5*largest) {
			t.Fatalf("%s: element %d is %g, want %g", name, i, v, want[i])
		}
	}
}

func TestConvTransposePeaksGradients(t *testing.T) {
	const n, maps, channels = 4, 5, 2
	for _, c := range peaksCases {
		x, w, b := param(1, -1, 1, n, maps), param(2, -1, 1, maps, channels, c.kh, c.kw), param(3, -1, 1, channels)
		at := peakPlaces(n*maps, c.h*c.w)
		err := gradcheck.Check(gradcheck.Config{}, func(t *Tape) *Var {
			v := onTape(t, x)
			y := ConvTransposePeaks(v, at, c.h, c.w, w, b, c.s)
			return Add(Square(y), ConvTransposePeaks(Scale(v, 2), at, c.h, c.w, w, b, c.s))
		}, x, w, b)
		if err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// The result does not depend on the number of workers, and a repeated step allocates nothing.
func TestConvTransposePeaksSteps(t *testing.T) {
	const n, maps = 40, 30
	w, b := param(2, -1, 1, maps, 3, 11, 11), param(3, -1, 1, 3)
	at := peakPlaces(n*maps, 28*28)
	var want []float32
	for workers := 1; workers <= 4; workers++ {
		x, tape := param(1, -1, 1, n, maps), NewTape(workers)
		var in *Var
		step := func() {
			tape.Reset()
			in = tape.Leaf(x.Value())
			tape.Backward(Sum(Square(ConvTransposePeaks(in, at, 28, 28, w, b, SamePadding(11, 11)))))
		}
		w.ZeroGrad()
		step()
		got := append(append([]float32(nil), in.Grad().Data()...), w.Grad().Data()...)
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("element %d with %d workers: %g, want %g", i, workers, got[i], want[i])
			}
		}
		if workers == 1 && !race.Enabled {
			if allocs := testing.AllocsPerRun(5, step); allocs != 0 {
				t.Errorf("a repeated step allocates %v times", allocs)
			}
		}
	}
}

func TestConvTransposePeaksMistakes(t *testing.T) {
	x, w := NewTape(1).Input(tensor.New(2, 3)), param(1, -1, 1, 3, 1, 5, 5)
	for want, f := range map[string]func(){
		"position 20 lies outside a map of 4 x 5": func() {
			ConvTransposePeaks(x, []int32{0, 0, 0, 0, 0, 20}, 4, 5, w, nil, ConvShape{})
		},
		"want x [N, C] with N·C positions": func() { ConvTransposePeaks(x, []int32{0}, 4, 5, w, nil, ConvShape{}) },
		"a kernel [3 1 5 5] does not fit images [2 3 1 1] with": func() {
			ConvTransposePeaks(x, make([]int32, 6), 1, 1, w, nil, SamePadding(11, 11))
		},
	} {
		func() {
			defer func() {
				if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
					t.Errorf("panic %q, want %q", msg, want)
				}
			}()
			f()
		}()
	}
}
