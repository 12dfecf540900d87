// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"math"
	"slices"
)

// Throughout this package, products are converted to float64 before they are added. The conversion forbids the compiler
// to fuse the two operations into one with a single rounding, which it does on some processors and which would change
// the images there. (Products by a power of two are exact and need no conversion.)

// lerp returns the point a fraction t of the way from a to b.
func lerp(a, b point, t float64) point {
	return point{a.x + float64(t*(b.x-a.x)), a.y + float64(t*(b.y-a.y))}
}

// longest is the length of the pieces into which straight lines are cut, so that they can bend.
const longest = 0.08

// line adds points from a (not added) to b.
func line(a, b point, add func(point)) {
	n := int(max(math.Abs(b.x-a.x), math.Abs(b.y-a.y))/longest) + 1
	for i := 1; i <= n; i++ {
		add(lerp(a, b, float64(i)/float64(n)))
	}
}

// curve adds points from a (not added) to d along the cubic Bezier curve with control points b and c.
func curve(a, b, c, d point, add func(point)) {
	const steps = 5
	for i := 1; i <= steps; i++ {
		t := float64(i) / steps
		ab, bc, cd := lerp(a, b, t), lerp(b, c, t), lerp(c, d, t)
		add(lerp(lerp(ab, bc, t), lerp(bc, cd, t), t))
	}
}

// orient removes repeated points, orients the outer contours to positive area, and measures the strokes.
func (o *outline) orient() {
	for i, c := range o.contours {
		c = slices.Compact(c)
		if len(c) > 1 && c[0] == c[len(c)-1] {
			c = c[1:]
		}
		o.contours[i] = c
	}
	var length float64
	for _, c := range o.contours {
		prev := c[len(c)-1]
		for _, p := range c {
			length += norm(p.x-prev.x, p.y-prev.y)
			prev = p
		}
	}
	area, _ := centroid(o.contours)
	if area < 0 {
		for _, c := range o.contours {
			slices.Reverse(c)
		}
	}
	o.stroke = 2 * math.Abs(area) / length
}

func norm(x, y float64) float64 { return math.Sqrt(float64(x*x) + float64(y*y)) }

// centroid returns the signed area of the contours and their centre of mass.
func centroid(contours [][]point) (area float64, centre point) {
	for _, c := range contours {
		prev := c[len(c)-1]
		for _, p := range c {
			cross := float64(prev.x*p.y) - float64(p.x*prev.y)
			area += cross
			centre.x += float64(cross * (prev.x + p.x))
			centre.y += float64(cross * (prev.y + p.y))
			prev = p
		}
	}
	centre.x /= float64(3 * area)
	centre.y /= float64(3 * area)
	return area / 2, centre
}

// thicken moves every edge outwards by d (inwards if d is negative) and writes the result to dst. A corner moves along
// the mean of the normals of its two edges.
func thicken(dst, c []point, d float64) {
	prev := c[len(c)-1]
	for i, p := range c {
		next := c[(i+1)%len(c)]
		ax, ay := p.x-prev.x, p.y-prev.y
		bx, by := next.x-p.x, next.y-p.y
		la, lb := norm(ax, ay), norm(bx, by)
		prev = p
		dst[i] = p
		if la == 0 || lb == 0 {
			continue
		}
		nx, ny := ay/la+by/lb, -ax/la-bx/lb
		if l := norm(nx, ny); l > 0.2 {
			dst[i] = point{p.x + float64(d*nx)/l, p.y + float64(d*ny)/l}
		}
	}
}
