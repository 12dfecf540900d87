// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// An ImageRow is a row of images with a name at its left.
type ImageRow[M Matrix] struct {
	Name   string
	Images M // one image per row, as for ImageGrid
}

// ImageRows draws rows of images whose columns belong together: originals above their reconstructions by networks, the
// maps of several images, the filters of several layers. Tiles.Names are the names of the columns. All tiles have the
// same size. Unless PerTile is set they share one range of values, as in ImageGrid, or one around zero if Tiles.Map is
// Diverging. Rows may differ in length. Rows of three planes are red, green and blue.
func ImageRows[M Matrix](t Tiles, rows ...ImageRow[M]) *Figure {
	table := make([]numbers, len(rows))
	names := make([]string, len(rows))
	for i, r := range rows {
		table[i], names[i] = numbersOf("ImageRows", r.Images), r.Name
	}
	return sheet("ImageRows", "images", t, names, table)
}

// FeatureMaps draws the activations of a convolutional layer: a row per image, a column per filter. maps are [N,C,H,W];
// names has one name per image. Zero is white, and the range is shared unless PerTile is set.
func FeatureMaps(t Tiles, names []string, maps *tensor.Tensor) *Figure {
	t.Map = t.Map.or(InkMap)
	if t.Z == "" {
		t.Z = "activity"
	}
	return planes("FeatureMaps", "feature maps", t, names, maps)
}

// Kernels draws the weights of a convolutional layer: a row per filter, a column per input channel. weights are
// [filters,C,H,W]; names has one name per filter, or none. Positive weights are red, negative ones blue and zero white.
// The range is symmetric, and shared unless PerTile is set. The filters of a single input channel form a single row.
func Kernels(t Tiles, names []string, weights *tensor.Tensor) *Figure {
	t.Map = t.Map.or(Diverging)
	if t.Z == "" {
		t.Z = "weight"
	}
	if weights.Rank() == 4 && weights.Dim(1) == 1 && names == nil {
		weights = weights.Reshape(1, weights.Dim(0), weights.Dim(2), weights.Dim(3))
	}
	return planes("Kernels", "kernels", t, names, weights)
}

// Reconstructions draws images above their reconstructions, with a row per setting. A name, such as the setting or the
// error, goes before its row.
func Reconstructions[M Matrix](t Tiles, originals M, settings ...ImageRow[M]) *Figure {
	return ImageRows(t, append([]ImageRow[M]{{"original", originals}}, settings...)...)
}

// planes draws [N,C,H,W] as N rows of C tiles.
func planes(op, what string, t Tiles, names []string, x *tensor.Tensor) *Figure {
	if x.Rank() != 4 {
		panic(fmt.Sprintf("figure: %s: a tensor of shape %v, want [N,C,H,W]", op, x.Shape()))
	}
	n, size := x.Dim(1), x.Dim(2)*x.Dim(3)
	t.H, t.W = x.Dim(2), x.Dim(3)
	rows := make([]numbers, x.Rows())
	for i := range rows {
		rows[i] = numbersOf(op, x.Row(i))
		rows[i].cut(size)
		if len(rows[i].rows) != n { // three planes of one image would be taken for colours
			rows[i] = numbersOf(op, x.Slice(i, i+1).Reshape(n, size))
		}
	}
	if names == nil {
		names = make([]string, len(rows))
	}
	return sheet(op, what, t, names, rows)
}

// rowNameAtMost is the largest share of a sheet's width for the names of rows.
const rowNameAtMost = 0.3

func sheet(op, what string, t Tiles, names []string, rows []numbers) *Figure {
	if len(rows) == 0 || len(names) != len(rows) {
		panic(fmt.Sprintf("figure: %s: %d names for %d rows", op, len(names), len(rows)))
	}
	all := emptySpan()
	colours := t.fit(op, rows[0])
	t.Columns = 0
	for i, r := range rows {
		if r.width() != rows[0].width() {
			panic(fmt.Sprintf("figure: %s: tiles of %d values in row %d, of %d in row 0", op, r.width(), i, rows[0].width()))
		}
		t.Columns = max(t.Columns, len(r.rows))
		s := r.span()
		all.add(false, s.lo, s.hi)
	}
	if t.Names != nil && len(t.Names) != t.Columns {
		panic(fmt.Sprintf("figure: %s: %d names for %d columns", op, len(t.Names), t.Columns))
	}
	t.Map = t.Map.or(Gray)
	if t.Range == ([2]float64{}) {
		t.Range = sheetRange(t.Map, all)
	}
	if t.Width == 0 {
		t.Width = defaultWidth
	}
	bar := colorBar{m: t.Map, scale: scale{span: span{t.Range[0], t.Range[1]}}, label: t.Z}
	hasBar := t.Z != "" && !t.PerTile && colours == 1
	scales := fmt.Sprintf("%s (%s) to %s (%s)", short(t.Range[0]), t.Map.end(0), short(t.Range[1]), t.Map.end(1))
	if t.PerTile {
		scales = "each on its own scale"
	}
	fig := &Figure{kind: op, width: t.Width}
	if t.Title != "" {
		fig.facts = []string{"title: " + t.Title}
	}
	fig.facts = append(fig.facts, fmt.Sprintf("%d rows of up to %d tiles of %d x %d", len(rows), t.Columns, t.H, t.W),
		"colours: "+scales)
	for i, r := range rows {
		fig.facts = append(fig.facts,
			strings.TrimSpace(fmt.Sprintf("%s: %d tiles, %s", names[i], len(r.rows), r.span().words(""))))
	}
	fig.Alt = fmt.Sprintf("Grid of %s of %d by %d pixels in %d rows (%s), %s.", what, t.H, t.W, len(rows),
		strings.Join(names, "; "), scales)
	if strings.Join(names, "") == "" {
		fig.Alt = fmt.Sprintf("Grid of %s of %d by %d pixels in %d rows, %s.", what, t.H, t.W, len(rows), scales)
	}
	if t.Title != "" {
		fig.Alt = t.Title + ". " + fig.Alt
	}
	fig.plan = func(p slot) drawing {
		l := sheetLayout{Tiles: t, rows: len(rows), top: titleTop(titleLines(join(p.mark, t.Title), p.width))}
		l.place(p.width, names, bar, hasBar)
		name := join(p.mark, t.Title)
		l.w = math.Max(l.w, math.Min(p.width, canvas.TextWidth(name, canvas.TitleSize, true)+2*cardMargin+1))
		return drawing{w: l.w, h: l.h, photo: colours == 3, paint: func(c *Canvas) {
			paintTitle(c, titleLines(name, p.width))
			l.paint(c, names, rows, colours)
			if hasBar {
				bar.paint(c, canvas.Area(l.grid.Right()+barGap, l.grid.Y, barWidth, math.Max(l.grid.H, leastBar)))
			}
		}}
	}
	return fig
}

// sheetRange returns the range of the values, as ImageGrid and WeightGrid choose it.
func sheetRange(m ColorMap, s span) [2]float64 {
	switch {
	case m == Diverging:
		return symmetric(s)
	case s.empty():
		return [2]float64{0, 1}
	case m == Gray && s.lo >= 0 && s.hi <= 1:
		return [2]float64{0, 1}
	case s.lo >= 0:
		s.lo = 0
	}
	if s.lo == s.hi {
		s.hi = s.lo + 1
	}
	return [2]float64{s.lo, s.hi}
}

const leastBar = 90.0 // minimum height of a colour bar

// A sheetLayout holds the positions of a sheet's tiles.
type sheetLayout struct {
	Tiles
	rows      int
	top, w, h float64
	left      float64 // width of the names of rows
	lines     [][]string
	tw, th    float64     // of a tile
	grid      canvas.Rect // of all tiles
}

func (l *sheetLayout) place(width float64, names []string, bar colorBar, hasBar bool) {
	l.lines, l.left = make([][]string, len(names)), 0
	for i, name := range names {
		if name == "" {
			continue
		}
		l.lines[i] = canvas.Wrap(name, canvas.TickSize, false, rowNameAtMost*width)
		for _, line := range l.lines[i] {
			l.left = math.Max(l.left, canvas.TextWidth(line, canvas.TickSize, false)+8)
		}
	}
	room := 0.0
	if hasBar {
		room = barGap + bar.width(160)
	}
	zoom := l.zoom(width - 2*cardMargin - l.left - room)
	l.tw, l.th = float64(l.W)*zoom, float64(l.H)*zoom
	above := 0.0
	if l.Names != nil {
		above = tileName
	}
	l.grid = canvas.Area(cardMargin+l.left, l.top+above,
		float64(l.Columns)*(l.tw+tileGap)-tileGap, float64(l.rows)*(l.th+tileGap)-tileGap)
	l.w, l.h = l.grid.Right()+cardMargin, l.grid.Bottom()+cardMargin
	if hasBar {
		l.w = l.grid.Right() + barGap + bar.width(math.Max(l.grid.H, leastBar)) + cardMargin
		l.h = math.Max(l.h, l.grid.Y+leastBar+cardMargin)
	}
}

func (l *sheetLayout) paint(c *Canvas, names []string, rows []numbers, colours int) {
	for j, name := range l.Names {
		x := l.grid.X + float64(j)*(l.tw+tileGap) + l.tw/2
		c.Text(x, l.grid.Y-tileName/2-1, canvas.Shorten(name, nameSize, false, l.tw), Style{Size: nameSize, Text: Muted})
	}
	for i, r := range rows {
		y := l.grid.Y + float64(i)*(l.th+tileGap)
		for k, line := range l.lines[i] {
			at := y + l.th/2 + (float64(k)-float64(len(l.lines[i])-1)/2)*canvas.TickSize*canvas.LineSpacing
			c.Text(l.grid.X-8, at, line, Style{Size: canvas.TickSize, Text: Muted, Align: Right})
		}
		for j, tile := range r.rows {
			x := l.grid.X + float64(j)*(l.tw+tileGap)
			c.Image(canvas.Area(x, y, l.tw, l.th), l.image(tile, colours))
			c.Box(x, y, l.tw, l.th, "", Style{Stroke: canvas.RGB(0xafb8c1), Width: 0.5})
		}
	}
}
