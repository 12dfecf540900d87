// SPDX-License-Identifier: Apache-2.0

package tensor

import "math"

// Normal numbers come from the ziggurat of G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random
// Variables" (2000), as in math/rand/v2, and on amd64 they are the same numbers. But rand takes logarithms and
// exponentials from math, whose last bit depends on the processor, as does what the compiler fuses. One such bit can
// change a whole image: when a pixel's ink is 1e-17 instead of 0, one number more is drawn. Here every product is
// rounded before it is added, so that all processors agree.

const (
	strips    = 128                 // of the ziggurat, of equal area
	tailStart = 3.442619855899      // where the tail begins, which belongs to the lowest strip
	stripArea = 9.91256303526217e-3 // under exp(-x*x/2)
)

// A strip is a horizontal layer of the ziggurat. Strip 0 is the lowest; the others are counted from the top.
type strip struct {
	width  float32 // of the strip, over 2^31
	inside uint32  // share of the width that lies under the curve at all heights of the strip, times 2^31
	height float32 // of the curve at the end of the strip
}

var ziggurat = func() (z [strips]strip) {
	const scale = 1 << 31
	x := float64(tailStart)
	base := stripArea / expMinus(x*x/2) // width of a rectangle with the area of the lowest strip
	z[0] = strip{float32(base / scale), uint32(x / base * scale), 1}
	for i := strips - 1; i >= 1; i-- {
		z[i].width, z[i].height = float32(x/scale), float32(expMinus(x*x/2))
		above := 0.0
		if i > 1 {
			above = math.Sqrt(-2 * log(stripArea/x+expMinus(x*x/2)))
		}
		z[i].inside = uint32(above / x * scale)
		x = above
	}
	return z
}()

// NormFloat64 returns a draw from the normal distribution of mean 0 and standard deviation 1: the same number on all
// machines, and on amd64 that of math/rand/v2.
func (r *RNG) NormFloat64() float64 {
	for {
		u := r.pcg.Uint64()
		j, i := int32(u), u>>32%strips
		s := &ziggurat[i]
		x := float64(j) * float64(s.width)
		distance := uint32(max(j, -j)) // -j is j for the smallest, 2^31 as an unsigned number
		if distance < s.inside {
			return x
		}
		if i == 0 {
			return math.Copysign(r.tail(), x)
		}
		step := float32(r.Float64()) * (ziggurat[i-1].height - s.height)
		if s.height+float32(step) < float32(expMinus(x*x/2)) {
			return x
		}
	}
}

// tail returns a draw from the part of the normal distribution beyond tailStart.
func (r *RNG) tail() float64 {
	for {
		x := -log(r.Float64()) * (1 / tailStart)
		y := -log(r.Float64())
		if y+y >= x*x {
			return tailStart + float64(x)
		}
	}
}

// The conversions below round each product, see above.

// The natural logarithm of 2 in two parts; a small integer times the first is exact.
const (
	ln2High = 0x162e42feep-33
	ln2Low  = math.Ln2 - ln2High
)

// expMinus returns exp(-t) for t from 0 to 700, with a relative error of about 1e-16.
func expMinus(t float64) float64 {
	k := math.Floor(t/math.Ln2 + 0.5)
	r := -(t - float64(k*ln2High) - float64(k*ln2Low))
	// The series up to r^13/13!; |r| is at most 0.35.
	sum := 1.0
	for n := 13.0; n >= 1; n-- {
		sum = 1 + float64(sum*r)/n
	}
	return math.Ldexp(sum, -int(k))
}

// log returns the natural logarithm of x >= 0 by the formula and the polynomial of e_log.c in Sun's fdlibm, which are
// those of math on amd64: with x = (1+f) 2^k and s = f/(2+f), log(1+f) = f - f*f/2 + s (f*f/2 + R), where R is a
// polynomial of s*s. The error is less than one unit in the last place.
func log(x float64) float64 {
	if x == 0 {
		return math.Inf(-1)
	}
	polynomial := [...]float64{0, 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
		2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01}
	mantissa, exponent := math.Frexp(x)
	if mantissa < math.Sqrt2/2 {
		mantissa, exponent = 2*mantissa, exponent-1
	}
	f, k := mantissa-1, float64(exponent)
	s := f / (2 + f)
	s2 := float64(s * s)
	s4 := float64(s2 * s2)
	odd := polynomial[7]
	for i := 5; i >= 1; i -= 2 {
		odd = polynomial[i] + float64(s4*odd)
	}
	even := polynomial[6]
	for i := 4; i >= 2; i -= 2 {
		even = polynomial[i] + float64(s4*even)
	}
	rest := float64(s2*odd) + float64(s4*even)
	half := float64(0.5 * f * f)
	return float64(k*ln2High) - ((half - (float64(s*(half+rest)) + float64(k*ln2Low))) - f)
}
