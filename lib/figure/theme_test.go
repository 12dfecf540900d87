// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"testing"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// linearRGB removes the gamma of sRGB.
func linearRGB(c Color) (v [3]float64) {
	for i, x := range []uint8{c.R, c.G, c.B} {
		s := float64(x) / 255
		if v[i] = math.Pow((s+0.055)/1.055, 2.4); s <= 0.04045 {
			v[i] = s / 12.92
		}
	}
	return v
}

// lab turns linear sRGB into CIE L*a*b* (white D65).
func lab(v [3]float64) [3]float64 {
	x := (0.4124*v[0] + 0.3576*v[1] + 0.1805*v[2]) / 0.9505
	y := 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]
	z := (0.0193*v[0] + 0.1192*v[1] + 0.9505*v[2]) / 1.089
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	return [3]float64{116*f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))}
}

// Full dichromacy as matrices on linear sRGB, after Machado, Oliveira and Fernandes (2009), severity 1.
var sight = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
}

func seen(c Color, m [3][3]float64) [3]float64 {
	v := linearRGB(c)
	var out [3]float64
	for i := range out {
		out[i] = min(max(m[i][0]*v[0]+m[i][1]*v[1]+m[i][2]*v[2], 0), 1)
	}
	return lab(out)
}

// TestClassColorsApart: no two of the ten colours look alike, even to colour-blind readers (a distance of 2.3 in L*a*b*
// is just noticeable), and each contrasts with the background. The first six, which most figures need, differ more.
func TestClassColorsApart(t *testing.T) {
	for name, m := range sight {
		for i, a := range classColors {
			for j, b := range classColors[:i] {
				p, q := seen(a, m), seen(b, m)
				d := math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2])
				least := 9.0
				if i < 6 {
					least = 14
				}
				if !(d >= least) {
					t.Errorf("%s: colours %d and %d are only %.1f apart", name, j, i, d)
				}
			}
		}
	}
	for i, c := range classColors {
		if l := lab(linearRGB(c))[0]; l > 75 {
			t.Errorf("colour %d is too pale for paper: lightness %.0f", i, l)
		}
	}
}

// TestColorMapsEven: lightness is monotonic along Viridis, InkMap and Gray, in steps of similar size for Viridis, and
// on both sides of the white middle of Diverging.
func TestColorMapsEven(t *testing.T) {
	l := func(m ColorMap, x float64) float64 { return lab(linearRGB(m.At(x)))[0] }
	const n = 20
	for _, m := range []ColorMap{Viridis, InkMap, Gray} {
		sign := math.Copysign(1, l(m, 1)-l(m, 0))
		mean := (l(m, 1) - l(m, 0)) / n
		for i := range n {
			step := l(m, float64(i+1)/n) - l(m, float64(i)/n)
			if step*sign <= 0 {
				t.Errorf("map %d: lightness turns at step %d", m, i)
			}
			if m == Viridis && (step < 0.6*mean || step > 1.4*mean) {
				t.Errorf("viridis: step %d is %.2f, the mean step %.2f", i, step, mean)
			}
		}
	}
	if c := Diverging.At(0.5); c != Paper {
		t.Errorf("zero is %v, not white", c)
	}
	for i := range n / 2 {
		x := float64(i) / n
		if l(Diverging, x) >= l(Diverging, x+1.0/n) || l(Diverging, 1-x) >= l(Diverging, 1-x-1.0/n) {
			t.Errorf("diverging: lightness turns near %g", x)
		}
	}
	if Viridis.At(-3) != Viridis.At(0) || Viridis.At(7) != Viridis.At(1) || Viridis.At(math.NaN()) != Faint {
		t.Error("values outside do not take the end colours, or NaN is not grey")
	}
}

// TestContrast: text on any colour of any map has a contrast of at least 4.5, the bound of WCAG 2.
func TestContrast(t *testing.T) {
	luminance := func(c Color) float64 {
		v := linearRGB(c)
		return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]
	}
	for m := range colorStops {
		for i := range 101 {
			c := m.At(float64(i) / 100)
			a, b := luminance(c)+0.05, luminance(canvas.OnColor(c))+0.05
			if ratio := math.Max(a, b) / math.Min(a, b); ratio < 4.5 {
				t.Errorf("map %d at %d %%: contrast %.1f", m, i, ratio)
			}
		}
	}
}
