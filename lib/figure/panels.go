// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"strings"
)

// panelsWidth is the largest total width of panels.
const panelsWidth = 960.0

// Panels joins figures into one, row by row on a grid, with the marks (a), (b), (c)... before their titles. The columns
// have equal widths (together at most 960 pixels) and each figure is laid out again for its column; letters and lines
// keep their size. The captions of the figures are not shown: the joint figure has its own.
func Panels(columns int, figures ...*Figure) *Figure {
	if columns < 1 || len(figures) == 0 {
		panic(fmt.Sprintf("figure: Panels: %d figures in %d columns", len(figures), columns))
	}
	columns = min(columns, len(figures))
	natural := 0.0
	for from := 0; from < len(figures); from += columns {
		row := 0.0
		for _, f := range figures[from:min(from+columns, len(figures))] {
			row += f.width
		}
		natural = math.Max(natural, row)
	}
	fig := &Figure{kind: "Panels", width: math.Min(natural, panelsWidth), panels: figures}
	fig.facts = []string{fmt.Sprintf("%d figures in %d columns", len(figures), columns)}
	var alts []string
	for i, f := range figures {
		alts = append(alts, panelMark(i)+" "+f.Alt)
		fig.facts = append(fig.facts, panelMark(i)+" "+strings.ReplaceAll(f.Describe(), "\n", "\n  "))
	}
	fig.Alt = strings.Join(alts, " ")
	fig.plan = func(p slot) drawing { return planPanels(columns, figures, p) }
	return fig
}

// Sharing is the set of axes that the plots of [SharedPanels] share.
type Sharing int

const (
	SharedX Sharing = 1 << iota
	SharedY
)

// SharedPanels joins plots as Panels does, and gives all of them the same range on the axes that they share (SharedX,
// SharedY, or SharedX|SharedY), so that they can be compared by eye. A shared axis is broken where the axes of all
// plots are broken. SharedPanels panics if a figure is not made by Lines, LearningCurves, Scatter or Ranges, or if some
// but not all of the shared axes are logarithmic.
func SharedPanels(columns int, share Sharing, figures ...*Figure) *Figure {
	if len(figures) == 0 {
		panic("figure: SharedPanels: no figures")
	}
	frames := make([]frame, len(figures))
	for i, f := range figures {
		if f.reframe == nil {
			panic("figure: SharedPanels: " + f.kind + " has no axes to share")
		}
		frames[i] = *f.frame
	}
	joined := make([]*Figure, len(figures))
	for _, axis := range []struct {
		share Sharing
		of    func(f *frame) *axis
	}{{SharedX, func(f *frame) *axis { return &f.x }}, {SharedY, func(f *frame) *axis { return &f.y }}} {
		if share&axis.share == 0 {
			continue
		}
		common := axis.of(&frames[0]).scale
		for i := range frames {
			common = common.joint(axis.of(&frames[i]).scale)
		}
		for i := range frames {
			axis.of(&frames[i]).scale = common
		}
	}
	for i, f := range figures {
		joined[i] = f.reframe(frames[i]).WithCaption(f.Caption)
	}
	fig := Panels(columns, joined...)
	fig.kind = "SharedPanels"
	return fig
}

// joint returns a scale that covers both scales.
func (s scale) joint(other scale) scale {
	if s.log != other.log {
		panic("figure: SharedPanels: one axis is logarithmic and another is not")
	}
	out := scale{span: span{math.Min(s.lo, other.lo), math.Max(s.hi, other.hi)}, log: s.log}
	if s.broken() && other.broken() {
		gap := span{math.Max(s.gap.lo, other.gap.lo), math.Min(s.gap.hi, other.gap.hi)}
		if gap.lo < gap.hi {
			out.gap = gap
		}
	}
	return out
}

// panelMark returns (a), (b), ..., (z), (aa), ...
func panelMark(i int) string {
	if i >= 26 {
		return "(" + string(rune('a'+i/26-1)) + string(rune('a'+i%26)) + ")"
	}
	return "(" + string(rune('a'+i)) + ")"
}

// planPanels lays out each figure for its share of the width, then again for the height of its row.
func planPanels(columns int, figures []*Figure, p slot) drawing {
	parts := make([]drawing, len(figures))
	columnW := make([]float64, columns)
	rowH := make([]float64, (len(figures)+columns-1)/columns)
	var total drawing
	for i, f := range figures {
		s := slot{width: p.width / float64(columns), mark: panelMark(i)}
		parts[i] = f.plan(s)
		rowH[i/columns] = math.Max(rowH[i/columns], parts[i].h)
	}
	for i, f := range figures {
		s := slot{width: p.width / float64(columns), mark: panelMark(i)}
		s.height = math.Min(rowH[i/columns], s.width) // no taller than wide
		if parts[i].h < s.height {
			parts[i] = f.plan(s)
			rowH[i/columns] = math.Max(rowH[i/columns], parts[i].h)
		}
		columnW[i%columns] = math.Max(columnW[i%columns], parts[i].w)
		total.photo = total.photo || parts[i].photo
	}
	if p.mark != "" {
		total.h = titleTop([]string{p.mark}) - cardMargin
	}
	top := total.h
	for _, w := range columnW {
		total.w += w
	}
	for _, h := range rowH {
		total.h += h
	}
	total.paint = func(c *Canvas) {
		if p.mark != "" {
			paintTitle(c, []string{p.mark})
		}
		y := top
		for row, h := range rowH {
			x := 0.0
			for col, w := range columnW {
				if i := row*columns + col; i < len(parts) {
					parts[i].paint(c.Part(x, y, parts[i].w, parts[i].h))
				}
				x += w
			}
			y += h
		}
	}
	return total
}
