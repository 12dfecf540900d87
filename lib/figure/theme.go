// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// classColors are seven colours of Okabe and Ito (without their yellow, which is too pale for lines) and three of Tol,
// ordered so that the first few differ most.
var classColors = [10]Color{
	canvas.RGB(0x0072b2), // blue
	canvas.RGB(0xd55e00), // vermilion
	canvas.RGB(0x009e73), // bluish green
	canvas.RGB(0xcc79a7), // reddish purple
	canvas.RGB(0xe69f00), // orange
	canvas.RGB(0x56b4e9), // sky blue
	canvas.RGB(0x222222), // near black
	canvas.RGB(0x882255), // wine
	canvas.RGB(0x999933), // olive
	canvas.RGB(0x332288), // indigo
}

// ClassColor returns the colour of class or series i. There are ten, each with its own marker shape; then they repeat.
func ClassColor(i int) Color { return classColors[i%len(classColors)] }

// alpha returns c with another opacity, from 0 to 1.
func alpha(c Color, a float64) Color {
	c.A = uint8(math.Round(255 * a))
	return c
}

// A ColorMap maps numbers to colours.
type ColorMap int

const (
	DefaultMap ColorMap = iota // the default of the helper, given in its documentation
	Viridis                    // dark blue to yellow, with even steps of lightness
	Diverging                  // blue below zero, white at zero, red above; the range is symmetric
	Gray                       // black to white, for photographs
	InkMap                     // white to dark blue, for amounts
)

var colorStops = map[ColorMap][]Color{
	Viridis: stops(0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c, 0x22a884, 0x44bf70, 0x7ad151, 0xbddf26,
		0xfde725),
	Diverging: stops(0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xffffff,
		0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f),
	Gray:   stops(0x000000, 0xffffff),
	InkMap: stops(0xffffff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b),
}

func stops(values ...uint32) []Color {
	out := make([]Color, len(values))
	for i, v := range values {
		out[i] = canvas.RGB(v)
	}
	return out
}

// At returns the colour at t, from 0 to 1. Values outside get the end colours, NaN a light grey.
func (m ColorMap) At(t float64) Color {
	if math.IsNaN(t) {
		return Faint
	}
	s := colorStops[m]
	t = min(max(t, 0), 1) * float64(len(s)-1)
	i := min(int(t), len(s)-2)
	a, b, f := s[i], s[i+1], t-float64(i)
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + f*(float64(y)-float64(x)))) }
	return Color{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

// or returns m, or the given map for DefaultMap.
func (m ColorMap) or(other ColorMap) ColorMap {
	if m == DefaultMap {
		return other
	}
	return m
}

// A markerShape is a polygon in a square from -1 to 1; nil means a circle.
type markerShape [][2]float64

// markers has one shape per class colour, all of about the same area.
var markers = [10]markerShape{
	nil,
	{{-0.88, -0.88}, {0.88, -0.88}, {0.88, 0.88}, {-0.88, 0.88}}, // square
	{{0, -1.25}, {1.15, 0.85}, {-1.15, 0.85}},                    // triangle up
	{{0, -1.3}, {1.15, 0}, {0, 1.3}, {-1.15, 0}},                 // diamond
	{{0, 1.25}, {-1.15, -0.85}, {1.15, -0.85}},                   // triangle down
	plus(0), // plus
	{{-1.25, 0}, {0.85, -1.15}, {0.85, 1.15}},                                     // triangle left
	plus(math.Pi / 4),                                                             // cross
	{{1.25, 0}, {-0.85, 1.15}, {-0.85, -1.15}},                                    // triangle right
	{{0, -1.2}, {1.04, -0.6}, {1.04, 0.6}, {0, 1.2}, {-1.04, 0.6}, {-1.04, -0.6}}, // hexagon
}

func plus(turn float64) markerShape {
	const a, b = 0.42, 1.25
	s := markerShape{{a, -b}, {a, -a}, {b, -a}, {b, a}, {a, a}, {a, b}, {-a, b}, {-a, a}, {-b, a}, {-b, -a}, {-a, -a},
		{-a, -b}}
	sin, cos := math.Sincos(turn)
	for i, p := range s {
		s[i] = [2]float64{p[0]*cos - p[1]*sin, p[0]*sin + p[1]*cos}
	}
	return s
}

// addMarker adds the marker of class i, of radius r, to a path.
func addMarker(p *canvas.Path, i int, at canvas.Point, r float64) {
	shape := markers[i%len(markers)]
	if shape == nil {
		p.Circle(at, r)
		return
	}
	for j, q := range shape {
		q := canvas.Pt(at.X+r*q[0], at.Y+r*q[1])
		if j == 0 {
			p.Move(q)
		} else {
			p.Line(q)
		}
	}
	p.Close()
}
