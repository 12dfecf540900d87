// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// drawn returns a Gabor as a patch of 16x16 pixels.
func drawn(g Gabor, noise float64, rng *tensor.RNG) *tensor.Tensor {
	x := tensor.New(16, 16)
	for i := range x.Data() {
		x.Data()[i] = float32(g.At(float64(i%16), float64(i/16)) + noise*rng.NormFloat64())
	}
	return x
}

// The fit finds the parameters of Gabors of all kinds, and nearly so under noise.
func TestGaborFitRecoversItsParameters(t *testing.T) {
	rng := tensor.Stream(1, "gabor")
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	for _, noise := range []float64{0, 0.05} {
		for n := range 30 {
			g := Gabor{
				X: between(4, 11), Y: between(4, 11), Orientation: between(0, math.Pi), Frequency: between(0.1, 0.35),
				Phase: between(-math.Pi, math.Pi), Amplitude: between(0.5, 2),
			}
			g.Width = between(0.35, 0.7) / g.Frequency
			g.Length = g.Width * between(1, 1.6)
			got := FitGabor(drawn(g, noise*g.Amplitude, rng))
			turn := math.Remainder(got.Orientation-g.Orientation, math.Pi)
			// A shift of the phase by a change of orientation of about pi is the same wave.
			phase := got.Phase
			if math.Abs(got.Orientation-g.Orientation) > math.Pi/2 {
				phase = -phase
			}
			tol := 1e-3 + 6*noise
			for name, e := range map[string]float64{
				"X": (got.X - g.X) / g.Width, "Y": (got.Y - g.Y) / g.Width, "Orientation": 2 * turn,
				"Frequency": 10 * (got.Frequency - g.Frequency), "Phase": math.Remainder(phase-g.Phase, 2*math.Pi) / 3,
				"Width": got.Width/g.Width - 1, "Length": got.Length/g.Length - 1, "Amplitude": got.Amplitude/g.Amplitude - 1,
			} {
				if !(math.Abs(e) < tol) {
					t.Errorf("noise %v, Gabor %d: %s differs by %g: %+v, want %+v", noise, n, name, e, got, g)
				}
			}
			if noise == 0 && !(got.R2 > 0.99999 && got.R2 <= 1) {
				t.Errorf("Gabor %d: R2 is %v", n, got.R2)
			}
		}
	}
}

// R2 is that of the Gabor that is returned, low for noise and 0 for a constant.
func TestGaborR2(t *testing.T) {
	rng := tensor.Stream(1, "noise")
	for range 10 {
		x := tensor.New(16, 16)
		rng.Normal(x.Data(), 0.1, 1)
		g := FitGabor(x)
		mean, errors, total := 0.0, 0.0, 0.0
		for _, v := range x.Data() {
			mean += float64(v) / 256
		}
		for i, v := range x.Data() {
			e := float64(v) - g.At(float64(i%16), float64(i/16))
			errors += e * e
			total += (float64(v) - mean) * (float64(v) - mean)
		}
		if math.Abs(g.R2-(1-errors/total)) > 1e-9 || g.R2 > 0.5 || g.R2 < 0 {
			t.Errorf("R2 of noise is %v, by hand %v", g.R2, 1-errors/total)
		}
	}
	flat := tensor.New(5, 6)
	if g := FitGabor(flat); g.R2 != 0 || math.Abs(g.At(2, 2)) > 1e-9 {
		t.Errorf("zeros: %+v", g)
	}
	flat.Fill(2)
	if g := FitGabor(flat); g.R2 != 0 {
		t.Errorf("a constant: %+v", g)
	}
}

func TestFitGabors(t *testing.T) {
	rng := tensor.Stream(1, "atoms")
	want := []float64{0.3, 1.4, 2.5}
	atoms := tensor.New(3, 1, 16, 16)
	for i, o := range want {
		g := Gabor{X: 7, Y: 8, Orientation: o, Frequency: 0.2, Width: 2, Length: 3, Amplitude: 1}
		copy(atoms.Row(i), drawn(g, 0, rng).Data())
	}
	d, err := NewDictionary(atoms)
	if err != nil {
		t.Fatal(err)
	}
	fits, err := FitGabors(d)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range fits {
		if math.Abs(g.Orientation-want[i]) > 1e-3 {
			t.Errorf("atom %d: orientation %v, want %v", i, g.Orientation, want[i])
		}
	}
	for _, shape := range [][]int{{16}, {3, 4, 4}, {3, 9}} {
		if _, err := FitGabors(RandomDictionary(2, 1, shape...)); err == nil || !strings.Contains(err.Error(),
			"want [H, W]") {
			t.Errorf("atoms of shape %v: %v", shape, err)
		}
	}
}

// The response of a Gabor to gratings along its wave, summed over a fine grid, is half the largest at the two ends of
// the band. A wave of less than a cycle has a band if its phase is odd, and none if it is even.
func TestBandwidth(t *testing.T) {
	for _, g := range []Gabor{
		{Frequency: 0.2, Width: 3, Phase: 1},
		{Frequency: 0.1, Width: 2, Phase: math.Pi / 2},
		{Frequency: 0.1, Width: 2, Phase: -1.3},
		{Frequency: 0.02, Width: 4, Phase: math.Pi / 2},
	} {
		g.Length, g.Amplitude = 2, 1
		response := func(f float64) float64 {
			var re, im float64
			for x := -20.0; x <= 20; x += 0.05 {
				re += g.At(x, 0) * math.Cos(2*math.Pi*f*x)
				im += g.At(x, 0) * math.Sin(2*math.Pi*f*x)
			}
			return math.Hypot(re, im)
		}
		const step = 2e-4
		peak := 0.0
		for f := 0.0; f < 0.4; f += step {
			if response(f) > response(peak) {
				peak = f
			}
		}
		lo, hi := peak, peak
		for response(lo) > response(peak)/2 {
			lo -= step
		}
		for response(hi) > response(peak)/2 {
			hi += step
		}
		if got, want := g.Bandwidth(), math.Log2(hi/lo); !(math.Abs(got-want) < 0.02) {
			t.Errorf("%+v: bandwidth %v octaves, want %v", g, got, want)
		}
	}
	for _, g := range []Gabor{{Frequency: 0.1, Width: 2}, {Frequency: 0, Width: 2}, {Frequency: 0.2, Width: 0.5}} {
		if b := g.Bandwidth(); !math.IsInf(b, 1) {
			t.Errorf("%+v, a low-pass: bandwidth %v", g, b)
		}
	}
}
