// SPDX-License-Identifier: Apache-2.0

package figure

import "github.com/lateral-ml/lateral/lib/figure/internal/canvas"

// What the painter of Draw works with.
type (
	Canvas = canvas.Canvas
	Style  = canvas.Style
	Align  = canvas.Align
	Color  = canvas.Color
)

// Which part of a text lies at its x.
const (
	Center = canvas.Center
	Left   = canvas.Left
	Right  = canvas.Right
)

// The theme's colours beside those of classes and scales.
var (
	Paper = canvas.Paper // the card
	Ink   = canvas.Ink   // text and outlines
	Muted = canvas.Muted // tick labels and notes
	Faint = canvas.Faint // grid lines and inactive things
)

// Draw returns a figure of the given size that is drawn by hand, for schematics. The function is called each time
// the figure is written and must draw the same each time; alt says in words what it shows.
func Draw(width, height float64, alt string, paint func(c *Canvas)) *Figure {
	if width <= 0 || height <= 0 {
		panic("figure: Draw: width and height must be positive")
	}
	if alt == "" {
		panic("figure: Draw: a drawing needs an alt text, which says in words what it shows")
	}
	return &Figure{
		Alt: alt, kind: "drawing", width: width,
		plan: func(p slot) drawing {
			if p.mark == "" {
				return drawing{w: width, h: height, paint: paint}
			}
			top := titleTop([]string{p.mark})
			return drawing{w: width, h: top + height, paint: func(c *Canvas) {
				paintTitle(c, []string{p.mark})
				paint(c.Part(0, top, width, height))
			}}
		},
	}
}
