// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// Ranges draws the spread of the runs of each series at each setting X: a marker at the median, a thick bar from the
// lower to the upper quartile, and a thin line to the minimum and the maximum, with triangles at its ends that point
// outwards. Lines join the medians of a series. Every series needs Runs; several series at the same X are drawn side by
// side.
func Ranges(a Axes, series ...Series) *Figure {
	a.require("Ranges", false)
	cs := curves("Ranges", a, series)
	xs, ys := extent{log: a.LogX}, extent{log: a.LogY}
	for _, c := range cs {
		if c.Runs == nil {
			panic(fmt.Sprintf("figure: Ranges: series %d %q has no Runs", c.index, c.Name))
		}
		for i, x := range c.X {
			if shown(x, a.LogX) && !math.IsNaN(c.Y[i]) {
				xs.add(x)
				ys.add(c.stats[i][:]...)
			}
		}
	}
	base := frame{axes: a,
		x: xs.axis(a.XRange, a.XGap, 0.05, a.XNames),
		y: ys.axis(a.YRange, a.YGap, 0.06, nil),
	}
	if base.x.lo == 0 && a.XRange == ([2]float64{}) { // space for the series left of 0
		base.x.lo = -0.06 * base.x.hi
	}
	base.y.grid = true
	if len(xs.values) == 0 {
		base.note = "no values to show"
	}
	return base.ranges(cs)
}

// ranges returns the figure of the spreads, in the frame.
func (base frame) ranges(cs []curve) *Figure {
	a := base.axes
	fig := &Figure{kind: "Ranges", width: a.width()}
	fig.facts = append(base.facts(), curveFacts(cs, a)...)
	fig.Alt = fmt.Sprintf("Median, quartiles and extremes over runs of %s against %s: median of %s.",
		a.Y, a.X, strings.Join(rangeWords(cs), "; "))
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		f.layout(p.width, a.height(p), entriesOf(cs, swatchLineMarker))
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			step := f.sideStep(cs)
			for i, s := range cs {
				f.spread(c, s, (float64(i)-float64(len(cs)-1)/2)*step)
			}
			f.over(c)
		}}
	}
	fig.echarts = func() ([]byte, error) { return lineOption(a, cs, lineStyle{lines: true}) }
	fig.frame, fig.reframe = &base, func(f frame) *Figure { return f.ranges(cs) }
	return fig
}

// sideStep returns the distance between series at the same setting: at most 9 pixels, less if settings are close.
func (f *frame) sideStep(cs []curve) float64 {
	nearest := f.area.W
	for _, s := range cs {
		for i := 1; i < len(s.X); i++ {
			if d := math.Abs(f.px(s.X[i]) - f.px(s.X[i-1])); shown(d, false) && d > 0 {
				nearest = math.Min(nearest, d)
			}
		}
	}
	return math.Min(9, 0.7*nearest/float64(len(cs)))
}

// spread paints one series, moved sideways by shift pixels.
func (f *frame) spread(c *Canvas, s curve, shift float64) {
	color := ClassColor(s.index)
	var line, marks []canvas.Point
	flush := func() {
		paintPolyline(c, f.area.ClipLine(line), Style{Stroke: alpha(color, 0.55), Width: 1.2, Dashed: s.Dashed})
		line = nil
	}
	for i, x := range s.X {
		q := s.stats[i]
		if !f.shown(x, q[2]) {
			flush()
			continue
		}
		at := canvas.Pt(f.px(x)+shift, f.py(q[2]))
		line = append(line, at)
		if at.X < f.area.X-0.5 || at.X > f.area.Right()+0.5 {
			continue
		}
		f.whisker(c, at.X, f.atLeast(q[0]), q[4], 0, Style{Stroke: color, Width: 1})
		f.whisker(c, at.X, f.atLeast(q[1]), q[3], 0, Style{Stroke: alpha(color, 0.45), Width: 6})
		if q[0] < q[4] {
			f.tip(c, at.X, q[0], 4, color)
			f.tip(c, at.X, q[4], 2, color)
		}
		if f.area.Contains(at) {
			marks = append(marks, at)
		}
	}
	flush()
	paintMarkers(c, s.index, marks, markerRadius, color)
}

// atLeast keeps the lower end of a bar within a logarithmic axis.
func (f *frame) atLeast(v float64) float64 {
	if f.y.log {
		return math.Max(v, f.y.lo)
	}
	return v
}

// tip paints the triangle at the end of a whisker: shape 2 points up, 4 down.
func (f *frame) tip(c *Canvas, x, v float64, shape int, color Color) {
	if shown(v, f.y.log) {
		if at := (canvas.Pt(x, f.py(v))); f.area.Contains(at) {
			paintMarkers(c, shape, []canvas.Point{at}, 2.6, color)
		}
	}
}
