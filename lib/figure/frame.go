// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// cardMargin is the blank border of a figure, which separates it from a dark page.
const cardMargin = 12.0

// An axis is a scale with its ticks.
type axis struct {
	scale
	names  []string // categories at 0, 1, 2...; they become the labels of the ticks
	whole  bool     // ticks at whole numbers only
	flip   bool     // y: the low end is at the top
	grid   bool
	groups []tick // ticks set by the caller instead of computed ones

	ticks  []tick
	turned bool // x: labels are vertical
}

// A frame is the layout of one plot: title, legend, axes, and the remaining area for data.
type frame struct {
	axes   Axes
	w, h   float64
	area   canvas.Rect
	x, y   axis
	title  []string
	xLabel []string
	yLabel []string
	legend legendBox
	note   string  // shown in the middle of an area without data
	extra  float64 // width reserved at the right, for a colour bar
}

// newAxis returns the axis for data within a span, or for names at 0, 1, 2...
func newAxis(data span, asked [2]float64, log bool, margin float64, names []string) axis {
	if names != nil {
		return axis{scale: scale{span: span{-0.5, float64(len(names)) - 0.5}}, names: names}
	}
	return axis{scale: newScale(data, asked, log, margin)}
}

// marked returns a copy of the frame with a mark, such as "(a)", before the title.
func (f frame) marked(mark string) *frame {
	f.axes.Title = join(mark, f.axes.Title)
	return &f
}

func join(mark, title string) string { return strings.TrimSpace(mark + " " + title) }

// titleTop returns the height that a title takes above a figure, margin included.
func titleTop(lines []string) float64 {
	if len(lines) == 0 {
		return cardMargin
	}
	return cardMargin + float64(len(lines))*canvas.TitleSize*canvas.LineSpacing + 6
}

func titleLines(title string, width float64) []string {
	if title == "" {
		return nil
	}
	return canvas.Wrap(title, canvas.TitleSize, true, width-2*cardMargin)
}

func paintTitle(c *Canvas, lines []string) {
	for i, line := range lines {
		y := cardMargin + (float64(i)+0.5)*canvas.TitleSize*canvas.LineSpacing
		c.Text(cardMargin, y, line, Style{Size: canvas.TitleSize, Bold: true, Align: Left})
	}
}

// leastPlot is the minimum height of the area for data.
const leastPlot = 72.0

// layout computes all positions for a figure of the given size.
func (f *frame) layout(w, h float64, entries []entry) {
	inner := w - 2*cardMargin
	f.title = titleLines(f.axes.Title, w)
	top := titleTop(f.title)
	f.legend = placeLegend(f.axes.Legend, entries, inner)
	switch f.legend.where { // a long legend makes the figure taller, not the plot smaller
	case LegendRight:
		h = math.Max(h, top+4+f.legend.h+cardMargin)
	case LegendAbove, LegendBelow:
		h += math.Max(f.legend.h-2*legendLine, 0)
	}
	f.w, f.h = w, h
	f.area = canvas.Rect{X: cardMargin, Y: top + 4, W: inner - f.extra, H: h - top - cardMargin - 4}
	switch f.legend.where {
	case LegendAbove:
		f.legend.y = top
		f.area.Y += f.legend.h + 6
		f.area.H -= f.legend.h + 6
	case LegendBelow:
		f.area.H -= f.legend.h + 8
		f.legend.y = h - cardMargin - f.legend.h
	case LegendRight:
		f.area.W -= f.legend.w + 14
	}

	// The widths of y labels and the heights of x labels depend on each other: two rounds settle them.
	outer := f.area
	for range 2 {
		f.xLabel = canvas.Wrap(f.axes.X, canvas.LabelSize, false, f.area.W)
		f.yLabel = canvas.Wrap(f.axes.Y, canvas.LabelSize, false, f.area.H)
		f.yTicks()
		left := float64(len(f.yLabel))*canvas.LabelSize*canvas.LineSpacing + 4 + f.y.widest() + 8
		f.area.X, f.area.W = outer.X+left, outer.W-left
		f.xTicks()
		below := float64(len(f.xLabel))*canvas.LabelSize*canvas.LineSpacing + 4 + f.xTickHeight() + 8
		f.area.H = outer.H - below
		if over := f.rightmost() - (outer.Right() + cardMargin - 2); over > 0 {
			f.area.W -= over
		}
	}
	if short := leastPlot - f.area.H; short > 1 { // titles and names leave too little space: the figure grows
		f.layout(w, h+math.Ceil(short), entries)
		return
	}
	f.area.X, f.area.Y = math.Round(f.area.X), math.Round(f.area.Y)
	f.area.W, f.area.H = math.Max(math.Round(f.area.W), 20), math.Max(math.Round(f.area.H), 20)
	f.yTicks()
	f.xTicks()
	switch f.legend.where {
	case LegendRight:
		f.legend.x, f.legend.y = w-cardMargin-f.legend.w, f.area.Y
	default:
		f.legend.x = cardMargin
	}
}

func (a *axis) widest() float64 {
	widest := 0.0
	for _, t := range a.ticks {
		widest = math.Max(widest, t.width())
	}
	return widest
}

func (f *frame) yTicks() {
	const gap = 4
	switch {
	case f.y.groups != nil:
		f.y.ticks = f.thin(f.y.groups, &f.y, f.area.H, func(tick) float64 { return canvas.TickSize + gap })
	case f.y.names != nil:
		f.y.ticks = nameTicks(f.y.names, f.w*0.3)
		f.y.ticks = f.thin(f.y.ticks, &f.y, f.area.H, func(tick) float64 { return canvas.TickSize + gap })
	default:
		f.y.ticks = f.y.scale.ticks(max(3, int(f.area.H/36)), f.y.whole)
		f.y.ticks = f.thin(f.y.ticks, &f.y, f.area.H, func(tick) float64 { return canvas.TickSize + gap })
	}
}

func (f *frame) xTicks() {
	const gap = 10
	wide := func(t tick) float64 { return t.width() + gap }
	f.x.turned = false
	if f.x.names != nil {
		each := f.area.W/float64(len(f.x.names)) - gap
		if f.x.ticks = wrappedTicks(f.x.names, each); f.x.ticks != nil {
			return
		}
		all := nameTicks(f.x.names, 110)
		f.x.ticks = f.thin(all, &f.x, f.area.W, wide)
		if f.x.turned = !allNumbers(all); f.x.turned {
			f.x.ticks = f.thin(all, &f.x, f.area.W, func(tick) float64 { return canvas.TickSize + 4 })
		}
		return
	}
	for most := int(f.area.W / 40); ; most-- {
		f.x.ticks = f.x.scale.ticks(most, f.x.whole)
		thinned := f.thin(f.x.ticks, &f.x, f.area.W, wide)
		if labelled(thinned) == labelled(f.x.ticks) || most <= 2 {
			f.x.ticks = thinned
			return
		}
	}
}

func nameTicks(names []string, width float64) []tick {
	out := make([]tick, len(names))
	for i, name := range names {
		out[i] = tick{float64(i), canvas.Shorten(name, canvas.TickSize, false, width)}
	}
	return out
}

// wrappedTicks wraps names to at most three lines of a width; it returns nil if one does not fit.
func wrappedTicks(names []string, width float64) []tick {
	out := make([]tick, len(names))
	for i, name := range names {
		for _, word := range strings.Fields(name) {
			if canvas.TextWidth(word, canvas.TickSize, false) > width {
				return nil
			}
		}
		lines := canvas.Wrap(name, canvas.TickSize, false, width)
		if len(lines) > 3 {
			return nil
		}
		out[i] = tick{float64(i), strings.Join(lines, "\n")}
	}
	return out
}

func labelled(ticks []tick) (n int) {
	for _, t := range ticks {
		if t.label != "" {
			n++
		}
	}
	return n
}

// allNumbers reports whether every label starts with a digit. Only such labels may be dropped freely.
func allNumbers(ticks []tick) bool {
	for _, t := range ticks {
		if t.label == "" || t.label[0] < '0' || t.label[0] > '9' {
			return false
		}
	}
	return true
}

// thin drops labels at a regular step until no two labels overlap on an axis of the given length.
func (f *frame) thin(ticks []tick, a *axis, length float64, room func(tick) float64) []tick {
	fits := func(ts []tick) bool {
		end := math.Inf(-1)
		for _, t := range ts {
			if t.label == "" {
				continue
			}
			at, half := a.place(t.at)*length, room(t)/2
			if at-half < end {
				return false
			}
			end = at + half
		}
		return true
	}
	for every := 1; ; every++ {
		out := make([]tick, len(ticks))
		n := 0
		for i, t := range ticks {
			out[i] = t
			if t.label == "" {
				continue
			}
			if n%every != 0 {
				out[i].label = ""
			}
			n++
		}
		if fits(out) || every > n {
			return out
		}
	}
}

func (f *frame) xTickHeight() float64 {
	if f.x.turned {
		return f.x.widest() + 4
	}
	lines := 1
	for _, t := range f.x.ticks {
		lines = max(lines, 1+strings.Count(t.label, "\n"))
	}
	return canvas.TickSize + 2 + float64(lines-1)*canvas.TickSize*canvas.LineSpacing
}

// rightmost returns the right end of the x labels.
func (f *frame) rightmost() float64 {
	far := 0.0
	for _, t := range f.x.ticks {
		if t.label != "" && !f.x.turned {
			far = math.Max(far, f.px(t.at)+t.width()/2)
		}
	}
	return far
}

// px and py return the position of a value on the canvas.
func (f *frame) px(v float64) float64 { return f.area.X + f.x.place(v)*f.area.W }

func (f *frame) py(v float64) float64 {
	if f.y.flip {
		return f.area.Y + f.y.place(v)*f.area.H
	}
	return f.area.Bottom() - f.y.place(v)*f.area.H
}

// shown reports whether a point has a position on both axes (inside the area or not).
func (f *frame) shown(x, y float64) bool { return shown(x, f.x.log) && shown(y, f.y.log) }

// under paints the layer below the data: grid lines and the title.
func (f *frame) under(c *Canvas) {
	paintTitle(c, f.title)
	grid := Style{Stroke: canvas.RGB(0xe6e9ed), Width: 1}
	for _, t := range f.y.ticks {
		if f.y.grid && f.note == "" && t.label != "" {
			c.Line(f.area.X, f.py(t.at), f.area.Right(), f.py(t.at), grid)
		}
	}
	for _, t := range f.x.ticks {
		if f.x.grid && f.note == "" && t.label != "" {
			c.Line(f.px(t.at), f.area.Y, f.px(t.at), f.area.Bottom(), grid)
		}
	}
}

// over paints the layer above the data: axes, labels, legend.
func (f *frame) over(c *Canvas) {
	line := Style{Stroke: Muted, Width: 1}
	c.Line(f.area.X, f.area.Bottom(), f.area.Right(), f.area.Bottom(), line)
	c.Line(f.area.X, f.area.Y, f.area.X, f.area.Bottom(), line)
	labels := Style{Text: Muted, Size: canvas.TickSize}
	for _, t := range f.x.ticks {
		x, long := f.px(t.at), 4.0
		if t.label == "" {
			long = 2.5
		}
		c.Line(x, f.area.Bottom(), x, f.area.Bottom()+long, line)
		if f.x.turned {
			labels.Align = Right
			c.Turned(x, f.area.Bottom()+7, t.label, math.Pi/2, labels)
		} else {
			labels.Align = Center
			for i, s := range strings.Split(t.label, "\n") {
				c.Text(x, f.area.Bottom()+6+canvas.TickSize/2+float64(i)*canvas.TickSize*canvas.LineSpacing, s, labels)
			}
		}
	}
	labels.Align = Right
	for _, t := range f.y.ticks {
		y, long := f.py(t.at), 4.0
		if t.label == "" {
			long = 2.5
		}
		c.Line(f.area.X-long, y, f.area.X, y, line)
		c.Text(f.area.X-7, y, t.label, labels)
	}
	f.names(c)
	f.breaks(c)
	if f.note != "" {
		c.Text(f.area.X+f.area.W/2, f.area.Y+f.area.H/2, f.note, Style{Text: Muted})
	}
	f.legend.paint(c)
}

// names paints the labels of both axes.
func (f *frame) names(c *Canvas) {
	name := Style{Size: canvas.LabelSize}
	for i, s := range f.xLabel {
		y := f.area.Bottom() + 8 + f.xTickHeight() + (float64(i)+0.5)*canvas.LabelSize*canvas.LineSpacing
		c.Text(f.area.X+f.area.W/2, y, s, name)
	}
	for i, s := range f.yLabel {
		c.Turned(cardMargin+(float64(i)+0.5)*canvas.LabelSize*canvas.LineSpacing, f.area.Y+f.area.H/2, s, math.Pi/2, name)
	}
}
