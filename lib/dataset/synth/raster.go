// SPDX-License-Identifier: Apache-2.0

package synth

import "math"

// side is the width and the height of an image.
const side = 28

// A canvas collects the ink of closed polygons. In every row that it crosses, an edge adds the change of the covered
// area that it causes; the running sum along a row is then the exact coverage of each pixel.
type canvas [side][side + 2]float64

// fill adds a closed polygon, in pixels from the upper left corner.
func (v *canvas) fill(c []point) {
	prev := c[len(c)-1]
	for _, p := range c {
		v.edge(prev, p)
		prev = p
	}
}

// edge adds the edge from a to b. Parts outside the canvas are moved to its border.
func (v *canvas) edge(a, b point) {
	a, b = inside(a), inside(b)
	sign := 1.0
	if a.y > b.y {
		a, b, sign = b, a, -1
	}
	if a.y == b.y {
		return
	}
	slope := (b.x - a.x) / (b.y - a.y)
	x, y := a.x, a.y
	for row := int(a.y); y < b.y; row++ {
		bottom := min(float64(row+1), b.y)
		xb := b.x
		if bottom < b.y {
			xb = a.x + float64(slope*(bottom-a.y))
		}
		v.span(row, min(x, xb), max(x, xb), float64(sign*(bottom-y)))
		x, y = xb, bottom
	}
}

// span adds the part of an edge within one row: from x0 to x1, of signed height h.
func (v *canvas) span(row int, x0, x1, h float64) {
	first, last := int(x0), int(x1)
	cells := &v[row]
	if first == last {
		right := float64(h * (float64(first+1) - (x0+x1)/2)) // the area right of the edge within the pixel
		cells[first] += right
		cells[first+1] += h - right
		return
	}
	perPixel := h / (x1 - x0)
	var done float64
	for i := first; i <= last; i++ {
		from, to := max(x0, float64(i)), min(x1, float64(i+1))
		part := float64(perPixel * (to - from))
		right := float64(part * (float64(i+1) - (from+to)/2))
		cells[i] += right
		cells[i+1] += part - right
		done += part
	}
	cells[last+1] += h - done // rounding
}

func inside(p point) point {
	return point{min(max(p.x, 0), side), min(max(p.y, 0), side)}
}

// coverage replaces the changes by the coverage of each pixel, in [0, 1].
func (v *canvas) coverage() {
	for row := range v {
		var sum float64
		for i := range side {
			sum += v[row][i]
			v[row][i] = min(math.Abs(sum), 1)
		}
	}
}
