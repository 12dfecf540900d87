// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure/internal/canvas"
)

// A span is a closed range of numbers; an empty one has lo > hi.
type span struct{ lo, hi float64 }

func emptySpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s span) empty() bool { return s.lo > s.hi }

// add widens the span to finite values (positive ones on a logarithmic axis).
func (s *span) add(log bool, values ...float64) {
	for _, v := range values {
		if shown(v, log) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
}

// shown reports whether a value can be placed on an axis: its magnitude is at most 1e100 and, on a logarithmic axis, it
// is at least 1e-100. These bounds keep differences and quotients of shown values finite.
func shown(v float64, log bool) bool {
	const huge = 1e100
	return math.Abs(v) <= huge && (!log || v >= 1/huge) // false for NaN
}

// A scale places numbers on an axis from 0 to 1.
type scale struct {
	span
	log bool
	gap span // of a broken axis: the omitted values; the zero value means not broken
}

// newScale returns the scale for data within a span, with a margin (a share of the range) at both ends unless a range
// is requested.
func newScale(data span, asked [2]float64, log bool, margin float64) scale {
	if asked != ([2]float64{}) {
		return scale{span: span{asked[0], asked[1]}, log: log}
	}
	if data.empty() {
		data = span{0, 1}
		if log {
			data = span{0.1, 1}
		}
	}
	if log {
		if data.lo == data.hi {
			data.lo, data.hi = data.lo/2, data.hi*2
		}
		f := math.Pow(data.hi/data.lo, margin)
		return scale{span: span{data.lo / f, data.hi * f}, log: true}
	}
	if data.hi-data.lo <= 1e-12*math.Max(math.Abs(data.lo), math.Abs(data.hi)) { // equal up to rounding
		d := math.Max(math.Abs(data.lo)*0.1, 0.5)
		data.lo, data.hi = data.lo-d, data.hi+d
	}
	d := (data.hi - data.lo) * margin
	out := span{data.lo - d, data.hi + d}
	if data.lo >= 0 && out.lo < 0 {
		out.lo = 0 // amounts are not negative
	}
	if data.hi <= 0 && out.hi > 0 {
		out.hi = 0
	}
	return scale{span: out}
}

// place returns the position of v, 0 at the low end and 1 at the high one.
func (s scale) place(v float64) float64 {
	switch {
	case s.log:
		return math.Log(v/s.lo) / math.Log(s.hi/s.lo)
	case s.broken():
		return s.placeBroken(v)
	}
	return (v - s.lo) / (s.hi - s.lo)
}

// A tick is a labelled position on an axis.
type tick struct {
	at    float64
	label string // "" for a minor tick
}

// width returns the width of the label, or of its longest line.
func (t tick) width() float64 {
	w := 0.0
	for line := range strings.SplitSeq(t.label, "\n") {
		w = math.Max(w, canvas.TextWidth(line, canvas.TickSize, false))
	}
	return w
}

// ticks returns ticks at round numbers, with at most about most labels.
func (s scale) ticks(most int, whole bool) []tick {
	most = min(max(most, 2), 15) // more than 15 are unreadable, and the number may grow below
	if s.broken() {
		return s.brokenTicks(most, whole)
	}
	if s.log && s.hi/s.lo >= 10 {
		return s.logTicks(most)
	}
	var out []tick
	var step float64
	for len(out) < 2 && most < 16 { // a coarse step may miss a narrow range
		out, step = s.linearTicks(most, whole)
		most++
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if m := step * math.Pow10(decimals); math.Abs(m-math.Round(m)) > 1e-6 {
		decimals++ // steps of 2.5
	}
	big := math.Max(math.Abs(s.lo), math.Abs(s.hi))
	for i, t := range out {
		out[i].label = tickLabel(t.at, decimals, big)
	}
	return out
}

// linearTicks returns the multiples of a round step, without labels.
func (s scale) linearTicks(most int, whole bool) (out []tick, step float64) {
	step = niceStep((s.hi-s.lo)/float64(most), whole)
	first := math.Ceil(s.lo/step - 1e-9)
	// The bound on len(out) ends the loop if i is too large to be incremented.
	for i := first; i*step <= s.hi+1e-9*step && len(out) <= 2*most+2; i++ {
		out = append(out, tick{at: i * step})
	}
	return out, step
}

// niceStep returns the smallest of 1, 2, 2.5, 5 times a power of ten that is at least step.
func niceStep(step float64, whole bool) float64 {
	if whole && step <= 1 {
		return 1
	}
	power := math.Pow10(int(math.Floor(math.Log10(step))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if whole && m == 2.5 && power < 10 {
			continue
		}
		if m*power >= step*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func (s scale) logTicks(most int) []tick {
	lo, hi := int(math.Ceil(math.Log10(s.lo)-1e-9)), int(math.Floor(math.Log10(s.hi)+1e-9))
	every := 1 // decades between labels
	for _, every = range []int{1, 2, 3, 5, 10, 20, 50, 100} {
		if (hi-lo)/every < most {
			break
		}
	}
	plain := s.lo >= 1e-3 && s.hi <= 5e4 // otherwise all labels are powers
	var out []tick
	for e := lo - 1; e <= hi; e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow10(e)
			if v < s.lo*(1-1e-9) || v > s.hi*(1+1e-9) {
				continue
			}
			t := tick{at: v}
			labelled := m == 1 && e%every == 0
			if hi-lo < 2 && (m == 2 || m == 5) {
				labelled = true
			}
			if labelled {
				t.label = logLabel(m, e, plain)
			} else if every > 1 && m > 1 {
				continue
			}
			out = append(out, t)
		}
	}
	return out
}

func logLabel(m, e int, plain bool) string {
	if plain {
		return strconv.FormatFloat(float64(m)*math.Pow10(e), 'f', max(0, -e), 64)
	}
	return power(strconv.Itoa(m), e)
}

func tickLabel(v float64, decimals int, big float64) string {
	if v == 0 || math.Abs(v) < big*1e-12 {
		return "0"
	}
	if big >= 1e6 || big < 1e-3 {
		text := strconv.FormatFloat(v, 'e', 3, 64)
		mantissa, exponent, _ := strings.Cut(text, "e")
		e, _ := strconv.Atoi(exponent)
		return power(minus(strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")), e)
	}
	return minus(strconv.FormatFloat(v, 'f', decimals, 64))
}

// power formats m times ten to the e, with the minus sign and superscripts.
func power(mantissa string, e int) string {
	digits := strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶",
		"7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(e))
	switch mantissa {
	case "1":
		return "10" + digits
	case "−1":
		return "−10" + digits
	}
	return mantissa + "×10" + digits
}

// minus replaces the hyphen of a negative number by a minus sign.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// short formats a number for readers, with three digits.
func short(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e5 || math.Abs(v) < 1e-4) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 0
	if v != 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}
