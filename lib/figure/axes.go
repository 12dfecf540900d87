// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"math"
	"slices"
)

// Axes holds the options of every figure that has axes. X and Y are required; the zero values of all other fields are
// defaults.
type Axes struct {
	Title string
	X, Y  string // labels with units, such as "error (%)"; required
	Z     string // label of the colour bar; required if there is one

	Width  float64 // of the whole figure; default 640
	Height float64 // of the whole figure; default: from the width and the data

	LogX, LogY             bool       // logarithmic axes; values that are not positive are omitted
	XRange, YRange, ZRange [2]float64 // ends of the axis; default: from the data
	XNames, YNames         []string   // names of 0, 1, 2...: classes, layers, settings

	// Lines, Scatter, LearningCurves, Ranges: a broken axis omits the values between two given ones and marks the break.
	// The gap is narrowed until no value lies in it. It is dropped if nothing of it remains, or if no data lie beyond it.
	// Each part gets space in proportion to its length, but at least 30 % of the axis. Logarithmic axes cannot be broken,
	// and the interactive view ignores the gap.
	XGap, YGap [2]float64

	Legend Legend

	Map     ColorMap // HeatMap, Raster: colours; see their documentation for defaults
	Values  bool     // HeatMap: write the value into each cell
	Bins    int      // Histograms: number of bins; default: the rule of Freedman and Diaconis, 5 to 60
	Columns int      // Histograms: panels side by side; default: about as many as rows
}

// Legend is the position of the legend. A legend never covers data.
type Legend int

const (
	LegendAuto  Legend = iota // above, or at the right if there are many series; none for one series without a name
	LegendAbove               // in rows between title and plot
	LegendRight               // in a column
	LegendBelow               // in rows under the x label
	LegendNone
)

// A Series is one curve, one set of points or one group of bars.
type Series struct {
	Name string
	X    []float64 // default: 1, 2, 3, ... for the values; 0, 1, 2, ... if Axes.XNames is set
	Y    []float64 // one value per X; omit it if there are Runs

	// Low and High are the ends of a band or an error bar, one per X. Set both or neither.
	Low, High []float64

	// Runs are repetitions of the measurement: one row per run (seed), with one value per X. A run that stopped early may
	// be shorter; NaN marks a missing value. The curve is the median over runs.
	Runs [][]float64
	Band Band // how Low and High are computed from Runs

	Dashed bool // for reference lines, such as a chance level or a document's value
}

// Band is the way in which the spread over runs is drawn.
type Band int

const (
	BandIQR   Band = iota // from the lower to the upper quartile
	BandRange             // from the minimum to the maximum
	BandNone
)

// A curve is a Series with defaults filled in and runs summarised.
type curve struct {
	Series
	index int         // determines colour and marker
	stats []fiveStats // one per X, only with runs
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

// curves fills in the defaults of series and panics if lengths do not fit.
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

// Transpose turns rows into columns: it turns values grouped by setting into the Runs of a Series, and back. Rows may
// differ in length; missing values become NaN.
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

// require panics if an axis label is missing.
func (a Axes) require(op string, z bool) {
	missing := func(name string) {
		panic(fmt.Sprintf("figure: %s: the %s axis needs a label with a unit, such as \"error (%%)\"", op, name))
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

// width returns the requested width, or the default.
func (a Axes) width() float64 {
	if a.Width > 0 {
		return a.Width
	}
	return defaultWidth
}

// height returns the requested height, or one that suits a plot in a slot.
func (a Axes) height(p slot) float64 {
	if a.Height > 0 {
		return a.Height
	}
	return max(min(max(0.6*p.width, min(0.8*p.width, 260)), 400), p.height)
}
