// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"image/color"
	"math"
)

// A Color is a colour with opacity. In a Style, the zero value means the default of the theme.
type Color = color.NRGBA

// The theme's colours, apart from those of classes and scales.
var (
	Paper = RGB(0xffffff) // background
	Ink   = RGB(0x1f2328) // text and outlines
	Muted = RGB(0x57606a) // tick labels and notes
	Faint = RGB(0xd0d7de) // grid lines and inactive elements
)

// RGB returns the opaque colour 0xrrggbb.
func RGB(v uint32) Color { return Color{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255} }

// OnColor returns the text colour that contrasts with a background (relative luminance as in WCAG 2).
func OnColor(c Color) Color {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	switch l := 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B); {
	case l > 0.5:
		return Ink
	case l > 0.179: // black and white have equal contrast at this luminance
		return RGB(0x000000)
	}
	return Paper
}
