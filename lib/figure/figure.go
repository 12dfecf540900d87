// SPDX-License-Identifier: Apache-2.0

// Package figure draws the figures of the notebooks: learning curves, ranges over seeds, image and weight grids, sheets of
// feature maps, kernels and reconstructions, heat maps, activity rasters, maps of classes, histograms, bars, schematics,
// and tables.
//
// Every helper takes an [Axes] (or, for images, a [Tiles]) and plain data, and returns a [Figure] that writes SVG,
// PNG and PDF. Where it helps, the same data is also an interactive ECharts option.
//
//	f := figure.LearningCurves(figure.Axes{X: "epoch", Y: "error (%)"},
//		figure.Series{Name: "train", Y: train},
//		figure.Series{Name: "validation", Y: validation})
//	err := f.WritePNG(w)
//
// Lengths are CSS pixels, 96 to the inch; multiply millimetres by [MM]. Colours are safe for colour-blind readers,
// and a figure is an opaque white card, so that it also reads on a dark page. The same data gives the same bytes
// of SVG and PNG (a PDF carries its date).
//
// The axes are our own rather than gonum/plot's, whose text is not wrapped or kept apart and whose tick labels do not fit
// small panels; its canvases write the PNG and the PDF.
//
// NaN and infinite values (and those beyond 1e100) are left out: a curve has a gap there. On a logarithmic axis so
// are values that are not positive. Data without a single value that can be shown draws empty axes that say so. A
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

// A Figure is a finished picture. It is made by the functions of this package; Caption and Alt may be set by hand.
type Figure struct {
	Caption string // what to look at, in a sentence or two; shown under the figure by whoever displays it
	Alt     string // the picture in words, for readers who cannot see it; made from the data, may be replaced

	kind    string
	facts   []string               // what Describe says, one line each
	width   float64                // the width that was asked for
	plan    func(s slot) drawing   // the layout for a place
	echarts func() ([]byte, error) // nil where an interactive view makes no sense

	panels  []*Figure   // of joint figures
	samples int         // of a map: how many WithImages must show
	images  *imageSheet // see WithImages

	frame   *frame                // of a plot whose axes can be shared, and
	reframe func(f frame) *Figure // the same plot in another frame
}

// A slot is the place that a figure is laid out for.
type slot struct {
	width  float64
	height float64 // a plot whose height is free grows to it
	mark   string  // such as "(a)", goes before the title
}

// A drawing is a layout: its size in CSS pixels and how to paint it.
type drawing struct {
	w, h  float64
	paint func(c *Canvas)
	photo bool // holds colour images, whose colours a palette would spoil
}

// WithCaption returns a copy of the figure with the given caption.
func (f *Figure) WithCaption(caption string) *Figure {
	g := *f
	g.Caption = caption
	return &g
}

// Size returns the width and height in CSS pixels, which is also the size in which WriteSVG draws. WritePNG writes
// twice as many pixels each way, for sharp display on dense screens.
func (f *Figure) Size() (w, h int) {
	d := f.layout()
	return int(d.w), int(d.h)
}

// layout rounds the planned size up to whole pixels.
func (f *Figure) layout() drawing {
	if f.plan == nil {
		panic("figure: a Figure is made by the functions of this package, its zero value draws nothing")
	}
	d := f.plan(slot{width: f.width})
	d.w, d.h = math.Ceil(d.w), math.Ceil(d.h)
	return d
}

// Describe returns what the figure shows as lines of text: the kind, the axes with their ranges, and each series
// with its number of values and their range. It is meant for tests and for logs.
func (f *Figure) Describe() string {
	return strings.Join(append([]string{f.kind}, f.facts...), "\n  ")
}

// WriteSVG writes the figure as an SVG picture. Text is real text: it asks for Liberation Sans or a font of the same
// widths and states the width of every string, so that a browser with neither still keeps text inside its place.
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
// element. Curves, points, bars, heat maps and maps of classes have one; of runs it shows the medians, without their
// spread. ok is false where the figure has none.
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
