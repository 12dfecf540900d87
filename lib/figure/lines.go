// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// LearningCurves draws one curve per series against the epoch, which counts from 1 if X is omitted. Runs over several
// seeds give the median and a band. The alt text describes the start and end of each curve.
func LearningCurves(a Axes, series ...Series) *Figure {
	f := linePlot("LearningCurves", a, series, lineStyle{lines: true, whole: true})
	cs := curves("LearningCurves", a, series)
	f.Alt = fmt.Sprintf("Learning curves, %s: %s.", a.Y, strings.Join(trends(cs, a.X), ", "))
	return f
}

// Lines draws curves: points joined by lines in the given order, with a band if there is one. Curves of up to 30 points
// have markers.
func Lines(a Axes, series ...Series) *Figure {
	return linePlot("Lines", a, series, lineStyle{lines: true})
}

// Scatter draws points without lines, with error bars if Low and High are set.
func Scatter(a Axes, series ...Series) *Figure {
	return linePlot("Scatter", a, series, lineStyle{})
}

// lineStyle distinguishes the three kinds.
type lineStyle struct {
	lines bool // joined by lines, with the spread as a band
	whole bool // x ticks at whole numbers only
}

func linePlot(op string, a Axes, series []Series, style lineStyle) *Figure {
	a.require(op, false)
	cs := curves(op, a, series)
	xs, ys := extent{log: a.LogX}, extent{log: a.LogY}
	for _, c := range cs {
		for i, x := range c.X {
			if shown(x, a.LogX) && shown(c.Y[i], a.LogY) {
				xs.add(x)
				ys.add(c.Y[i])
				if c.Low != nil {
					ys.add(c.Low[i], c.High[i])
				}
			}
		}
	}
	margin := 0.02
	if !style.lines {
		margin = 0.04
	}
	base := frame{axes: a,
		x: xs.axis(a.XRange, a.XGap, margin, a.XNames),
		y: ys.axis(a.YRange, a.YGap, 0.05, a.YNames),
	}
	base.x.whole, base.y.grid = style.whole, true
	if len(xs.values) == 0 {
		base.note = "no values to show"
	}
	return base.linePlot(op, cs, style)
}

// linePlot returns the figure of the curves, in the frame.
func (base frame) linePlot(op string, cs []curve, style lineStyle) *Figure {
	a, sign := base.axes, swatchMarker
	if style.lines {
		sign = swatchLine
		for _, c := range cs {
			if marked(c) {
				sign = swatchLineMarker
			}
		}
	}
	fig := &Figure{kind: op, width: a.width()}
	fig.facts = append(base.facts(), curveFacts(cs, a)...)
	fig.Alt = fmt.Sprintf("%s against %s: %s.", a.Y, a.X, strings.Join(rangeWords(cs), "; "))
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		f.layout(p.width, a.height(p), entriesOf(cs, sign))
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			for _, s := range cs {
				if style.lines {
					f.band(c, s)
				} else {
					f.errorBars(c, s)
				}
			}
			for _, s := range cs {
				f.curve(c, s, style.lines)
			}
			f.over(c)
		}}
	}
	fig.echarts = func() ([]byte, error) { return lineOption(a, cs, style) }
	fig.frame, fig.reframe = &base, func(f frame) *Figure { return f.linePlot(op, cs, style) }
	return fig
}

// marked reports whether a curve has few enough points for markers.
func marked(c curve) bool { return len(c.Y) <= 30 && !c.Dashed }

// curve paints the line and the markers of a series. A point between two gaps always gets a marker.
func (f *frame) curve(c *Canvas, s curve, lines bool) {
	color := ClassColor(s.index)
	var marks []canvas.Point
	for _, run := range f.pieces(s.X, s.Y) {
		if !lines || marked(s) || len(run) == 1 {
			for _, p := range run {
				if f.area.Contains(p) {
					marks = append(marks, p)
				}
			}
		}
		if lines {
			paintPolyline(c, f.area.ClipLine(run), Style{Stroke: color, Width: 2, Dashed: s.Dashed})
		}
	}
	radius := markerRadius
	if !lines && len(s.Y) > 500 {
		radius = 2.4
	}
	paintMarkers(c, s.index, marks, radius, color)
}

// pieces returns the points of a curve on the canvas, split at values without a position.
func (f *frame) pieces(xs, ys []float64) [][]canvas.Point {
	var out [][]canvas.Point
	var piece []canvas.Point
	for i, x := range xs {
		if f.shown(x, ys[i]) {
			piece = append(piece, canvas.Pt(f.px(x), f.py(ys[i])))
			continue
		}
		if len(piece) > 0 {
			out = append(out, piece)
			piece = nil
		}
	}
	if len(piece) > 0 {
		out = append(out, piece)
	}
	return out
}

// paintPolyline strokes open lines.
func paintPolyline(c *Canvas, pieces [][]canvas.Point, s Style) {
	var p canvas.Path
	for _, piece := range pieces {
		for i, q := range piece {
			if i == 0 {
				p.Move(c.At(q.X, q.Y))
			} else {
				p.Line(c.At(q.X, q.Y))
			}
		}
	}
	if len(p) > 0 {
		c.Trace(p, s)
	}
}

// band paints the area between Low and High.
func (f *frame) band(c *Canvas, s curve) {
	if s.Low == nil {
		return
	}
	var low, high []canvas.Point
	flush := func() {
		shape := low
		for i := len(high) - 1; i >= 0; i-- {
			shape = append(shape, high[i])
		}
		if shape = f.area.ClipPolygon(shape); len(shape) > 2 && len(low) > 1 {
			var p canvas.Path
			for i, q := range shape {
				if i == 0 {
					p.Move(c.At(q.X, q.Y))
				} else {
					p.Line(c.At(q.X, q.Y))
				}
			}
			p.Close()
			c.FillArea(p, alpha(ClassColor(s.index), 0.18))
		}
		low, high = nil, nil
	}
	for i, x := range s.X {
		if !f.shown(x, s.Low[i]) || !f.shown(x, s.High[i]) {
			flush()
			continue
		}
		low = append(low, canvas.Pt(f.px(x), f.py(s.Low[i])))
		high = append(high, canvas.Pt(f.px(x), f.py(s.High[i])))
	}
	flush()
}

// errorBars paints a bar with caps from Low to High at each point.
func (f *frame) errorBars(c *Canvas, s curve) {
	if s.Low == nil {
		return
	}
	for i, x := range s.X {
		if f.shown(x, s.Low[i]) && f.shown(x, s.High[i]) {
			f.whisker(c, f.px(x), s.Low[i], s.High[i], 3, Style{Stroke: ClassColor(s.index), Width: 1.2})
		}
	}
}

// whisker paints a vertical line between two values, with caps at ends that are inside the area.
func (f *frame) whisker(c *Canvas, x, low, high, cap float64, s Style) {
	a, b := canvas.Pt(x, f.py(low)), canvas.Pt(x, f.py(high))
	from, to, ok := f.area.ClipSegment(a, b)
	if !ok {
		return
	}
	pieces := [][]canvas.Point{{from, to}}
	if from == a {
		pieces = append(pieces, []canvas.Point{canvas.Pt(x-cap, a.Y), canvas.Pt(x+cap, a.Y)})
	}
	if to == b {
		pieces = append(pieces, []canvas.Point{canvas.Pt(x-cap, b.Y), canvas.Pt(x+cap, b.Y)})
	}
	paintPolyline(c, pieces, s)
}
