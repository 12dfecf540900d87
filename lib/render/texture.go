// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"math"
)

// A Texture is a pattern of grey in space, from which a surface looks carved.
type Texture struct {
	Kind  int     // 0 to [Textures]-1
	Dark  float64 // smallest share of light that is reflected, in [0, 1]
	Light float64 // largest share
	Scale float64 // repetitions per unit of length, about 1 to 4
	Turn  Rotation
	Seed  uint32 // of the noise
}

// Textures is the number of kinds of textures.
const Textures = 15

var textureNames = [Textures]string{
	"plain", "clouds", "marble", "wood", "checks", "stripes", "dots", "bricks", "cells", "grain", "rings", "waves",
	"blotches", "cracks", "weave",
}

// String returns the name of the kind.
func (t *Texture) String() string { return textureNames[t.Kind] }

func (t *Texture) check() {
	if t.Kind < 0 || t.Kind >= Textures {
		panic(fmt.Sprintf("render: texture %d of %d", t.Kind, Textures))
	}
}

// at returns the share of light that the point p of an object reflects.
func (t *Texture) at(p Vec) float64 {
	if t.Kind == 0 {
		return (t.Dark + t.Light) / 2
	}
	return t.Dark + (t.Light-t.Dark)*t.pattern(t.Turn.Of(p).Scale(t.Scale))
}

// pattern returns a number in [0, 1].
func (t *Texture) pattern(p Vec) float64 {
	switch textureNames[t.Kind] {
	case "clouds":
		return step(0.25, 0.75, t.octaves(p.Scale(1.5)))
	case "marble":
		return 0.5 + 0.5*wave(p.X+1.2*t.octaves(p))
	case "wood":
		return fract(2*math.Hypot(p.X, p.Y) + 0.4*t.noise(p.Scale(1.5)))
	case "checks":
		return float64((floor(1.5*p.X+0.01) + floor(1.5*p.Y+0.01) + floor(1.5*p.Z+0.01)) & 1)
	case "stripes":
		return step(-0.2, 0.2, wave(1.2*p.X))
	case "dots":
		x, y, z := fract(1.5*p.X)-0.5, fract(1.5*p.Y)-0.5, fract(1.5*p.Z)-0.5
		return 1 - step(0.33, 0.4, math.Sqrt(x*x+y*y+z*z))
	case "bricks":
		row := floor(2.4 * p.Z)
		x, y, z := fract(1.2*p.X+0.5*float64(row&1)), fract(1.2*p.Y+0.5*float64(row&1)), fract(2.4*p.Z)
		return step(0, 0.12, min(x, y, z))
	case "cells":
		first, _ := t.nearest(p.Scale(2))
		return min(1, 1.1*first)
	case "grain":
		return t.noise(p.Scale(9))
	case "rings":
		return step(-0.3, 0.3, wave(1.3*p.Len()))
	case "waves":
		return 0.5 + 0.5*wave(1.2*p.Z+0.25*wave(0.9*p.X))
	case "blotches":
		return step(0.46, 0.54, t.octaves(p.Scale(1.8)))
	case "cracks":
		first, second := t.nearest(p.Scale(1.6))
		return step(0, 0.12, second-first)
	case "weave":
		return 0.5 + 0.25*(wave(1.6*p.X+0.5*float64(floor(3.2*p.Z)&1))+wave(1.6*p.Y))
	}
	return 0.5
}

// wave is a smooth periodic function of period 1 between -1 and 1, nearly a sine.
func wave(x float64) float64 {
	x = 2*fract(x) - 1
	return 4 * x * (1 - math.Abs(x))
}

// step rises smoothly from 0 at lo to 1 at hi.
func step(lo, hi, x float64) float64 {
	t := max(0, min(1, (x-lo)/(hi-lo)))
	return t * t * (3 - 2*t)
}

func floor(x float64) int {
	i := int(x)
	if float64(i) > x {
		i--
	}
	return i
}

func fract(x float64) float64 { return x - float64(floor(x)) }

// hash returns a random number for a point of the grid.
func (t *Texture) hash(x, y, z int) uint32 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ uint32(z)*0xcb1ab31f ^ t.Seed
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

// noise returns smooth noise in [0, 1]: random numbers at the points of a grid, interpolated.
func (t *Texture) noise(p Vec) float64 {
	x, y, z := floor(p.X), floor(p.Y), floor(p.Z)
	u, v, w := p.X-float64(x), p.Y-float64(y), p.Z-float64(z)
	u, v, w = u*u*(3-2*u), v*v*(3-2*v), w*w*(3-2*w)
	row := func(y, z int) float64 {
		a, b := float64(t.hash(x, y, z)), float64(t.hash(x+1, y, z))
		return a + u*(b-a)
	}
	a, b := row(y, z), row(y+1, z)
	c, d := row(y, z+1), row(y+1, z+1)
	a, c = a+v*(b-a), c+v*(d-c)
	return (a + w*(c-a)) / (1 << 32)
}

// octaves returns noise with details of two sizes, in [0, 1].
func (t *Texture) octaves(p Vec) float64 {
	return (2*t.noise(p) + t.noise(p.Scale(2.1).Add(Vec{7, 3, 5}))) / 3
}

// nearest returns the distances of p to the two nearest of random points, one per cell of a grid.
func (t *Texture) nearest(p Vec) (first, second float64) {
	x, y, z := floor(p.X-0.5), floor(p.Y-0.5), floor(p.Z-0.5) // of the eight cells around p
	first, second = 8, 8
	for i := range 8 {
		cx, cy, cz := x+i&1, y+i>>1&1, z+i>>2
		h := t.hash(cx, cy, cz)
		q := Vec{float64(cx) + 0.15 + float64(h&1023)*(0.7/1024), float64(cy) + 0.15 + float64(h>>10&1023)*(0.7/1024),
			float64(cz) + 0.15 + float64(h>>20&1023)*(0.7/1024)}.Sub(p)
		if d := q.Dot(q); d < first {
			first, second = d, first
		} else if d < second {
			second = d
		}
	}
	return math.Sqrt(first), math.Sqrt(second)
}
