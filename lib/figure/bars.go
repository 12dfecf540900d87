// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// Bars draws one group of bars for each of Axes.XNames, with one bar per series, from zero (or from the low end of a
// logarithmic axis) to Y. Low and High, or the quartiles of Runs, become error bars. With Axes.Values the numbers are
// written above the bars if there is room for all of them.
func Bars(a Axes, series ...Series) *Figure {
	a.require("Bars", false)
	if len(a.XNames) == 0 {
		panic("figure: Bars: Axes.XNames must name the groups")
	}
	cs := curves("Bars", a, series)
	ys := emptySpan()
	if !a.LogY {
		ys.add(false, 0)
	}
	empty := true
	for _, c := range cs {
		if len(c.Y) != len(a.XNames) {
			panic(fmt.Sprintf("figure: Bars: series %d %q has %d values for %d names", c.index, c.Name, len(c.Y), len(a.XNames)))
		}
		ys.add(a.LogY, c.Y...)
		ys.add(a.LogY, c.Low...)
		ys.add(a.LogY, c.High...)
		empty = empty && c.span(a.LogY).empty()
	}
	margin := 0.06
	if a.Values {
		margin = 0.1 // room for the numbers
	}
	base := frame{axes: a, x: newAxis(ys, [2]float64{}, false, 0, a.XNames), y: newAxis(ys, a.YRange, a.LogY, margin, nil)}
	base.y.grid = true
	if empty {
		base.note = "no values to show"
	}
	fig := &Figure{kind: "Bars", width: a.width()}
	fig.facts = append(base.facts(), curveFacts(cs, a)...)
	fig.Alt = fmt.Sprintf("Bars of %s by %s: %s.", a.Y, a.X, strings.Join(rangeWords(cs), "; "))
	if len(cs)*len(a.XNames) <= 12 {
		fig.Alt = fmt.Sprintf("Bars of %s by %s: %s.", a.Y, a.X, barWords(a.XNames, cs))
	}
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		f.layout(p.width, a.height(p), entriesOf(cs, swatchBox))
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			group := f.area.W / float64(len(a.XNames))
			wide := math.Min(0.8*group/float64(len(cs)), 56)
			values := a.Values && widestValue(cs) < wide-1
			for k, s := range cs {
				for i, y := range s.Y {
					if shown(y, a.LogY) {
						x := f.px(float64(i)) + (float64(k)-float64(len(cs))/2)*wide
						f.bar(c, s, i, x, wide, values)
					}
				}
			}
			f.over(c)
		}}
	}
	fig.echarts = func() ([]byte, error) { return barOption(a, cs) }
	return fig
}

// bar paints bar i of a series with its left side at x.
func (f *frame) bar(c *Canvas, s curve, i int, x, wide float64, values bool) {
	zero := f.y.lo
	if !f.y.log {
		zero = min(max(0, f.y.lo), f.y.hi)
	}
	top := f.py(min(max(s.Y[i], f.y.lo), f.y.hi))
	y0, y1 := math.Min(top, f.py(zero)), math.Max(top, f.py(zero))
	gap := math.Min(1, wide/8)
	c.Box(x+gap, y0, wide-2*gap, y1-y0, "", Style{Fill: ClassColor(s.index), Width: -1})
	low, high := y1, y0 // where a number may be written
	if s.Low != nil && shown(s.Low[i], false) && shown(s.High[i], f.y.log) {
		f.whisker(c, x+wide/2, f.atLeast(s.Low[i]), s.High[i], math.Min(4, wide/4), Style{Stroke: Ink, Width: 1.3})
		low, high = math.Max(low, f.py(f.atLeast(s.Low[i]))), math.Min(high, f.py(s.High[i]))
	}
	y := high - nameSize/2 - 3
	if s.Y[i] < 0 {
		y = low + nameSize/2 + 3
	}
	if values && y-nameSize/2 > f.area.Y-8 && y+nameSize/2 < f.area.Bottom() {
		c.Text(x+wide/2, y, minus(short(s.Y[i])), Style{Size: nameSize})
	}
}

// widestValue returns the width of the longest number on bars.
func widestValue(cs []curve) float64 {
	widest := 0.0
	for _, c := range cs {
		for _, y := range c.Y {
			if shown(y, false) {
				widest = math.Max(widest, canvas.TextWidth(minus(short(y)), nameSize, false))
			}
		}
	}
	return widest
}

// barWords describes the bars in words.
func barWords(names []string, cs []curve) string {
	var out []string
	for i, name := range names {
		for _, c := range cs {
			who := name
			if c.Name != "" {
				who += " " + c.Name
			}
			value := "has no value"
			if shown(c.Y[i], false) {
				value = short(c.Y[i])
			}
			out = append(out, who+" "+value)
		}
	}
	return strings.Join(out, ", ")
}

// Histograms draws one panel per series, with the number of its values Y in each bin. All panels share their bins and
// both axes. The label Y is usually "count".
func Histograms(a Axes, series ...Series) *Figure {
	a.require("Histograms", false)
	if len(series) == 0 {
		panic("figure: Histograms: no series")
	}
	xs := emptySpan()
	var all []float64
	for _, s := range series {
		if s.X != nil || s.Runs != nil || s.Low != nil || s.High != nil {
			panic(fmt.Sprintf("figure: Histograms: series %q: the values go into Y, nothing else", s.Name))
		}
		xs.add(a.LogX, s.Y...)
		all = append(all, s.Y...)
	}
	x := newAxis(xs, a.XRange, a.LogX, 0, nil)
	bins := a.Bins
	if bins <= 0 {
		bins = binCount(all, x.scale)
	}
	counts := make([][]float64, len(series))
	ys := emptySpan()
	if !a.LogY {
		ys.add(false, 0)
	}
	for i, s := range series {
		counts[i] = count(s.Y, x.scale, bins)
		ys.add(a.LogY, counts[i]...)
	}
	if a.LogY {
		ys.add(true, 0.8) // a bin with one value is still visible
	}
	base := frame{axes: a, x: x, y: newAxis(ys, a.YRange, a.LogY, 0.05, nil)}
	base.y.whole = !a.LogY
	if xs.empty() {
		base.note = "no values to show"
	}
	fig := &Figure{kind: "Histograms", width: a.width()}
	fig.facts = append(base.facts(), fmt.Sprintf("%d bins", bins))
	var parts []string
	for i, s := range series {
		n := 0.0
		for _, k := range counts[i] {
			n += k
		}
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("panel %d", i+1)
		}
		q := summarise(s.Y)
		fig.facts = append(fig.facts, fmt.Sprintf("%s: %s values, largest bin %s", name, short(n),
			short(slices.Max(counts[i]))))
		if n == 0 {
			parts = append(parts, name+" has no values")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s has median %s and quartiles %s and %s", name, short(q[2]), short(q[1]),
			short(q[3])))
	}
	fig.Alt = fmt.Sprintf("Histograms of %s: %s.", a.X, strings.Join(parts, "; "))
	fig.plan = func(p slot) drawing {
		return base.marked(p.mark).histograms(p, series, counts)
	}
	return fig
}

// histograms lays out and paints the panels.
func (f *frame) histograms(p slot, series []Series, counts [][]float64) drawing {
	n, width := len(series), p.width
	cols := f.axes.Columns
	if cols <= 0 {
		cols = int(math.Ceil(math.Sqrt(float64(n))))
		if n <= 3 {
			cols = n
		}
		cols = min(cols, max(1, int(width/150)))
	}
	cols = min(cols, n)
	rows := (n + cols - 1) / cols
	const gap, nameLine = 14.0, 22.0
	height := f.axes.Height
	if height == 0 {
		each := min(max(0.55*width/float64(cols), 90), 300)
		height = math.Max(float64(rows)*(each+nameLine)+90, p.height)
	}
	f.w, f.h = width, height
	f.title = titleLines(f.axes.Title, width)
	top := titleTop(f.title)
	f.area = canvas.Rect{W: width - 2*cardMargin, H: (height - top - 70) / float64(rows)}
	var panelW, panelH, left float64
	for range 2 {
		f.yTicks()
		f.xLabel = canvas.Wrap(f.axes.X, canvas.LabelSize, false, f.area.W*float64(cols))
		f.yLabel = canvas.Wrap(f.axes.Y, canvas.LabelSize, false, f.area.H*float64(rows))
		left = cardMargin + float64(len(f.yLabel))*canvas.LabelSize*canvas.LineSpacing + 4 + f.y.widest() + 8
		panelW = math.Floor((width - left - cardMargin - 8 - gap*float64(cols-1)) / float64(cols))
		below := float64(len(f.xLabel))*canvas.LabelSize*canvas.LineSpacing + canvas.TickSize + 14 + cardMargin
		panelH = math.Max(math.Floor((height-top-below)/float64(rows)-nameLine), 20)
		f.area.W, f.area.H = panelW, panelH
		f.xTicks()
	}
	return drawing{w: width, h: height, paint: func(c *Canvas) {
		paintTitle(c, f.title)
		for i, s := range series {
			p := *f
			p.title, p.xLabel, p.yLabel = nil, nil, nil
			row, col := i/cols, i%cols
			p.area = canvas.Area(left+float64(col)*(panelW+gap), top+float64(row)*(panelH+nameLine)+nameLine, panelW, panelH)
			if col > 0 {
				p.y.ticks = withoutLabels(p.y.ticks)
			}
			if i+cols < n {
				p.x.ticks = withoutLabels(p.x.ticks)
			}
			c.Text(p.area.X+2, p.area.Y-8, canvas.Shorten(s.Name, canvas.TickSize, false, panelW-4),
				Style{Size: canvas.TickSize, Align: Left})
			p.bins(c, counts[i])
			p.over(c)
		}
		g := *f
		g.area = canvas.Area(left, top, float64(cols)*(panelW+gap)-gap, float64(rows)*(panelH+nameLine))
		g.note = ""
		g.names(c)
	}}
}

func withoutLabels(ticks []tick) []tick {
	out := slices.Clone(ticks)
	for i := range out {
		out[i].label = ""
	}
	return out
}

// bins paints the bars of one histogram.
func (f *frame) bins(c *Canvas, counts []float64) {
	for i, k := range counts {
		if k <= 0 {
			continue
		}
		x0 := f.area.X + f.area.W*float64(i)/float64(len(counts))
		x1 := f.area.X + f.area.W*float64(i+1)/float64(len(counts))
		y := f.py(min(max(k, f.y.lo), f.y.hi))
		c.Box(x0, y, x1-x0-math.Min(1, (x1-x0)/6), f.area.Bottom()-y, "", Style{Fill: ClassColor(0), Width: -1})
	}
}

// binCount is the rule of Freedman and Diaconis: the width of a bin is twice the interquartile range over the cube root
// of n.
func binCount(values []float64, s scale) int {
	var at []float64
	for _, v := range values {
		if shown(v, s.log) {
			at = append(at, s.place(v))
		}
	}
	q := summarise(at)
	wide := 2 * (q[3] - q[1]) / math.Cbrt(float64(len(at)))
	if !(wide > 0) {
		return 30
	}
	return min(max(int(math.Ceil(1/wide)), 5), 60)
}

// count returns the number of values in each of equal bins along an axis; the last bin includes its upper end.
func count(values []float64, s scale, bins int) []float64 {
	out := make([]float64, bins)
	for _, v := range values {
		if !shown(v, s.log) || v < s.lo || v > s.hi {
			continue
		}
		out[min(int(s.place(v)*float64(bins)), bins-1)]++
	}
	return out
}
