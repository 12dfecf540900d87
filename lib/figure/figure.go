// SPDX-License-Identifier: Apache-2.0

// Package figure draws the figures of the notebooks: learning curves, ranges over seeds, grids of images and weights,
// feature maps, kernels and reconstructions, heat maps, activity rasters, scatter plots of classes, histograms, bars,
// schematics, and tables.
//
// Every helper takes an [Axes] (or, for images, a [Tiles]) and plain data, and returns a [Figure] that can be written
// as SVG, PNG and PDF. Most kinds also have an interactive view of the same data, as an ECharts option.
//
//	f := figure.LearningCurves(figure.Axes{X: "epoch", Y: "error (%)"},
//		figure.Series{Name: "train", Y: train},
//		figure.Series{Name: "validation", Y: validation})
//	err := f.WritePNG(w)
//
// Lengths are CSS pixels, 96 to the inch; multiply millimetres by [MM]. Colours are safe for colour-blind readers, and
// a figure has an opaque white background, so that it is also readable on a dark page. The same data gives the same
// bytes of SVG and PNG (a PDF contains its date).
//
// The package does not use gonum/plot's axes, because their text is not wrapped or kept from overlapping and their tick
// labels do not fit small panels. It does use gonum/plot's canvases, which write the PNG and the PDF.
//
// Values that are NaN, infinite or beyond 1e100 are omitted: a curve has a gap there. On a logarithmic axis, values
// that are not positive are omitted, too. Data without a single value that can be drawn gives empty axes with a note. A
// missing axis label, data of unequal lengths and an empty list of series are a programmer's mistakes: they panic.
package figure

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// MM is one millimetre in CSS pixels: Axes{Width: 84 * MM} is as wide as a journal's column.
const MM = 96 / 25.4

// A Figure is a finished picture. The functions of this package make figures; Caption and Alt may be changed.
type Figure struct {
	Caption string // what to look for, in a sentence or two; shown under the figure
	Alt     string // the picture in words, for blind readers; generated from the data, may be replaced

	kind    string
	facts   []string               // the lines of Describe
	width   float64                // the requested width
	plan    func(s slot) drawing   // lays the figure out for a slot
	echarts func() ([]byte, error) // nil if there is no interactive view

	panels  []*Figure   // of joint figures
	samples int         // of ScatterClasses: the number of images for WithImages
	images  *imageSheet // see WithImages

	frame   *frame                // of a plot whose axes can be shared
	reframe func(f frame) *Figure // the same plot in another frame
}

// A slot is the space that a figure is laid out for.
type slot struct {
	width  float64
	height float64 // a plot without a fixed height grows to this height
	mark   string  // goes before the title, such as "(a)"
}

// A drawing is a layout: its size in CSS pixels and the function that paints it.
type drawing struct {
	w, h  float64
	paint func(c *Canvas)
	photo bool // holds colour images, which a palette would degrade
}

// WithCaption returns a copy of the figure with the given caption.
func (f *Figure) WithCaption(caption string) *Figure {
	g := *f
	g.Caption = caption
	return &g
}

// Size returns the width and height in CSS pixels, which is the size of the SVG. WritePNG writes twice as many pixels
// each way, for dense screens.
func (f *Figure) Size() (w, h int) {
	d := f.layout()
	return int(d.w), int(d.h)
}

// layout rounds the planned size up to whole pixels.
func (f *Figure) layout() drawing {
	if f.plan == nil {
		panic("figure: the zero value draws nothing: make figures with the functions of this package")
	}
	d := f.plan(slot{width: f.width})
	d.w, d.h = math.Ceil(d.w), math.Ceil(d.h)
	return d
}

// Describe returns the content of the figure as lines of text: the kind, the axes with their ranges, and each series
// with its number of values and their range. It is meant for tests and logs.
func (f *Figure) Describe() string {
	return strings.Join(append([]string{f.kind}, f.facts...), "\n  ")
}

// WriteSVG writes the figure as an SVG picture. Text stays text: it requests Liberation Sans or a font of the same
// widths and gives the width of every string, so that it stays in its place even in a browser with other fonts.
func (f *Figure) WriteSVG(w io.Writer) error {
	d := f.layout()
	if err := canvas.WriteSVG(w, d.w, d.h, f.Alt, d.paint); err != nil {
		return fmt.Errorf("figure: writing SVG: %w", err)
	}
	return nil
}

// WritePNG writes the figure as a PNG picture at twice its size (192 dots per inch).
func (f *Figure) WritePNG(w io.Writer) error { return f.writePNG(w, 2) }

func (f *Figure) writePNG(w io.Writer, density int) error {
	d := f.layout()
	if err := canvas.WritePNG(w, d.w, d.h, density, d.photo, d.paint); err != nil {
		return fmt.Errorf("figure: writing PNG: %w", err)
	}
	return nil
}

// WritePDF writes the figure as a PDF page of its own size. Text is drawn as outlines, so it needs no font.
func (f *Figure) WritePDF(w io.Writer) error {
	d := f.layout()
	if err := canvas.WritePDF(w, d.w, d.h, d.paint); err != nil {
		return fmt.Errorf("figure: writing PDF: %w", err)
	}
	return nil
}

// ECharts returns the option of an interactive ECharts view of the same data, as JSON that is safe inside a script
// element. Curves, points, bars, heat maps and ScatterClasses have one; it shows the medians of runs, without their
// spread. ok is false if the figure has none.
func (f *Figure) ECharts() (option []byte, ok bool) {
	if f.echarts == nil {
		return nil, false
	}
	option, err := f.echarts()
	if err != nil {
		panic(fmt.Sprintf("figure: ECharts: %s: %v", f.kind, err)) // plain numbers and strings always encode
	}
	return option, true
}
