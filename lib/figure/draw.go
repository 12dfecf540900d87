// SPDX-License-Identifier: Apache-2.0

package figure

import "github.com/lateral-ml/lateral/lib/figure/internal/canvas"

// Types for painters of Draw.
type (
	Canvas = canvas.Canvas
	Style  = canvas.Style
	Align  = canvas.Align
	Color  = canvas.Color
)

// The part of a text that is at its x.
const (
	Center = canvas.Center
	Left   = canvas.Left
	Right  = canvas.Right
)

// The theme's colours, apart from those of classes and scales.
var (
	Paper = canvas.Paper // background
	Ink   = canvas.Ink   // text and outlines
	Muted = canvas.Muted // tick labels and notes
	Faint = canvas.Faint // grid lines and inactive elements
)

// Draw returns a figure of the given size that paint draws by hand, for schematics. Draw calls paint each time the
// figure is written; it must draw the same each time. alt describes the drawing in words.
func Draw(width, height float64, alt string, paint func(c *Canvas)) *Figure {
	if width <= 0 || height <= 0 {
		panic("figure: Draw: width and height must be positive")
	}
	if alt == "" {
		panic("figure: Draw: a drawing needs an alt text, which describes it in words")
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
