// SPDX-License-Identifier: Apache-2.0

package autograd_test

import (
	"math"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestDivRowMean(t *testing.T) {
	tape := autograd.NewTape(1)
	x := tape.Leaf(tensor.From([]float32{1, 2, 3, 0, 0, 0}, 2, 3))
	y := autograd.DivRowMean(x)
	for i, want := range []float32{0.5, 1, 1.5, 0, 0, 0} {
		if y.Data()[i] != want {
			t.Errorf("element %d is %v, want %v", i, y.Data()[i], want)
		}
	}
	tape.Backward(autograd.Sum(y)) // the sum is 3 for every x
	for i, g := range x.Grad().Data() {
		if !(g*g < 1e-12) {
			t.Errorf("gradient %d is %v, want 0", i, g)
		}
	}
	w := autograd.NewParam(tensor.New(4, 6))
	tensor.Stream(1, "w").Uniform(w.Data(), 0.2, 2)
	err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
		return autograd.DivRowMean(autograd.Add(w, t.Input(tensor.New(4, 6))))
	}, w)
	if err != nil {
		t.Error(err)
	}
}

// The proportions of a row are the same at every scale that float32 holds, and no gradient is NaN or infinite.
func TestDivRowMeanAtEveryScale(t *testing.T) {
	for _, scale := range []float32{
		0x1p-149, 0x1p-140, 0x1p-130, 0x1p-127, 0x1p-126, 0x1p-100, 1, 0x1p100, 0x1p125, 0x1p126,
	} {
		tape := autograd.NewTape(1)
		x := tape.Leaf(tensor.From([]float32{2 * scale, 0, scale, scale}, 1, 4))
		y := autograd.DivRowMean(x)
		if want := []float32{2, 0, 1, 1}; !slices.Equal(y.Data(), want) {
			t.Errorf("scale %g: %v, want %v", scale, y.Data(), want)
		}
		tape.Backward(autograd.Sum(autograd.Square(y)))
		for i, g := range x.Grad().Data() {
			// d(sum y²)/dx_i = 2/m (y_i - mean y²), with mean y² = 1.5 and m = scale, at least 2^-100
			want := float64(2*(y.Data()[i]-1.5)) / max(float64(scale), 0x1p-100)
			if !(math.Abs(float64(g)-want) <= 1e-5*math.Abs(want)) {
				t.Errorf("scale %g: gradient %d is %v, want %v", scale, i, g, want)
			}
		}
	}
}

func TestRelativePower(t *testing.T) {
	for _, n := range []float64{1, 2, 4.5, 10, 60} {
		for _, scale := range []float64{1e-44, 1e-39, 1e-20, 1e-3, 1, 100, 1e20, 1e38} {
			x := []float32{float32(scale), float32(scale / 2), 0, float32(-scale)}
			y := autograd.RelativePower(autograd.NewTape(1).Input(tensor.From(x, 1, 4)), n).Data()
			second := math.Pow(float64(x[1])/float64(x[0]), n)
			for i, want := range []float64{4 / (1 + second), 4 * second / (1 + second), 0, 0} {
				if !(math.Abs(float64(y[i])-want) <= 4e-7*(2+300*math.Ln2)) { // the error of a power grows with its logarithm
					t.Errorf("power %v at scale %v: element %d is %v, want %v", n, scale, i, y[i], want)
				}
			}
		}
	}
	w := autograd.NewParam(tensor.New(4, 6))
	for _, scale := range []float32{1, 1e-9, 1e9} {
		tensor.Stream(1, "w").Uniform(w.Data(), 0.2, 2)
		err := gradcheck.Check(gradcheck.Config{}, func(t *autograd.Tape) *autograd.Var {
			x := autograd.Scale(autograd.Add(w, t.Input(tensor.New(4, 6))), scale)
			return autograd.RelativePower(x, 7.5)
		}, w)
		if err != nil {
			t.Errorf("scale %v: %v", scale, err)
		}
	}
}
