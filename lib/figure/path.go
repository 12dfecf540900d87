// SPDX-License-Identifier: Apache-2.0

package figure

import "math"

// A point is a place on the canvas in CSS pixels, y pointing down.
type point struct{ x, y float64 }

type pathOp byte

const (
	opMove  pathOp = iota // p[0]
	opLine                // p[0]
	opQuad                // control p[0], end p[1]
	opCubic               // controls p[0] and p[1], end p[2]
	opClose
)

// A segment is one step of a path.
type segment struct {
	op pathOp
	p  [3]point
}

// A path is a list of outlines, filled by the non-zero rule.
type path []segment

func (p *path) move(a point)        { *p = append(*p, segment{opMove, [3]point{a}}) }
func (p *path) line(a point)        { *p = append(*p, segment{opLine, [3]point{a}}) }
func (p *path) quad(a, b point)     { *p = append(*p, segment{opQuad, [3]point{a, b}}) }
func (p *path) cubic(a, b, c point) { *p = append(*p, segment{opCubic, [3]point{a, b, c}}) }
func (p *path) close()              { *p = append(*p, segment{op: opClose}) }

// lines adds a line through the given points, closed to a polygon if wanted.
func (p *path) lines(points []point, closed bool) {
	for i, a := range points {
		if i == 0 {
			p.move(a)
		} else {
			p.line(a)
		}
	}
	if closed && len(points) > 0 {
		p.close()
	}
}

// circle adds a circle, as four Bézier curves.
func (p *path) circle(c point, r float64) {
	k := r * 4 / 3 * (math.Sqrt2 - 1)
	p.move(point{c.x + r, c.y})
	p.cubic(point{c.x + r, c.y + k}, point{c.x + k, c.y + r}, point{c.x, c.y + r})
	p.cubic(point{c.x - k, c.y + r}, point{c.x - r, c.y + k}, point{c.x - r, c.y})
	p.cubic(point{c.x - r, c.y - k}, point{c.x - k, c.y - r}, point{c.x, c.y - r})
	p.cubic(point{c.x + k, c.y - r}, point{c.x + r, c.y - k}, point{c.x + r, c.y})
	p.close()
}

// transform returns the path with every point mapped.
func (p path) transform(f func(point) point) path {
	out := make(path, len(p))
	for i, s := range p {
		out[i].op = s.op
		for j := range s.op.points() {
			out[i].p[j] = f(s.p[j])
		}
	}
	return out
}

// points returns how many points a step has.
func (op pathOp) points() int {
	switch op {
	case opQuad:
		return 2
	case opCubic:
		return 3
	case opClose:
		return 0
	}
	return 1
}

// A rect is an area on the canvas.
type rect struct{ x, y, w, h float64 }

func (r rect) right() float64  { return r.x + r.w }
func (r rect) bottom() float64 { return r.y + r.h }

func (r rect) contains(p point) bool {
	const slack = 1e-6
	return p.x >= r.x-slack && p.x <= r.right()+slack && p.y >= r.y-slack && p.y <= r.bottom()+slack
}

// clipLine returns the pieces of a polyline that lie inside r.
func (r rect) clipLine(points []point) [][]point {
	var pieces [][]point
	var piece []point
	for i := 1; i < len(points); i++ {
		a, b, ok := r.clipSegment(points[i-1], points[i])
		if !ok {
			continue
		}
		if len(piece) == 0 || piece[len(piece)-1] != a {
			if len(piece) > 0 {
				pieces = append(pieces, piece)
			}
			piece = []point{a}
		}
		piece = append(piece, b)
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// clipSegment cuts a segment at the borders of r (Liang and Barsky's parameters).
func (r rect) clipSegment(a, b point) (point, point, bool) {
	t0, t1 := 0.0, 1.0
	dx, dy := b.x-a.x, b.y-a.y
	for _, e := range [4][2]float64{{-dx, a.x - r.x}, {dx, r.right() - a.x}, {-dy, a.y - r.y}, {dy, r.bottom() - a.y}} {
		p, q := e[0], e[1]
		switch {
		case p == 0 && q < 0:
			return a, b, false
		case p < 0:
			t0 = math.Max(t0, q/p)
		case p > 0:
			t1 = math.Min(t1, q/p)
		}
	}
	if t0 > t1 {
		return a, b, false
	}
	from, to := a, b
	if t0 > 0 {
		from = point{a.x + t0*dx, a.y + t0*dy}
	}
	if t1 < 1 {
		to = point{a.x + t1*dx, a.y + t1*dy}
	}
	return from, to, true
}

// clipPolygon cuts a polygon at the borders of r, one side after the other.
func (r rect) clipPolygon(points []point) []point {
	sides := [4]func(p point) float64{ // positive inside
		func(p point) float64 { return p.x - r.x },
		func(p point) float64 { return r.right() - p.x },
		func(p point) float64 { return p.y - r.y },
		func(p point) float64 { return r.bottom() - p.y },
	}
	for _, inside := range sides {
		var out []point
		for i, b := range points {
			a := points[(i+len(points)-1)%len(points)]
			da, db := inside(a), inside(b)
			if (da >= 0) != (db >= 0) {
				t := da / (da - db)
				out = append(out, point{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)})
			}
			if db >= 0 {
				out = append(out, b)
			}
		}
		points = out
	}
	return points
}
