// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// A swatch is the symbol of a series in the legend.
type swatch int

const (
	swatchLine swatch = iota
	swatchLineMarker
	swatchMarker
	swatchBox
)

// An entry is one line of a legend.
type entry struct {
	name   string
	index  int // of the colour and marker
	swatch swatch
	dashed bool
}

// entriesOf returns the legend of some curves: none for a single one without a name.
func entriesOf(cs []curve, s swatch) []entry {
	if len(cs) == 1 && cs[0].Name == "" {
		return nil
	}
	out := make([]entry, len(cs))
	for i, c := range cs {
		out[i] = entry{c.Name, c.index, s, c.Dashed}
	}
	return out
}

const (
	swatchWidth = 24.0
	legendLine  = 18.0 // height of one row
	legendGap   = 18.0 // between entries of a row
)

// A legendBox is a legend with the position of each entry relative to its corner.
type legendBox struct {
	where      Legend
	x, y, w, h float64
	items      []legendItem
}

type legendItem struct {
	entry
	lines []string
	x, y  float64 // left end, middle of the first line
}

// placeLegend arranges entries within the width of the figure.
func placeLegend(where Legend, entries []entry, width float64) legendBox {
	if len(entries) == 0 || where == LegendNone {
		return legendBox{where: LegendNone}
	}
	if where == LegendRight {
		return legendColumn(entries, width)
	}
	rows := legendRows(entries, width)
	if where == LegendAuto {
		if rows.h > 2*legendLine && width >= 400 {
			return legendColumn(entries, width)
		}
		where = LegendAbove
	}
	rows.where = where
	return rows
}

func legendRows(entries []entry, width float64) legendBox {
	names, widths := make([]string, len(entries)), make([]float64, len(entries))
	widest, total := 0.0, -legendGap
	for i, e := range entries {
		names[i] = canvas.Shorten(e.name, canvas.TickSize, false, width-swatchWidth-6)
		widths[i] = swatchWidth + 6 + canvas.TextWidth(names[i], canvas.TickSize, false)
		widest = math.Max(widest, widths[i])
		total += widths[i] + legendGap
	}
	columns := len(entries) // of equal width, unless all fit into one row
	if total > width {
		columns = max(1, int((width+legendGap)/(widest+legendGap)))
	}
	b := legendBox{h: legendLine * math.Ceil(float64(len(entries))/float64(columns))}
	x := 0.0
	for i, e := range entries {
		if i%columns == 0 {
			x = 0
		}
		b.items = append(b.items, legendItem{e, names[i : i+1], x, (float64(i/columns) + 0.5) * legendLine})
		if total > width {
			x += widest + legendGap
		} else {
			x += widths[i] + legendGap
		}
	}
	return b
}

func legendColumn(entries []entry, width float64) legendBox {
	b := legendBox{where: LegendRight}
	for _, e := range entries {
		lines := canvas.Wrap(e.name, canvas.TickSize, false, 0.3*width-swatchWidth-6)
		b.items = append(b.items, legendItem{e, lines, 0, b.h + legendLine/2})
		for _, line := range lines {
			b.w = math.Max(b.w, swatchWidth+6+canvas.TextWidth(line, canvas.TickSize, false))
		}
		b.h += legendLine + float64(len(lines)-1)*canvas.TickSize*canvas.LineSpacing
	}
	return b
}

func (b *legendBox) paint(c *Canvas) {
	for _, it := range b.items {
		x, y := b.x+it.x, b.y+it.y
		color := ClassColor(it.index)
		line := Style{Stroke: color, Width: 2, Dashed: it.dashed}
		mid := x + swatchWidth/2
		switch it.swatch {
		case swatchLine, swatchLineMarker:
			c.Line(x, y, x+swatchWidth, y, line)
			if it.swatch == swatchLineMarker && !it.dashed {
				paintMarkers(c, it.index, []canvas.Point{canvas.Pt(mid, y)}, markerRadius, color)
			}
		case swatchMarker:
			paintMarkers(c, it.index, []canvas.Point{canvas.Pt(mid, y)}, 4.5, color)
		case swatchBox:
			c.Box(x+5, y-6, 14, 12, "", Style{Fill: color, Width: -1})
		}
		for i, s := range it.lines {
			c.Text(x+swatchWidth+6, y+float64(i)*canvas.TickSize*canvas.LineSpacing, s,
				Style{Size: canvas.TickSize, Align: Left})
		}
	}
}

const markerRadius = 3.6

// paintMarkers paints the markers of class i at the given points with one path.
func paintMarkers(c *Canvas, i int, at []canvas.Point, r float64, color Color) {
	if len(at) == 0 {
		return
	}
	var p canvas.Path
	for _, q := range at {
		addMarker(&p, i, c.At(q.X, q.Y), r)
	}
	c.FillArea(p, color)
}
