// SPDX-License-Identifier: Apache-2.0

package canvas

import "math"

// A Point is a position on the canvas in CSS pixels, y pointing down.
type Point struct{ X, Y float64 }

// Pt returns the point (x, y).
func Pt(x, y float64) Point { return Point{x, y} }

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
	p  [3]Point
}

// A Path is a list of outlines, filled by the non-zero rule.
type Path []segment

func (p *Path) Move(a Point)        { *p = append(*p, segment{opMove, [3]Point{a}}) }
func (p *Path) Line(a Point)        { *p = append(*p, segment{opLine, [3]Point{a}}) }
func (p *Path) quad(a, b Point)     { *p = append(*p, segment{opQuad, [3]Point{a, b}}) }
func (p *Path) cubic(a, b, c Point) { *p = append(*p, segment{opCubic, [3]Point{a, b, c}}) }
func (p *Path) Close()              { *p = append(*p, segment{op: opClose}) }

// lines adds a line through the given points, closed to a polygon if closed is set.
func (p *Path) lines(points []Point, closed bool) {
	for i, a := range points {
		if i == 0 {
			p.Move(a)
		} else {
			p.Line(a)
		}
	}
	if closed && len(points) > 0 {
		p.Close()
	}
}

// Circle adds a circle, as four Bézier curves.
func (p *Path) Circle(c Point, r float64) {
	k := r * 4 / 3 * (math.Sqrt2 - 1)
	p.Move(Point{c.X + r, c.Y})
	p.cubic(Point{c.X + r, c.Y + k}, Point{c.X + k, c.Y + r}, Point{c.X, c.Y + r})
	p.cubic(Point{c.X - k, c.Y + r}, Point{c.X - r, c.Y + k}, Point{c.X - r, c.Y})
	p.cubic(Point{c.X - r, c.Y - k}, Point{c.X - k, c.Y - r}, Point{c.X, c.Y - r})
	p.cubic(Point{c.X + k, c.Y - r}, Point{c.X + r, c.Y - k}, Point{c.X + r, c.Y})
	p.Close()
}

// transform returns the path with every point mapped.
func (p Path) transform(f func(Point) Point) Path {
	out := make(Path, len(p))
	for i, s := range p {
		out[i].op = s.op
		for j := range s.op.points() {
			out[i].p[j] = f(s.p[j])
		}
	}
	return out
}

// points returns the number of points of a step.
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

// A Rect is an area on the canvas.
type Rect struct{ X, Y, W, H float64 }

// Area returns the rectangle with its upper left corner at (x, y), w wide and h high.
func Area(x, y, w, h float64) Rect { return Rect{x, y, w, h} }

func (r Rect) Right() float64  { return r.X + r.W }
func (r Rect) Bottom() float64 { return r.Y + r.H }

func (r Rect) Contains(p Point) bool {
	const slack = 1e-6
	return p.X >= r.X-slack && p.X <= r.Right()+slack && p.Y >= r.Y-slack && p.Y <= r.Bottom()+slack
}

// ClipLine returns the pieces of a polyline that lie inside r.
func (r Rect) ClipLine(points []Point) [][]Point {
	var pieces [][]Point
	var piece []Point
	for i := 1; i < len(points); i++ {
		a, b, ok := r.ClipSegment(points[i-1], points[i])
		if !ok {
			continue
		}
		if len(piece) == 0 || piece[len(piece)-1] != a {
			if len(piece) > 0 {
				pieces = append(pieces, piece)
			}
			piece = []Point{a}
		}
		piece = append(piece, b)
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// ClipSegment cuts a segment at the borders of r (Liang and Barsky's parameters).
func (r Rect) ClipSegment(a, b Point) (Point, Point, bool) {
	t0, t1 := 0.0, 1.0
	dx, dy := b.X-a.X, b.Y-a.Y
	for _, e := range [4][2]float64{{-dx, a.X - r.X}, {dx, r.Right() - a.X}, {-dy, a.Y - r.Y}, {dy, r.Bottom() - a.Y}} {
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
		from = Point{a.X + t0*dx, a.Y + t0*dy}
	}
	if t1 < 1 {
		to = Point{a.X + t1*dx, a.Y + t1*dy}
	}
	return from, to, true
}

// ClipPolygon cuts a polygon at the borders of r, one side after the other.
func (r Rect) ClipPolygon(points []Point) []Point {
	sides := [4]func(p Point) float64{ // positive inside
		func(p Point) float64 { return p.X - r.X },
		func(p Point) float64 { return r.Right() - p.X },
		func(p Point) float64 { return p.Y - r.Y },
		func(p Point) float64 { return r.Bottom() - p.Y },
	}
	for _, inside := range sides {
		var out []Point
		for i, b := range points {
			a := points[(i+len(points)-1)%len(points)]
			da, db := inside(a), inside(b)
			if (da >= 0) != (db >= 0) {
				t := da / (da - db)
				out = append(out, Point{a.X + t*(b.X-a.X), a.Y + t*(b.Y-a.Y)})
			}
			if db >= 0 {
				out = append(out, b)
			}
		}
		points = out
	}
	return points
}
