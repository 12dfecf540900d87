// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// goBfloat defines products of bfloat16 numbers. It packs as tiles want it.
var goBfloat = bfloatKernels{
	name: "go", rows: 32, unit: 32, width: 32, tiled: true,
	pairs: goBfloatPairs, lines: goBfloatLines, tiles: goBfloatTiles,
}

// goBfloatPairs makes word r of a column of steps 2r, in its lower half, and 2r+1.
func goBfloatPairs(hi, lo []uint32, src []float32, width int) {
	for r := range bfloatBlock / 2 {
		for j := range width {
			x, y := src[2*r*width+j], src[(2*r+1)*width+j]
			h, l := bfloatHalves(x, y)
			if hi[r*width+j] = h; len(lo) > 0 {
				lo[r*width+j] = l
			}
		}
	}
}

func goBfloatLines(hi, lo []uint32, src []float32) {
	for i := range hi {
		h, l := bfloatHalves(src[2*i], src[2*i+1])
		if hi[i] = h; len(lo) > 0 {
			lo[i] = l
		}
	}
}

// bfloatHalves returns a word of x and y rounded to bfloat16, and one of what remains.
func bfloatHalves(x, y float32) (hi, lo uint32) {
	h, g := bfloat(x), bfloat(y)
	l, k := bfloat(x-math.Float32frombits(h)), bfloat(y-math.Float32frombits(g))
	return g | h>>16, k | l>>16
}

// bfloat rounds x to bfloat16, as the bits of a float32: to even in a tie, to zero below 2^-126.
func bfloat(x float32) uint32 {
	b := math.Float32bits(x)
	switch {
	case x != x:
		return (b | 0x400000) &^ 0xffff // quiet
	case b&^signBit < normalBits:
		return b & signBit
	}
	return (b + 0x7fff + b>>16&1) &^ 0xffff
}

const (
	signBit    = 1 << 31
	normalBits = 1 << 23 // of 2^-126
)

// goBfloatTiles multiplies panels of 32 rows of A.
func goBfloatTiles(blocks, parts int, a, b []uint32, c []float32, ldc, rows, cols int, acc bool) {
	const size = bfloatBlock * bfloatBlock / 2
	for i := 0; i < rows; i += bfloatBlock {
		for r := range min(bfloatBlock, rows-i) {
			row := c[(i+r)*ldc:][:cols]
			if !acc {
				clear(row)
			}
			for q := 0; q < blocks*parts; q += parts {
				x, y := a[q*size+r*bfloatBlock/2:], b[q*size:]
				goBfloatDots(row, x, y)
				if parts == 2 {
					goBfloatDots(row, x, y[size:])
					goBfloatDots(row, x[size:], y[size:])
				}
			}
		}
		a = a[blocks*parts*size:]
	}
}

// goBfloatDots is TDPBF16PS for a row of C, at most 32 columns.
func goBfloatDots(c []float32, a, b []uint32) {
	var even, odd [bfloatCols]float32
	for r, w := range a[:bfloatBlock/2] {
		x, y := math.Float32frombits(w<<16), math.Float32frombits(w&^0xffff)
		for j, v := range b[r*bfloatCols:][:len(c)] {
			even[j] = bfloatMulAdd(x, math.Float32frombits(v<<16), even[j])
			odd[j] = bfloatMulAdd(y, math.Float32frombits(v&^0xffff), odd[j])
		}
	}
	for j := range c {
		c[j] = flushed(flushed(c[j]) + flushed(even[j]+odd[j]))
	}
}

// bfloatMulAdd is x*y + s, rounded once, for bfloat16 factors. Their product is a float32, unless it is very small or
// large, so that the sum can be rounded as usual.
func bfloatMulAdd(x, y, s float32) float32 {
	const low, high = (127 - 100) << 23, (127 + 127) << 23 // 2^-100 and 2^127
	p := x * y
	if math.Float32bits(p)&^signBit-low < high-low {
		return s + p
	}
	return bfloatExtreme(x, y, s)
}

// bfloatExtreme is bfloatMulAdd for any product.
func bfloatExtreme(x, y, s float32) float32 {
	if x == 0 && y-y == 0 || y == 0 && x-x == 0 {
		return s + x*y
	}
	p, z := float64(x)*float64(y), float64(s)
	sum := p + z
	if math.IsInf(sum, 0) || sum != sum {
		return float32(sum)
	}
	// If the sum is not exact, it is rounded to odd, so that the rounding to float32 that follows is the correct one.
	rest := sum - p
	rest = (p - (sum - rest)) + (z - rest)
	if bits := math.Float64bits(sum); rest != 0 && bits&1 == 0 {
		if (rest > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	// A result is small if it is after a rounding to 24 bits with any exponent.
	if math.Abs(float64(float32(sum*0x1p64))) < 0x1p-62 {
		return float32(math.Copysign(0, sum))
	}
	return float32(sum)
}

// flushed returns x, or zero if x is smaller than any normal number.
func flushed(x float32) float32 {
	if b := math.Float32bits(x); b&^signBit < normalBits {
		return math.Float32frombits(b & signBit)
	}
	return x
}
