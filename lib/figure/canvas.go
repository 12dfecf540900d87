// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"image"
	"math"
)

// A Canvas is what [Draw] hands to its painter: boxes, circles, lines, arrows and text in the theme's look.
// Positions are CSS pixels from the top left corner, y pointing down.
type Canvas struct {
	Width, Height float64

	out  backend
	x, y float64 // where its corner is on the card
}

// A Style says how something is drawn. The zero value is a thin dark outline without filling, and dark text.
type Style struct {
	Fill   Color   // inside; default: none
	Stroke Color   // outline or line; default: Ink
	Width  float64 // of the outline; default: 1.5, a negative width draws none
	Dashed bool
	Text   Color   // default: what contrasts with Fill
	Size   float64 // of the text; default: 13
	Bold   bool
	Align  Align
	Round  float64 // radius of a box's corners
}

// Align says which part of a text lies at its x.
type Align int

const (
	Center Align = iota
	Left
	Right
)

var dashes = []float64{5, 4}

func (s Style) dash() []float64 {
	if s.Dashed {
		return dashes
	}
	return nil
}

func (s Style) withDefaults() Style {
	if s.Stroke.A == 0 {
		s.Stroke = Ink
	}
	if s.Width == 0 {
		s.Width = 1.5
	}
	if s.Size == 0 {
		s.Size = labelSize
	}
	if s.Text.A == 0 {
		s.Text = Ink
		if s.Fill.A > 128 {
			s.Text = onColor(s.Fill)
		}
	}
	return s
}

// at moves a point from the canvas to the card.
func (c *Canvas) at(x, y float64) point { return point{c.x + x, c.y + y} }

// part returns the canvas of an area.
func (c *Canvas) part(x, y, w, h float64) *Canvas {
	return &Canvas{Width: w, Height: h, out: c.out, x: c.x + x, y: c.y + y}
}

func (c *Canvas) shape(p path, s Style) {
	if s.Fill.A > 0 {
		c.out.fill(p, s.Fill)
	}
	if s.Width > 0 {
		c.out.stroke(p, s.Stroke, s.Width, s.dash())
	}
}

// Box draws a rectangle with a label in its middle; "" draws none. Long labels wrap.
func (c *Canvas) Box(x, y, w, h float64, label string, s Style) {
	s = s.withDefaults()
	var p path
	a := c.at(x, y)
	if r := min(s.Round, w/2, h/2); r > 0 {
		p = roundBox(rect{a.x, a.y, w, h}, r)
	} else {
		p.lines([]point{a, {a.x + w, a.y}, {a.x + w, a.y + h}, {a.x, a.y + h}}, true)
	}
	c.shape(p, s)
	c.label(x+w/2, y+h/2, w-6, label, s)
}

func roundBox(b rect, r float64) path {
	k := r * (1 - 4.0/3*(math.Sqrt2-1)) // distance of the control points from the corner
	var p path
	p.move(point{b.x + r, b.y})
	p.line(point{b.right() - r, b.y})
	p.cubic(point{b.right() - k, b.y}, point{b.right(), b.y + k}, point{b.right(), b.y + r})
	p.line(point{b.right(), b.bottom() - r})
	p.cubic(point{b.right(), b.bottom() - k}, point{b.right() - k, b.bottom()}, point{b.right() - r, b.bottom()})
	p.line(point{b.x + r, b.bottom()})
	p.cubic(point{b.x + k, b.bottom()}, point{b.x, b.bottom() - k}, point{b.x, b.bottom() - r})
	p.line(point{b.x, b.y + r})
	p.cubic(point{b.x, b.y + k}, point{b.x + k, b.y}, point{b.x + r, b.y})
	p.close()
	return p
}

// Circle draws a circle with a label in its middle; "" draws none.
func (c *Canvas) Circle(x, y, r float64, label string, s Style) {
	s = s.withDefaults()
	var p path
	p.circle(c.at(x, y), r)
	c.shape(p, s)
	c.label(x, y, 2*r-4, label, s)
}

// label writes text around the middle of a shape.
func (c *Canvas) label(x, y, width float64, text string, s Style) {
	if text == "" {
		return
	}
	s.Align = Center
	lines := wrap(text, s.Size, s.Bold, width)
	for i, line := range lines {
		c.Text(x, y+(float64(i)-float64(len(lines)-1)/2)*lineSpacing*s.Size, line, s)
	}
}

// Text writes one line of text whose middle height is at y; Style.Align says which part of it is at x.
func (c *Canvas) Text(x, y float64, text string, s Style) { c.turned(x, y, text, 0, s) }

// turned writes text turned anticlockwise by angle around (x, y).
func (c *Canvas) turned(x, y float64, text string, angle float64, s Style) {
	if text == "" {
		return
	}
	s = s.withDefaults()
	along := 0.0 // from (x, y) to the start of the baseline
	switch s.Align {
	case Center:
		along = -textWidth(text, s.Size, s.Bold) / 2
	case Right:
		along = -textWidth(text, s.Size, s.Bold)
	}
	below := s.Size * capHeight / 2
	sin, cos := math.Sincos(angle)
	p := c.at(x, y)
	c.out.text(point{p.x + along*cos + below*sin, p.y - along*sin + below*cos}, text, s.Size, s.Bold, angle, s.Text)
}

// Line draws a straight line.
func (c *Canvas) Line(x0, y0, x1, y1 float64, s Style) {
	s = s.withDefaults()
	var p path
	p.lines([]point{c.at(x0, y0), c.at(x1, y1)}, false)
	c.out.stroke(p, s.Stroke, s.Width, s.dash())
}

// Arrow draws a straight line with a head at its end.
func (c *Canvas) Arrow(x0, y0, x1, y1 float64, s Style) {
	s = s.withDefaults()
	dx, dy := x1-x0, y1-y0
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	dx, dy = dx/length, dy/length
	head := min(4+2.5*s.Width, length)
	c.Line(x0, y0, x1-0.8*head*dx, y1-0.8*head*dy, s)
	var p path
	bx, by := x1-head*dx, y1-head*dy
	p.lines([]point{c.at(x1, y1), c.at(bx-0.45*head*dy, by+0.45*head*dx), c.at(bx+0.45*head*dy, by-0.45*head*dx)}, true)
	c.out.fill(p, s.Stroke)
}

// Polygon draws a closed shape through the given corners.
func (c *Canvas) Polygon(corners [][2]float64, s Style) {
	s = s.withDefaults()
	points := make([]point, len(corners))
	for i, q := range corners {
		points[i] = c.at(q[0], q[1])
	}
	var p path
	p.lines(points, true)
	c.shape(p, s)
}

// image paints an image whose pixels stay sharp.
func (c *Canvas) image(r rect, img *image.NRGBA) {
	c.out.image(rect{c.x + r.x, c.y + r.y, r.w, r.h}, img)
}
