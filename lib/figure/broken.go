// SPDX-License-Identifier: Apache-2.0

package figure

import "math"

// An extent collects the values that an axis must show.
type extent struct {
	log    bool
	values []float64
}

func (e *extent) add(values ...float64) {
	for _, v := range values {
		if shown(v, e.log) {
			e.values = append(e.values, v)
		}
	}
}

// axis returns the axis for the values, or for names at 0, 1, 2..., broken at the requested gap.
func (e *extent) axis(asked, gap [2]float64, margin float64, names []string) axis {
	s := emptySpan()
	s.add(e.log, e.values...)
	a := newAxis(s, asked, e.log, margin, names)
	if gap != ([2]float64{}) && names == nil {
		a.gap = e.narrowed(span{gap[0], gap[1]}, a.span)
	}
	return a
}

// narrowed moves the ends of a gap beyond the values on both sides of its middle, with some space for their markers. It
// returns the zero value if nothing remains of the gap, or of the axis on one of its sides.
func (e *extent) narrowed(gap, axis span) span {
	const room = 0.06
	below, above := axis.lo, axis.hi
	for _, v := range e.values {
		if v <= (gap.lo+gap.hi)/2 {
			below = math.Max(below, v)
		} else {
			above = math.Min(above, v)
		}
	}
	gap.lo = math.Max(gap.lo, below+room*(below-axis.lo))
	gap.hi = math.Min(gap.hi, above-room*(axis.hi-above))
	if gap.empty() || below <= axis.lo || above >= axis.hi {
		return span{}
	}
	return gap
}

// gapShare is the share of a broken axis that the gap takes, leastShare the minimum share of each part.
const gapShare, leastShare = 0.035, 0.3

func (s scale) broken() bool { return s.gap != span{} }

// low returns the share of a broken axis below its gap.
func (s scale) low() float64 {
	below, above := s.gap.lo-s.lo, s.hi-s.gap.hi
	return (1 - gapShare) * math.Min(math.Max(below/(below+above), leastShare), 1-leastShare)
}

// placeBroken returns the position of v. It is piecewise linear, with one piece each below, in and above the gap.
func (s scale) placeBroken(v float64) float64 {
	low := s.low()
	switch {
	case v <= s.gap.lo:
		return (v - s.lo) / (s.gap.lo - s.lo) * low
	case v >= s.gap.hi:
		return 1 - (s.hi-v)/(s.hi-s.gap.hi)*(1-low-gapShare)
	}
	return low + (v-s.gap.lo)/(s.gap.hi-s.gap.lo)*gapShare
}

// brokenTicks returns the ticks of both parts, each at its own round numbers.
func (s scale) brokenTicks(most int, whole bool) []tick {
	low := s.low()
	below, above := scale{span: span{s.lo, s.gap.lo}}, scale{span: span{s.gap.hi, s.hi}}
	out := below.ticks(int(math.Round(low*float64(most))), whole)
	for _, t := range above.ticks(int(math.Round((1-low)*float64(most))), whole) {
		if s.place(t.at)-s.place(out[len(out)-1].at) < 2*gapShare {
			t.label = "" // keep the label at the other side of the gap
		}
		out = append(out, t)
	}
	return out
}

// breaks covers curves within the gap of a broken axis and marks the break at both ends.
func (f *frame) breaks(c *Canvas) {
	const slant = 3.0
	line := Style{Stroke: Muted, Width: 1}
	cover := Style{Fill: Paper, Stroke: Paper, Width: -1}
	if f.y.broken() {
		top, bottom := f.py(f.y.gap.hi), f.py(f.y.gap.lo)
		c.Box(f.area.X-1, top+1, f.area.W+2, bottom-top-2, "", cover)
		for _, x := range []float64{f.area.X, f.area.Right()} {
			for _, y := range []float64{top + 1, bottom - 1} {
				c.Line(x-5, y+slant, x+5, y-slant, line)
			}
		}
	}
	if f.x.broken() {
		left, right := f.px(f.x.gap.lo), f.px(f.x.gap.hi)
		c.Box(left+1, f.area.Y-1, right-left-2, f.area.H+2, "", cover)
		for _, y := range []float64{f.area.Y, f.area.Bottom()} {
			for _, x := range []float64{left + 1, right - 1} {
				c.Line(x-slant, y+5, x+slant, y-5, line)
			}
		}
	}
}
