// SPDX-License-Identifier: Apache-2.0

package canvas

import "image"

// A Backend paints paths, text and images in CSS pixels.
type Backend interface {
	Fill(p Path, c Color)
	Stroke(p Path, c Color, width float64, dash []float64)
	// Text writes one line with its baseline starting at p, rotated anticlockwise by angle (radians).
	Text(p Point, s string, size float64, isBold bool, angle float64, c Color)
	// Image paints img over r, with sharp pixels.
	Image(r Rect, img *image.NRGBA)
}

// New returns a canvas that paints on a backend.
func New(out Backend, width, height float64) *Canvas {
	return &Canvas{out: out, Width: width, Height: height}
}

// paintCard paints the opaque background, then the drawing.
func paintCard(w, h float64, paint func(c *Canvas), out Backend) {
	c := New(out, w, h)
	c.Box(0, 0, w, h, "", Style{Fill: Paper, Stroke: Paper, Width: -1})
	paint(c)
}
