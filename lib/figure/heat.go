// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// HeatMap draws each value as a coloured cell, row 0 at the top, with a colour bar. The default colour map is Viridis,
// or Diverging if there are values on both sides of zero. With Axes.Values each value is written into its cell, in a
// contrasting colour, if the cells are large enough. X, Y and Z need labels.
func HeatMap[M Matrix](a Axes, m M) *Figure {
	a.require("HeatMap", true)
	n := numbersOf("HeatMap", m)
	a.checkNames("HeatMap", n)
	r := n.span()
	if r.lo < 0 && r.hi > 0 {
		a.Map = a.Map.or(Diverging)
	}
	a.Map = a.Map.or(Viridis)
	if a.ZRange == ([2]float64{}) {
		a.ZRange = [2]float64{r.lo, r.hi}
		switch {
		case a.Map == Diverging:
			a.ZRange = symmetric(r)
		case r.empty():
			a.ZRange = [2]float64{0, 1}
		case r.lo == r.hi:
			a.ZRange = [2]float64{r.lo, r.lo + 1}
		}
	}
	bar := &colorBar{m: a.Map, scale: scale{span: span{a.ZRange[0], a.ZRange[1]}}, label: a.Z}
	base := cellFrame(a, n)
	fig := &Figure{kind: "HeatMap", width: a.width()}
	fig.facts = append(base.facts(), fmt.Sprintf("z: %s, %s to %s", a.Z, short(a.ZRange[0]), short(a.ZRange[1])),
		fmt.Sprintf("%d x %d cells, %s", len(n.rows), n.width(), r.words("")))
	fig.Alt = fmt.Sprintf("Heat map of %s, %d by %d cells, %s against %s, %s.", a.Z, len(n.rows), n.width(), a.Y, a.X,
		r.words("from "))
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		f.cells(p.width, n, bar, 64)
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			img := image.NewNRGBA(image.Rect(0, 0, n.width(), len(n.rows)))
			for i, row := range n.rows {
				for j, v := range row {
					img.SetNRGBA(j, i, a.Map.At(bar.scale.place(v)))
				}
			}
			c.Image(f.area, img)
			if a.Values {
				f.writeValues(c, n, img)
			}
			f.over(c)
			bar.paint(c, canvas.Area(f.area.Right()+barGap, f.area.Y, barWidth, f.area.H))
		}}
	}
	fig.echarts = func() ([]byte, error) { return heatOption(a, n) }
	return fig
}

// checkNames panics if the number of row or column names is wrong.
func (a Axes) checkNames(op string, n numbers) {
	if a.XNames != nil && len(a.XNames) != n.width() {
		panic(fmt.Sprintf("figure: %s: %d XNames for %d columns", op, len(a.XNames), n.width()))
	}
	if a.YNames != nil && len(a.YNames) != len(n.rows) {
		panic(fmt.Sprintf("figure: %s: %d YNames for %d rows", op, len(a.YNames), len(n.rows)))
	}
}

// cellFrame returns a frame whose axes count columns and rows from 0, row 0 at the top.
func cellFrame(a Axes, n numbers) frame {
	f := frame{axes: a}
	f.x = axis{scale: scale{span: span{-0.5, float64(n.width()) - 0.5}}, names: a.XNames, whole: true}
	f.y = axis{scale: scale{span: span{-0.5, float64(len(n.rows)) - 0.5}}, names: a.YNames, whole: true, flip: true}
	return f
}

// cells lays out a frame around equal cells, which are square if the height is free and at most most pixels wide.
func (f *frame) cells(width float64, n numbers, bar *colorBar, most float64) {
	height := f.axes.height(slot{width: width})
	for range 3 {
		if bar != nil {
			f.extra = barGap + bar.width(math.Max(f.area.H, 60))
		}
		f.layout(width, height, nil)
		if f.axes.Width == 0 || width < f.axes.Width {
			if over := f.area.W - most*float64(n.width()); over > 0 {
				width = math.Max(width-over, 260)
			}
		}
		if f.axes.Height == 0 {
			cell := f.area.W / float64(n.width())
			want := min(max(cell*float64(len(n.rows)), 72), 560)
			if floor := 15.0 * float64(len(n.rows)); f.y.names != nil {
				want = math.Max(want, math.Min(floor, 560))
			}
			height += math.Round(want) - f.area.H
		}
	}
	f.layout(width, height, nil)
}

// writeValues writes each value into its cell, if all of them fit.
func (f *frame) writeValues(c *Canvas, n numbers, img *image.NRGBA) {
	cw, ch := f.area.W/float64(n.width()), f.area.H/float64(len(n.rows))
	decimals := n.decimals()
	widest := ""
	for _, row := range n.rows {
		for _, v := range row {
			if s := cellText(v, decimals); canvas.TextWidth(s, 1, false) > canvas.TextWidth(widest, 1, false) {
				widest = s
			}
		}
	}
	size := math.Min(canvas.TickSize, math.Floor((cw-3)/math.Max(canvas.TextWidth(widest, 1, false), 1e-9)*2)/2)
	if size < 8 || ch < size+2 {
		return
	}
	for i, row := range n.rows {
		for j, v := range row {
			x, y := f.area.X+(float64(j)+0.5)*cw, f.area.Y+(float64(i)+0.5)*ch
			c.Text(x, y, cellText(v, decimals), Style{Size: size, Text: canvas.OnColor(img.NRGBAAt(j, i))})
		}
	}
}

func cellText(v float64, decimals int) string {
	switch {
	case !shown(v, false):
		return ""
	case math.Abs(v) >= 1e5 || v != 0 && math.Abs(v) < 1e-4 && decimals > 3:
		return minus(short(v))
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return minus(s)
}

// decimals returns the number of decimals that shows three digits of the largest value; none if all values are whole.
func (n numbers) decimals() int {
	whole := true
	for _, row := range n.rows {
		for _, v := range row {
			whole = whole && (v == math.Trunc(v) || !shown(v, false))
		}
	}
	r := n.span()
	big := math.Max(math.Abs(r.lo), math.Abs(r.hi))
	if whole || r.empty() || big == 0 {
		return 0
	}
	return min(max(0, 2-int(math.Floor(math.Log10(big)))), 6)
}

// Raster draws the units that are active for each sample: one row of cells per sample, one column per unit. If all
// values are 0 or 1, active cells are dark. Otherwise the colour goes from white at 0 to dark blue at the largest
// value, with a colour bar, and negative values are drawn as 0. Axes.Map has no effect.
//
// If labels holds one class per sample, the samples are sorted by class, lines separate the classes, cells with the
// value 1 have the colour of the class, and Axes.YNames names the classes instead of the samples.
func Raster[M Matrix](a Axes, activity M, labels []int) *Figure {
	a.require("Raster", false)
	n := numbersOf("Raster", activity)
	if a.Z == "" {
		a.Z = "activity"
	}
	if labels != nil {
		labels = n.sortByClass("Raster", labels, a.YNames)
	} else {
		a.checkNames("Raster", n)
	}
	r := n.span()
	binary := n.binary()
	base := cellFrame(a, n)
	if labels != nil {
		base.y.names, base.y.groups = nil, classTicks(labels, a.YNames)
	}
	var bar *colorBar
	if !binary {
		bar = &colorBar{m: InkMap, scale: scale{span: span{0, math.Max(r.hi, 1e-30)}}, label: a.Z}
		if a.ZRange != ([2]float64{}) {
			bar.scale.span = span{a.ZRange[0], a.ZRange[1]}
		}
	}
	fig := &Figure{kind: "Raster", width: a.width()}
	active, silent := n.activity()
	fig.facts = append(base.facts(), fmt.Sprintf("%d samples x %d units, %s active on average, %d never active",
		len(n.rows), n.width(), short(active), silent))
	fig.Alt = fmt.Sprintf("Raster of %d samples by %d units: on average %s units are active for a sample (%s %%), %s "+
		"never active.", len(n.rows), n.width(), short(active), short(100*active/float64(n.width())), are(silent))
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		f.cells(p.width, n, bar, 12)
		img := f.rasterImage(n, labels, bar)
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			c.Image(f.area, img)
			for i := 1; i < len(labels); i++ {
				if labels[i] != labels[i-1] {
					y := f.py(float64(i) - 0.5)
					c.Line(f.area.X, y, f.area.Right(), y, Style{Stroke: Muted, Width: 0.75})
				}
			}
			f.over(c)
			if bar != nil {
				bar.paint(c, canvas.Area(f.area.Right()+barGap, f.area.Y, barWidth, f.area.H))
			}
		}}
	}
	return fig
}

// rasterImage paints the cells. If there are more cells than pixels, a pixel shows the most active of its cells.
func (f *frame) rasterImage(n numbers, labels []int, bar *colorBar) *image.NRGBA {
	pool := func(cells int, length float64) int { return int(math.Ceil(float64(cells) / math.Max(2*length, 1))) }
	px, py := pool(n.width(), f.area.W), pool(len(n.rows), f.area.H)
	w, h := (n.width()+px-1)/px, (len(n.rows)+py-1)/py
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			most, at := 0.0, y*py
			for i := y * py; i < min((y+1)*py, len(n.rows)); i++ {
				for _, v := range n.rows[i][x*px : min((x+1)*px, n.width())] {
					if v > most {
						most, at = v, i
					}
				}
			}
			color := Paper
			switch {
			case bar != nil:
				color = InkMap.At(bar.scale.place(most))
			case most > 0 && labels != nil:
				color = ClassColor(labels[at])
			case most > 0:
				color = canvas.RGB(0x08306b)
			}
			img.SetNRGBA(x, y, color)
		}
	}
	return img
}

// binary reports whether every finite value is 0 or 1.
func (n numbers) binary() bool {
	for _, row := range n.rows {
		for _, v := range row {
			if v != 0 && v != 1 && shown(v, false) {
				return false
			}
		}
	}
	return true
}

// activity returns the mean number of positive values in a row, and the number of columns without any.
func (n numbers) activity() (active float64, silent int) {
	used := make([]bool, n.width())
	for _, row := range n.rows {
		for j, v := range row {
			if v > 0 {
				active++
				used[j] = true
			}
		}
	}
	for _, u := range used {
		if !u {
			silent++
		}
	}
	return active / float64(len(n.rows)), silent
}

// sortByClass sorts the rows by class, stably, and returns the labels in that order.
func (n *numbers) sortByClass(op string, labels []int, names []string) []int {
	checkLabels(op, len(n.rows), labels, names)
	order := make([]int, len(labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return labels[i] - labels[j] })
	rows, sorted := make([][]float64, len(order)), make([]int, len(order))
	for k, i := range order {
		rows[k], sorted[k] = n.rows[i], labels[i]
	}
	n.rows = rows
	return sorted
}

func checkLabels(op string, n int, labels []int, names []string) {
	if len(labels) != n {
		panic(fmt.Sprintf("figure: %s: %d labels for %d rows", op, len(labels), n))
	}
	for i, k := range labels {
		if k < 0 || names != nil && k >= len(names) {
			panic(fmt.Sprintf("figure: %s: label %d of row %d is outside the %d names", op, k, i, len(names)))
		}
	}
}

// classTicks places the name of each run of equal labels at its middle.
func classTicks(sorted []int, names []string) []tick {
	var out []tick
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to] == sorted[from] {
			to++
		}
		name := fmt.Sprint(sorted[from])
		if names != nil {
			name = canvas.Shorten(names[sorted[from]], canvas.TickSize, false, 150)
		}
		out = append(out, tick{float64(from+to-1) / 2, name})
		from = to
	}
	return out
}
