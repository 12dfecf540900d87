// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"image"
)

// A backend paints paths, text and images in CSS pixels.
type backend interface {
	fill(p path, c Color)
	stroke(p path, c Color, width float64, dash []float64)
	// text writes one line with its baseline starting at p, turned anticlockwise by angle (radians).
	text(p point, s string, size float64, isBold bool, angle float64, c Color)
	// image paints img over r; its pixels stay sharp squares.
	image(r rect, img *image.NRGBA)
}

// paintCard paints the opaque background, then the drawing.
func paintCard(w, h float64, paint func(c *Canvas), out backend) {
	c := &Canvas{out: out, Width: w, Height: h}
	c.Box(0, 0, w, h, "", Style{Fill: Paper, Stroke: Paper, Width: -1})
	paint(c)
}
