// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
)

// facts describes the axes for Describe.
func (f *frame) facts() []string {
	line := func(name, label string, a axis) string {
		kind := ""
		if a.log {
			kind = ", logarithmic"
		}
		if a.names != nil {
			return fmt.Sprintf("%s: %s, %d names", name, label, len(a.names))
		}
		if a.broken() {
			kind = fmt.Sprintf(", without %s to %s", short(a.gap.lo), short(a.gap.hi))
		}
		return fmt.Sprintf("%s: %s, %s to %s%s", name, label, short(a.lo), short(a.hi), kind)
	}
	out := []string{line("x", f.axes.X, f.x), line("y", f.axes.Y, f.y)}
	if f.axes.Title != "" {
		out = append([]string{"title: " + f.axes.Title}, out...)
	}
	if f.note != "" {
		out = append(out, f.note)
	}
	return out
}

// curveFacts describes each curve for Describe.
func curveFacts(cs []curve, a Axes) []string {
	var out []string
	for _, c := range cs {
		n, left := 0, 0
		for i, x := range c.X {
			if shown(x, a.LogX) && shown(c.Y[i], a.LogY) {
				n++
			} else {
				left++
			}
		}
		s := fmt.Sprintf("%s: %d points", c.title(), n)
		if r := c.span(a.LogY); !r.empty() {
			s += fmt.Sprintf(", %s to %s", short(r.lo), short(r.hi))
		}
		if c.Runs != nil {
			s += fmt.Sprintf(", %d runs", len(c.Runs))
		}
		if left > 0 {
			s += fmt.Sprintf(", %d left out", left)
		}
		out = append(out, s)
	}
	return out
}

// title returns the name of a curve, or a substitute.
func (c *curve) title() string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprintf("series %d", c.index+1)
}

// span returns the range of a curve's values.
func (c *curve) span(log bool) span {
	r := emptySpan()
	r.add(log, c.Y...)
	return r
}

// words returns "LOW to HIGH" after a preposition, or states that there are no values.
func (s span) words(from string) string {
	if s.empty() {
		return "without values"
	}
	return from + short(s.lo) + " to " + short(s.hi)
}

// rangeWords describes the range of each curve.
func rangeWords(cs []curve) []string {
	var out []string
	for _, c := range cs {
		r := c.span(false)
		switch {
		case r.empty():
			out = append(out, c.title()+" has no values")
		case r.lo == r.hi:
			out = append(out, fmt.Sprintf("%s is %s", c.title(), short(r.lo)))
		default:
			out = append(out, fmt.Sprintf("%s from %s to %s", c.title(), short(r.lo), short(r.hi)))
		}
	}
	return out
}

// trends describes the change of each curve from its first to its last value, with their positions.
func trends(cs []curve, xLabel string) []string {
	var out []string
	for _, c := range cs {
		first, last := -1, -1
		for i, y := range c.Y {
			if shown(y, false) && shown(c.X[i], false) {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		if first < 0 {
			out = append(out, c.title()+" has no values")
			continue
		}
		a, b := c.Y[first], c.Y[last]
		verb := fmt.Sprintf("falls from %s to %s", short(a), short(b))
		switch {
		case first == last:
			out = append(out, fmt.Sprintf("%s is %s at %s %s", c.title(), short(a), xLabel, short(c.X[first])))
			continue
		case math.Abs(a-b) <= 0.005*math.Max(math.Abs(a), math.Abs(b)):
			verb = fmt.Sprintf("ends as it starts at %s", short(b))
		case b > a:
			verb = fmt.Sprintf("rises from %s to %s", short(a), short(b))
		}
		out = append(out, fmt.Sprintf("%s %s over %s %s to %s", c.title(), verb, xLabel, short(c.X[first]), short(c.X[last])))
	}
	return out
}

// are returns a count with its verb: "1 is", "3 are".
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
