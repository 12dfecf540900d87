// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestNormalizeContrast(t *testing.T) {
	x := tensor.From([]float32{1, 3, 5, 7, 2, 2, 2, 2}, 2, 1, 2, 2)
	y := NormalizeContrast(x, 55)
	if !slices.Equal(y.Shape(), x.Shape()) || x.At(0, 0, 0, 0) != 1 {
		t.Fatalf("shape %v; the input is now %v", y.Shape(), x)
	}
	for i, v := range []float64{-3, -1, 1, 3} {
		if want := v * 55 / math.Sqrt(20); math.Abs(float64(y.Row(0)[i])-want) > 1e-5 {
			t.Errorf("pixel %d is %g, want %g", i, y.Row(0)[i], want)
		}
		if y.Row(1)[i] != 0 {
			t.Errorf("an even image became %v", y.Row(1))
		}
	}
}

// The covariance of whitened samples is that of C^(-1/2) S C^(-1/2), and W is symmetric.
func TestZCA(t *testing.T) {
	const n, d = 3000, 6
	x := tensor.New(n, 1, 2, 3)
	rng := tensor.Stream(1, "samples")
	for i := range n {
		shared := float32(rng.NormFloat64())
		for j := range d {
			x.Row(i)[j] = float32(j) + shared + 0.5*float32(rng.NormFloat64())
		}
	}
	for _, bias := range []float64{0, 0.1} {
		w, err := FitZCA(x, bias)
		if err != nil {
			t.Fatal(err)
		}
		y := w.Transform(x)
		if !slices.Equal(y.Shape(), x.Shape()) {
			t.Fatalf("shape %v", y.Shape())
		}
		// cov(y) + bias W² = I, since W (S + bias I) W = I.
		for a := range d {
			for b := range d {
				cov, square := 0.0, 0.0
				for i := range n {
					cov += float64(y.Row(i)[a]) * float64(y.Row(i)[b]) / n
				}
				for k := range d {
					square += float64(w.Map.At(a, k)) * float64(w.Map.At(k, b))
				}
				want := 0.0
				if a == b {
					want = 1
				}
				if got := cov + bias*square; math.Abs(got-want) > 1e-4 {
					t.Errorf("bias %g: covariance of %d and %d with the bias is %g, want %g", bias, a, b, got, want)
				}
				if w.Map.At(a, b) != w.Map.At(b, a) {
					t.Errorf("bias %g: the map is not symmetric", bias)
				}
			}
		}
	}
}

func TestZCARefuses(t *testing.T) {
	x := tensor.New(5, 3)
	if _, err := FitZCA(x, 0); err == nil || !strings.Contains(err.Error(), "give a positive bias") {
		t.Errorf("no variance: %v", err)
	}
	x.Set(float32(math.NaN()), 2, 1)
	if _, err := FitZCA(x, 1); err == nil || err.Error() != "dataset: FitZCA: feature 1 of sample 2 is NaN" {
		t.Errorf("NaN: %v", err)
	}
}

// Every resulting image is one of the windows, each window occurs, and the original image is not changed.
func TestAugmented(t *testing.T) {
	const h, w, pad = 2, 3, 1
	image := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12} // two channels
	set := &Set{X: tensor.From(slices.Clone(image), 1, 2, h, w), Y: []int{3}}
	for _, flip := range []bool{false, true} {
		windows := map[string]bool{}
		for dy := -pad; dy <= pad; dy++ {
			for dx := -pad; dx <= pad; dx++ {
				for f := range 2 {
					out := make([]float32, len(image))
					for c := range 2 {
						for r := range h {
							for k := range w {
								from := k
								if f == 1 {
									from = w - 1 - k
								}
								if y, x := r+dy, from+dx; y >= 0 && y < h && x >= 0 && x < w {
									out[c*h*w+r*w+k] = image[c*h*w+y*w+x]
								}
							}
						}
					}
					if f == 0 || flip {
						windows[tensor.From(out, len(out)).String()] = true
					}
				}
			}
		}
		a := &Augmented{Set: set, Pad: pad, Flip: flip, RNG: tensor.Stream(1, "windows")}
		seen := map[string]bool{}
		var b Batch
		for range 500 {
			a.Gather(&b, []int{0})
			key := b.X.Reshape(len(image)).String()
			if b.Y[0] != 3 || !windows[key] {
				t.Fatalf("flip %t: label %d, image %s", flip, b.Y[0], key)
			}
			seen[key] = true
		}
		if len(seen) != len(windows) {
			t.Errorf("flip %t: %d of %d windows were drawn", flip, len(seen), len(windows))
		}
		if !slices.Equal(set.X.Data(), image) {
			t.Fatal("the image has changed")
		}
	}
}
