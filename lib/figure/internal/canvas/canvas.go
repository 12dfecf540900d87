// SPDX-License-Identifier: Apache-2.0

// Package canvas draws boxes, paths, text and images in CSS pixels, and writes drawings as SVG, PNG or PDF. Package
// figure builds plots on it.
package canvas

import (
	"image"
	"math"
)

// A Canvas draws boxes, circles, lines, arrows and text in the theme's style. Positions are CSS pixels from the top
// left corner, y pointing down.
type Canvas struct {
	Width, Height float64

	out  Backend
	x, y float64 // its corner on the card
}

// A Style is the look of a shape or a text. The zero value is a thin dark outline without fill, and dark text.
type Style struct {
	Fill   Color   // inside of a shape; default: none
	Stroke Color   // outline or line; default: Ink
	Width  float64 // of the outline; default 1.5; a negative width draws none
	Dashed bool
	Text   Color   // default: contrasts with Fill
	Size   float64 // of the text; default 13
	Bold   bool
	Align  Align
	Round  float64 // radius of a box's corners
}

// Align is the part of a text that is at its x.
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
		s.Size = LabelSize
	}
	if s.Text.A == 0 {
		s.Text = Ink
		if s.Fill.A > 128 {
			s.Text = OnColor(s.Fill)
		}
	}
	return s
}

// At converts a point from the canvas to the card.
func (c *Canvas) At(x, y float64) Point { return Point{c.x + x, c.y + y} }

// Part returns the canvas of an area.
func (c *Canvas) Part(x, y, w, h float64) *Canvas {
	return &Canvas{Width: w, Height: h, out: c.out, x: c.x + x, y: c.y + y}
}

func (c *Canvas) shape(p Path, s Style) {
	if s.Fill.A > 0 {
		c.out.Fill(p, s.Fill)
	}
	if s.Width > 0 {
		c.out.Stroke(p, s.Stroke, s.Width, s.dash())
	}
}

// FillArea paints the inside of a path.
func (c *Canvas) FillArea(p Path, color Color) { c.out.Fill(p, color) }

// Trace draws a path with the stroke, width and dashes of a style.
func (c *Canvas) Trace(p Path, s Style) { c.out.Stroke(p, s.Stroke, s.Width, s.dash()) }

// Box draws a rectangle with a label in its middle, unless the label is empty. Long labels wrap.
func (c *Canvas) Box(x, y, w, h float64, label string, s Style) {
	s = s.withDefaults()
	var p Path
	a := c.At(x, y)
	if r := min(s.Round, w/2, h/2); r > 0 {
		p = roundBox(Rect{a.X, a.Y, w, h}, r)
	} else {
		p.lines([]Point{a, {a.X + w, a.Y}, {a.X + w, a.Y + h}, {a.X, a.Y + h}}, true)
	}
	c.shape(p, s)
	c.label(x+w/2, y+h/2, w-6, label, s)
}

func roundBox(b Rect, r float64) Path {
	k := r * (1 - 4.0/3*(math.Sqrt2-1)) // distance of the control points from the corner
	var p Path
	p.Move(Point{b.X + r, b.Y})
	p.Line(Point{b.Right() - r, b.Y})
	p.cubic(Point{b.Right() - k, b.Y}, Point{b.Right(), b.Y + k}, Point{b.Right(), b.Y + r})
	p.Line(Point{b.Right(), b.Bottom() - r})
	p.cubic(Point{b.Right(), b.Bottom() - k}, Point{b.Right() - k, b.Bottom()}, Point{b.Right() - r, b.Bottom()})
	p.Line(Point{b.X + r, b.Bottom()})
	p.cubic(Point{b.X + k, b.Bottom()}, Point{b.X, b.Bottom() - k}, Point{b.X, b.Bottom() - r})
	p.Line(Point{b.X, b.Y + r})
	p.cubic(Point{b.X, b.Y + k}, Point{b.X + k, b.Y}, Point{b.X + r, b.Y})
	p.Close()
	return p
}

// Circle draws a circle with a label in its middle, unless the label is empty.
func (c *Canvas) Circle(x, y, r float64, label string, s Style) {
	s = s.withDefaults()
	var p Path
	p.Circle(c.At(x, y), r)
	c.shape(p, s)
	c.label(x, y, 2*r-4, label, s)
}

// label writes text around the middle of a shape.
func (c *Canvas) label(x, y, width float64, text string, s Style) {
	if text == "" {
		return
	}
	s.Align = Center
	lines := Wrap(text, s.Size, s.Bold, width)
	for i, line := range lines {
		c.Text(x, y+(float64(i)-float64(len(lines)-1)/2)*LineSpacing*s.Size, line, s)
	}
}

// Text writes one line of text, vertically centred at y; Style.Align determines which part of it is at x.
func (c *Canvas) Text(x, y float64, text string, s Style) { c.Turned(x, y, text, 0, s) }

// Turned writes text rotated anticlockwise by angle around (x, y).
func (c *Canvas) Turned(x, y float64, text string, angle float64, s Style) {
	if text == "" {
		return
	}
	s = s.withDefaults()
	along := 0.0 // from (x, y) to the start of the baseline
	switch s.Align {
	case Center:
		along = -TextWidth(text, s.Size, s.Bold) / 2
	case Right:
		along = -TextWidth(text, s.Size, s.Bold)
	}
	below := s.Size * CapHeight / 2
	sin, cos := math.Sincos(angle)
	p := c.At(x, y)
	c.out.Text(Point{p.X + along*cos + below*sin, p.Y - along*sin + below*cos}, text, s.Size, s.Bold, angle, s.Text)
}

// Line draws a straight line.
func (c *Canvas) Line(x0, y0, x1, y1 float64, s Style) {
	s = s.withDefaults()
	var p Path
	p.lines([]Point{c.At(x0, y0), c.At(x1, y1)}, false)
	c.out.Stroke(p, s.Stroke, s.Width, s.dash())
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
	var p Path
	bx, by := x1-head*dx, y1-head*dy
	p.lines([]Point{c.At(x1, y1), c.At(bx-0.45*head*dy, by+0.45*head*dx), c.At(bx+0.45*head*dy, by-0.45*head*dx)}, true)
	c.out.Fill(p, s.Stroke)
}

// Polygon draws a closed shape through the given corners.
func (c *Canvas) Polygon(corners [][2]float64, s Style) {
	s = s.withDefaults()
	points := make([]Point, len(corners))
	for i, q := range corners {
		points[i] = c.At(q[0], q[1])
	}
	var p Path
	p.lines(points, true)
	c.shape(p, s)
}

// Image paints an image with sharp pixels.
func (c *Canvas) Image(r Rect, img *image.NRGBA) {
	c.out.Image(Rect{c.x + r.X, c.y + r.Y, r.W, r.H}, img)
}
