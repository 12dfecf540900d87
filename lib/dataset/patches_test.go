// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// numbered returns images each pixel of which says where it is: 10000 image + 100 row + column.
func numbered(n, channels, h, w int) *tensor.Tensor {
	x := tensor.New(n, channels, h, w)
	for i := range x.Data() {
		x.Data()[i] = float32(10000*(i/(h*w)) + 100*(i/w%h) + i%w)
	}
	return x
}

func TestPatchesAreCutOut(t *testing.T) {
	const border, size = 2, 4
	p, err := NewPatches(numbered(3, 2, 11, 13), PatchConfig{Size: size, N: 4000, Seed: 1, Border: border, KeepMean: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Len() != 4000 {
		t.Fatalf("%d patches", p.Len())
	}
	seen := map[string]int{}
	x := p.Tensor(0, 4000)
	for n := range 4000 {
		corner := int(x.At(n, 0, 0, 0))
		image, row, column := corner/20000, corner%10000/100, corner%100
		if corner/10000%2 != 0 || row < border || row+size > 11-border || column < border || column+size > 13-border {
			t.Fatalf("patch %d is at %d", n, corner)
		}
		seen[fmt.Sprint(image, row, column)]++
		for c := range 2 {
			for y := range size {
				for z := range size {
					if got, want := x.At(n, c, y, z), float32(corner+10000*c+100*y+z); got != want {
						t.Fatalf("patch %d: channel %d, row %d, column %d is %v, want %v", n, c, y, z, got, want)
					}
				}
			}
		}
	}
	if len(seen) != 3*4*6 {
		t.Errorf("%d places seen of %d", len(seen), 3*4*6)
	}
	for at, n := range seen {
		if n < 25 || n > 95 { // 55.6 expected, five standard deviations either way
			t.Errorf("place %s comes %d times", at, n)
		}
	}
}

func TestPatchesHaveNoMean(t *testing.T) {
	images := numbered(2, 2, 9, 9)
	c := PatchConfig{Size: 3, N: 50, Seed: 1}
	p, err := NewPatches(images, c)
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	p.Gather(&b, []int{7, 49, 7})
	if !slices.Equal(b.X.Shape(), []int{3, 2, 3, 3}) || !slices.Equal(b.X.Row(0), b.X.Row(2)) {
		t.Fatalf("shape %v", b.X.Shape())
	}
	for ch := range 2 {
		for y := range 3 {
			for z := range 3 { // in the middle of each channel is its mean
				if got, want := b.X.At(0, ch, y, z), float32(100*(y-1)+z-1); got != want {
					t.Errorf("channel %d, row %d, column %d: %v, want %v", ch, y, z, got, want)
				}
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { p.Gather(&b, []int{7, 49, 7}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	c.KeepMean = true // without their means all patches of these images are the same
	p, _ = NewPatches(images, c)
	again, _ := NewPatches(images, c)
	c.Seed = 2
	other, _ := NewPatches(images, c)
	if Fingerprint(again) != Fingerprint(p) || Fingerprint(other) == Fingerprint(p) {
		t.Error("the places do not follow the seed")
	}
}

func TestPatchesRefuse(t *testing.T) {
	nan, flat, mostly := numbered(2, 1, 8, 8), numbered(2, 1, 8, 8), tensor.New(1, 1, 40, 40)
	nan.Set(float32(math.NaN()), 1, 0, 3, 5)
	for i := range flat.Row(1) {
		flat.Row(1)[i] = 3
	}
	mostly.Set(1, 0, 0, 0, 0)
	for _, c := range []struct {
		x      *tensor.Tensor
		config PatchConfig
		want   string
	}{
		{numbered(2, 1, 8, 9), PatchConfig{Size: 9, N: 1}, "patches of 9x9 pixels, 0 off the edge, do not fit"},
		{numbered(2, 1, 8, 9), PatchConfig{Size: 5, N: 1, Border: 2}, "patches of 5x5 pixels, 2 off the edge, do not fit"},
		{tensor.New(0, 1, 8, 9), PatchConfig{Size: 5, N: 1}, "do not fit into images [0 1 8 9]"},
		{nan, PatchConfig{Size: 2, N: 1}, "image 1: the pixel in row 3, column 5 is NaN"},
		{flat, PatchConfig{Size: 2, N: 1}, "image 1 is constant: leave it out"},
		{mostly, PatchConfig{Size: 2, N: 1, Border: 2}, "patches of 2x2 pixels are constant"},
	} {
		if _, err := NewPatches(c.x, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
	half := tensor.New(1, 1, 20, 20) // of two halves: patches within one are drawn again
	for i := range 200 {
		half.Data()[i] = 1
	}
	p, err := NewPatches(half, PatchConfig{Size: 4, N: 200})
	if err != nil {
		t.Fatal(err)
	}
	x := p.Tensor(0, 200)
	for n := range 200 {
		if row := x.Row(n); slices.Max(row) == slices.Min(row) {
			t.Errorf("patch %d is constant", n)
		}
	}
}

// The filter acts on waves: one of frequency f comes out R(f) times as high, and the result has the variance asked for.
func TestWhitenSpectrum(t *testing.T) {
	const h, w = 20, 30
	x := tensor.New(3, 1, h, w)
	waves := [][2]int{{0, 3}, {4, 0}, {5, 7}} // cycles per image, down and across
	for i, k := range waves {
		for y := range h {
			for z := range w {
				x.Set(2+float32(math.Cos(2*math.Pi*(float64(k[0]*y)/h+float64(k[1]*z)/w))), i, 0, y, z)
			}
		}
	}
	before := x.Clone()
	const cutoff, variance = 0.3, 0.1
	got, err := WhitenSpectrum(x, cutoff, variance)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Data(), before.Data()) {
		t.Error("the images were changed")
	}
	gains, mean := make([]float64, 3), 0.0
	for i, k := range waves {
		f := math.Hypot(float64(k[0])/h, float64(k[1])/w)
		gains[i] = f * math.Exp(-math.Pow(f/cutoff, 4))
		mean += gains[i] * gains[i] / 2 / 3
	}
	for i := range waves {
		for j, v := range x.Row(i) {
			want := (float64(v) - 2) * gains[i] * math.Sqrt(variance/mean)
			if math.Abs(want-float64(got.Row(i)[j])) > 1e-5 {
				t.Fatalf("wave %d, pixel %d: %v, want %v", i, j, got.Row(i)[j], want)
			}
		}
	}
	x.Set(float32(math.Inf(1)), 2, 0, 1, 4)
	for _, c := range []struct {
		x                *tensor.Tensor
		cutoff, variance float64
		want             string
	}{
		{x, 0.4, 0.1, "image 2: the pixel in row 1, column 4 is +Inf"},
		{tensor.New(1, 1, 4, 4), 0.4, 0.1, "image 0 is constant"},
		{before, 0, 0.1, "cutoff 0, variance 0.1: want positive numbers"},
		{before, 1e-3, 0.1, "a cutoff of 0.001 leaves nothing of images of 20x30 pixels"},
		{before, 0.4, math.NaN(), "variance NaN: want positive numbers"},
	} {
		if _, err := WhitenSpectrum(c.x, c.cutoff, c.variance); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Whitening makes neighbours of leaves nearly independent.
func TestWhitenLeaves(t *testing.T) {
	x := synth.Leaves(2, 128, 1, "test")
	y, err := WhitenSpectrum(x, OlshausenCutoff, OlshausenVariance)
	if err != nil {
		t.Fatal(err)
	}
	correlation := func(x *tensor.Tensor, distance int) float64 {
		var mean, square, product float64
		for _, v := range x.Row(0) {
			mean += float64(v) / 128 / 128
		}
		for i := range 128 * 128 {
			a := float64(x.Row(0)[i]) - mean
			square += a * a
			if i%128 < 128-distance {
				product += a * (float64(x.Row(0)[i+distance]) - mean)
			}
		}
		return product / square
	}
	if a, b := correlation(x, 3), correlation(y, 3); a < 0.3 || math.Abs(b) > 0.1 {
		t.Errorf("correlation over three pixels: %.2f before, %.2f after whitening", a, b)
	}
}
