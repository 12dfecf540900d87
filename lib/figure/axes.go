// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"slices"
)

// Axes holds the options of every figure that has axes. X and Y are required; the zero value of all others is a
// sensible default.
type Axes struct {
	Title string
	X, Y  string // what the axes show, with the unit: "error (%)"; the helpers panic where one is empty
	Z     string // the same for a colour bar; required where there is one

	Width  float64 // of the whole figure; default 640
	Height float64 // of the whole figure; default: what suits the width and the data

	LogX, LogY             bool       // logarithmic; values that are not positive are left out
	XRange, YRange, ZRange [2]float64 // the ends of the axis; default: from the data
	XNames, YNames         []string   // names of 0, 1, 2...: classes, layers, settings

	// Lines, Scatter, LearningCurves, Ranges: a broken axis leaves out what lies between two values, and marks the place.
	// The gap is narrowed until no value lies in it, and is no gap where that leaves nothing or the data do not reach
	// beyond it. Each part gets room for its length, at least 30 % of the axis. A logarithmic axis cannot be broken, and
	// the interactive view is not.
	XGap, YGap [2]float64

	Legend Legend

	Map     ColorMap // HeatMap, Raster: colours; each documents its default
	Values  bool     // HeatMap: write the value into each cell
	Bins    int      // Histograms: number of bins; default: the rule of Freedman and Diaconis, 5 to 60
	Columns int      // Histograms: panels side by side; default: about as many as rows
}

// Legend says where the names of the series go. They never cover data.
type Legend int

const (
	LegendAuto  Legend = iota // above the plot, or at its right if there are many; none for one series without a name
	LegendAbove               // in rows between title and plot
	LegendRight               // in a column
	LegendBelow               // in rows under the x label
	LegendNone
)

// A Series is one curve, one set of points or one group of bars.
type Series struct {
	Name string
	X    []float64 // default: 1, 2, 3, ... one for each value; 0, 1, 2, ... where Axes.XNames names them
	Y    []float64 // one for each X; leave it out where there are Runs

	// Low and High are the ends of a band or an error bar, one for each X; give both or neither.
	Low, High []float64

	// Runs are repetitions of the measurement, one row for each run (seed) with one value for each X. A run that
	// stopped early may be shorter; NaN marks a missing value. The curve is the median over runs.
	Runs [][]float64
	Band Band // what Low and High are made of, given Runs

	Dashed bool // for references, such as a chance level or a document's value
}

// Band says how the spread over runs is drawn.
type Band int

const (
	BandIQR   Band = iota // from the lower to the upper quartile
	BandRange             // from the least to the largest
	BandNone
)

// A curve is a Series after its defaults are filled in and its runs are summarised.
type curve struct {
	Series
	index int         // gives colour and marker
	stats []fiveStats // one for each X, only with runs
}

// fiveStats are the minimum, lower quartile, median, upper quartile and maximum of the finite values.
type fiveStats [5]float64

func summarise(values []float64) fiveStats {
	var finite []float64
	for _, v := range values {
		if shown(v, false) {
			finite = append(finite, v)
		}
	}
	nan := math.NaN()
	if len(finite) == 0 {
		return fiveStats{nan, nan, nan, nan, nan}
	}
	slices.Sort(finite)
	var s fiveStats
	for i := range s {
		s[i] = quantile(finite, float64(i)/4)
	}
	return s
}

// quantile interpolates linearly between the order statistics of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// curves fills in the defaults of series and panics where lengths do not fit.
func curves(op string, a Axes, series []Series) []curve {
	if len(series) == 0 {
		panic("figure: " + op + ": no series")
	}
	out := make([]curve, len(series))
	for i, s := range series {
		c := curve{Series: s, index: i}
		fail := func(format string, args ...any) {
			panic(fmt.Sprintf("figure: %s: series %d %q: %s", op, i, s.Name, fmt.Sprintf(format, args...)))
		}
		if s.Runs != nil {
			if s.Y != nil || s.Low != nil || s.High != nil {
				fail("Runs together with Y, Low or High")
			}
			c.summariseRuns()
		}
		n := len(c.Y)
		if c.X == nil {
			c.X = make([]float64, n)
			for j := range c.X {
				c.X[j] = float64(j + 1)
				if a.XNames != nil {
					c.X[j] = float64(j)
				}
			}
		}
		if len(c.X) != n {
			fail("%d values of X, %d of Y", len(c.X), n)
		}
		if (c.Low == nil) != (c.High == nil) || c.Low != nil && (len(c.Low) != n || len(c.High) != n) {
			fail("%d values of Y, %d of Low, %d of High", n, len(c.Low), len(c.High))
		}
		c.Dashed = c.Dashed || i >= len(classColors) // colours repeat
		out[i] = c
	}
	return out
}

func (c *curve) summariseRuns() {
	n := 0
	for _, run := range c.Runs {
		n = max(n, len(run))
	}
	c.stats = make([]fiveStats, n)
	c.Y = make([]float64, n)
	if c.Band != BandNone {
		c.Low, c.High = make([]float64, n), make([]float64, n)
	}
	for j := range n {
		var values []float64
		for _, run := range c.Runs {
			if j < len(run) {
				values = append(values, run[j])
			}
		}
		s := summarise(values)
		c.stats[j], c.Y[j] = s, s[2]
		switch c.Band {
		case BandIQR:
			c.Low[j], c.High[j] = s[1], s[3]
		case BandRange:
			c.Low[j], c.High[j] = s[0], s[4]
		}
	}
}

// Transpose turns rows into columns: values grouped by setting become the Runs of a Series, and back. Rows may
// differ in length; what is missing becomes NaN.
func Transpose(rows [][]float64) [][]float64 {
	n := 0
	for _, row := range rows {
		n = max(n, len(row))
	}
	out := make([][]float64, n)
	for j := range out {
		out[j] = make([]float64, len(rows))
		for i, row := range rows {
			out[j][i] = math.NaN()
			if j < len(row) {
				out[j][i] = row[j]
			}
		}
	}
	return out
}

// require panics where an axis label is missing.
func (a Axes) require(op string, z bool) {
	missing := func(name string) {
		panic(fmt.Sprintf("figure: %s: the %s axis needs a label with its unit, such as \"error (%%)\"", op, name))
	}
	switch {
	case a.X == "":
		missing("X")
	case a.Y == "":
		missing("Y")
	case z && a.Z == "":
		missing("Z (colour)")
	}
	for _, r := range [][2]float64{a.XRange, a.YRange, a.ZRange} {
		if r != ([2]float64{}) && !(r[0] < r[1]) {
			panic(fmt.Sprintf("figure: %s: the range %v has its ends in the wrong order", op, r))
		}
	}
	for _, gap := range [][2]float64{a.XGap, a.YGap} {
		if gap != ([2]float64{}) && !(gap[0] < gap[1]) {
			panic(fmt.Sprintf("figure: %s: the gap %v has its ends in the wrong order", op, gap))
		}
	}
	if a.LogX && a.XGap != ([2]float64{}) || a.LogY && a.YGap != ([2]float64{}) {
		panic(fmt.Sprintf("figure: %s: a logarithmic axis cannot be broken", op))
	}
	if a.LogX && a.XRange[0] < 0 || a.LogX && a.XRange[1] != 0 && a.XRange[0] == 0 ||
		a.LogY && a.YRange[0] < 0 || a.LogY && a.YRange[1] != 0 && a.YRange[0] == 0 {
		panic(fmt.Sprintf("figure: %s: a logarithmic axis needs a range above zero", op))
	}
	if a.Width < 0 || a.Height < 0 || a.Width > 0 && a.Width < 120 || a.Height > 0 && a.Height < 100 {
		panic(fmt.Sprintf("figure: %s: %g x %g CSS pixels is too small, the least is 120 x 100", op, a.Width, a.Height))
	}
}

const defaultWidth = 640.0

// width returns the width asked for, or the default.
func (a Axes) width() float64 {
	if a.Width > 0 {
		return a.Width
	}
	return defaultWidth
}

// height returns the height asked for, or one that suits a plot in a place.
func (a Axes) height(p slot) float64 {
	if a.Height > 0 {
		return a.Height
	}
	return max(min(max(0.6*p.width, min(0.8*p.width, 260)), 400), p.height)
}
