// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// ScatterClasses draws samples as points in the plane, at the first two columns of points, with a colour and a marker
// for each class. names holds the names of the classes; with nil they are numbered. Points of all classes are drawn in
// turn, so that later classes do not cover earlier ones.
func ScatterClasses[M Matrix](a Axes, points M, labels []int, names []string) *Figure {
	a.require("ScatterClasses", false)
	n := numbersOf("ScatterClasses", points)
	if n.width() < 2 {
		panic(fmt.Sprintf("figure: ScatterClasses: points need two columns, there is %d", n.width()))
	}
	checkLabels("ScatterClasses", len(n.rows), labels, names)
	classes := len(names)
	for _, k := range labels {
		classes = max(classes, k+1)
	}
	xs, ys := emptySpan(), emptySpan()
	counts := make([]int, classes)
	for i, row := range n.rows {
		if shown(row[0], a.LogX) && shown(row[1], a.LogY) {
			xs.add(a.LogX, row[0])
			ys.add(a.LogY, row[1])
			counts[labels[i]]++
		}
	}
	base := frame{axes: a, x: newAxis(xs, a.XRange, a.LogX, 0.04, nil), y: newAxis(ys, a.YRange, a.LogY, 0.04, nil)}
	base.x.grid, base.y.grid = true, true
	if xs.empty() {
		base.note = "no values to show"
	}
	var entries []entry
	fig := &Figure{kind: "ScatterClasses", width: a.width(), samples: len(n.rows)}
	fig.facts = base.facts()
	for k := range classes {
		name := fmt.Sprint(k)
		if names != nil {
			name = names[k]
		}
		entries = append(entries, entry{name: name, index: k, swatch: swatchMarker})
		fig.facts = append(fig.facts, fmt.Sprintf("%s: %d points", name, counts[k]))
	}
	if a.Legend == LegendAuto && classes > 5 {
		a.Legend, base.axes.Legend = LegendRight, LegendRight
	}
	fig.Alt = fmt.Sprintf("Map of %d samples of %d classes, %s against %s.", len(n.rows), classes, a.Y, a.X)
	fig.plan = func(p slot) drawing {
		f := base.marked(p.mark)
		height := a.Height
		if height == 0 {
			height = max(min(max(0.7*p.width, 240), 460), p.height)
		}
		f.layout(p.width, height, entries)
		return drawing{w: f.w, h: f.h, paint: func(c *Canvas) {
			f.under(c)
			f.classPoints(c, n, labels, classes)
			f.over(c)
		}}
	}
	fig.echarts = func() ([]byte, error) { return classOption(a, n, labels, entries) }
	return fig
}

// classPoints paints the points in batches; within a batch each class is one path.
func (f *frame) classPoints(c *Canvas, n numbers, labels []int, classes int) {
	radius, opacity := 3.8, 0.8
	switch {
	case len(n.rows) > 3000:
		radius, opacity = 1.9, 1
	case len(n.rows) > 400:
		radius, opacity = 2.7, 1
	}
	const batches = 8
	size := (len(n.rows) + batches - 1) / batches
	for from := 0; from < len(n.rows); from += size {
		groups := make([][]canvas.Point, classes)
		for i := from; i < min(from+size, len(n.rows)); i++ {
			x, y := n.rows[i][0], n.rows[i][1]
			if !f.shown(x, y) {
				continue
			}
			if p := (canvas.Pt(f.px(x), f.py(y))); f.area.Contains(p) {
				groups[labels[i]] = append(groups[labels[i]], p)
			}
		}
		for k, points := range groups {
			paintMarkers(c, k, points, radius, alpha(ClassColor(k), opacity))
		}
	}
}
