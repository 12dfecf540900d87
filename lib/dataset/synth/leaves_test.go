// SPDX-License-Identifier: Apache-2.0

package synth_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/lateral-ml/lateral/lib/dataset/synth"
)

// The images depend on seed, stream and index alone: neither on how many there are nor on the number of processors. The
// check sum was taken on amd64, and holds on all machines.
func TestLeavesAreDeterministic(t *testing.T) {
	x := synth.Leaves(3, 40, 1, "test")
	h := sha256.New()
	for _, v := range x.Data() {
		binary.Write(h, binary.LittleEndian, math.Float32bits(v))
	}
	if got, want := fmt.Sprintf("%x", h.Sum(nil))[:16], "dd7964002b3f376e"; got != want {
		t.Errorf("check sum %s, want %s", got, want)
	}
	old := runtime.GOMAXPROCS(1)
	y := synth.Leaves(2, 40, 1, "test")
	runtime.GOMAXPROCS(old)
	if !slices.Equal(y.Data(), x.Slice(0, 2).Data()) {
		t.Error("one processor makes other images than all, or two images others than three")
	}
	for _, z := range [][]float32{
		synth.Leaves(1, 40, 2, "test").Data(), synth.Leaves(1, 40, 1, "other").Data(), x.Row(1),
	} {
		if slices.Equal(z, x.Row(0)) {
			t.Error("another seed, stream or index gives the same image")
		}
	}
	for _, v := range x.Data() {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("pixel %v", v)
		}
	}
	if n := synth.Leaves(0, 8, 1, "").Rows(); n != 0 {
		t.Errorf("%d images", n)
	}
}

// The amplitude of the spectrum falls nearly as 1/f: the slope of its logarithm over four octaves is near -1.
func TestLeavesHaveNaturalSpectra(t *testing.T) {
	const n, side = 6, 256
	x := synth.Leaves(n, side, 1, "spectrum")
	fft, power := fourier.NewFFT(side), make([]float64, side/2+1)
	row, out := make([]float64, side), make([]complex128, side/2+1)
	for i := range n {
		for y := range side { // the spectrum along rows, of all images, falls as that of photographs along lines
			for j, v := range x.Row(i)[y*side : (y+1)*side] {
				window := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(j)+0.5)/side)
				row[j] = float64(v-0.5) * window
			}
			for f, c := range fft.Coefficients(out, row) {
				power[f] += real(c)*real(c) + imag(c)*imag(c)
			}
		}
	}
	// A plane's power f^-2a is f^(1-2a) along a line. Fit log power over f = 4..64 cycles per image.
	var sx, sy, sxx, sxy, m float64
	for f := 4; f <= 64; f++ {
		u, v := math.Log(float64(f)), math.Log(power[f])
		sx, sy, sxx, sxy, m = sx+u, sy+v, sxx+u*u, sxy+u*v, m+1
	}
	slope := (m*sxy - sx*sy) / (m*sxx - sx*sx)
	if a := (1 - slope) / 2; !(a > 0.8 && a < 1.3) {
		t.Errorf("the amplitude falls as f^-%.2f, want about f^-1", a)
	} else {
		t.Logf("the amplitude falls as f^-%.2f", a)
	}
}

func TestLeavesPanics(t *testing.T) {
	for _, c := range [][2]int{{-1, 20}, {1, 7}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: no panic", c)
				}
			}()
			synth.Leaves(c[0], c[1], 1, "")
		}()
	}
}
