// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestBrokenScale(t *testing.T) {
	s := scale{span: span{0, 7000}, gap: span{300, 5000}}
	low := s.low()
	if math.Abs(low-leastShare*(1-gapShare)) > 1e-12 {
		t.Errorf("the short part has %v of the axis", low)
	}
	for v, want := range map[float64]float64{0: 0, 150: low / 2, 300: low, 5000: low + gapShare, 7000: 1} {
		if got := s.place(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v lies at %v, want %v", v, got, want)
		}
	}
	last := -1.0
	for v := range 71 {
		if at := s.place(float64(100 * v)); at <= last {
			t.Errorf("%v lies at %v, not above what is below it", 100*v, at)
		} else {
			last = at
		}
	}
	for _, k := range s.ticks(8, false) {
		if k.at > 300 && k.at < 5000 {
			t.Errorf("a tick at %v, in the gap", k.at)
		}
	}
}

// A gap contains no value: it is narrowed or dropped.
func TestGapHoldsNoValue(t *testing.T) {
	values := []float64{0, 100, 280, 5200, 6000}
	for _, c := range []struct {
		gap    [2]float64
		lo, hi float64 // of the remaining gap; 0 for none
	}{
		{[2]float64{1000, 2000}, 1000, 2000},
		{[2]float64{50, 5800}, 280 + 0.06*280, 5200 - 0.06*(6300-5200)},
		{[2]float64{7000, 8000}, 0, 0}, // above all
		{[2]float64{-20, -10}, 0, 0},
		{[2]float64{110, 270}, 0, 0},   // nor for that at 280
		{[2]float64{5300, 5310}, 0, 0}, // no room for the marker at 5200
	} {
		e := extent{values: values}
		got := e.axis([2]float64{}, c.gap, 0.05, nil)
		if math.Abs(got.gap.lo-c.lo) > 1e-9 || math.Abs(got.gap.hi-c.hi) > 1e-9 {
			t.Errorf("gap %v became %v, want %v to %v", c.gap, got.gap, c.lo, c.hi)
		}
		for _, v := range values {
			if got.broken() && v > got.gap.lo && v < got.gap.hi {
				t.Errorf("%v lies in the gap %v", v, got.gap)
			}
		}
	}
}

func TestDescribeOfBrokenSharedAndSheets(t *testing.T) {
	for _, c := range []struct {
		f    *Figure
		want []string
	}{
		{brokenFigure(), []string{"x: λ, ", "without 0.01 to 0.1", "y: active units, 0 to ",
			"layer 1: 4 points, 4 to 6100, 3 runs"}},
		{sharedFigure(), []string{"SharedPanels", "(a) Lines", "(b) Lines", "y: loss (nats), 0.977 to 6.19"}},
		{sheetFigure(), []string{
			"ImageRows\n  title: Strokes\n  3 rows of up to 6 tiles of 14 x 14\n  colours: 0 (black) to 1 (white)",
			"original: 6 tiles, ", "λ = 0: 6 tiles", "λ = 10⁻⁴: 6 tiles"}},
		{FeatureMaps(Tiles{}, []string{"a"}, strokes(3, 8).Reshape(1, 3, 8, 8)),
			[]string{"FeatureMaps", "1 rows of up to 3 tiles of 8 x 8", "a: 3 tiles"}},
		{Kernels(Tiles{}, nil, strokes(6, 8)), []string{"Kernels", "1 rows of up to 6 tiles of 8 x 8", "(blue) to ",
			"(red)"}},
		{Kernels(Tiles{}, nil, strokes(6, 8).Reshape(2, 3, 8, 8)), []string{"2 rows of up to 3 tiles"}},
	} {
		got := c.f.Describe()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("the description lacks %q:\n%s", want, got)
			}
		}
	}
	if got := strings.Count(sharedFigure().Describe(), "y: loss (nats), 0.977 to 6.19"); got != 2 {
		t.Errorf("%d of 2 panels have the common range:\n%s", got, sharedFigure().Describe())
	}
}

func TestMistakesOfBrokenSharedAndSheetsPanic(t *testing.T) {
	line := func(a Axes) *Figure { a.X, a.Y = "x", "y"; return Lines(a, Series{Y: []float64{1, 2}}) }
	x := strokes(6, 8)
	for want, f := range map[string]func(){
		"figure: Lines: the gap [2 1] has its ends in the wrong order": func() { line(Axes{YGap: [2]float64{2, 1}}) },
		"figure: Lines: a logarithmic axis cannot be broken": func() {
			line(Axes{LogY: true, YGap: [2]float64{1, 2}})
		},
		"figure: SharedPanels: drawing has no axes to share": func() { SharedPanels(1, SharedX, drawFigure()) },
		"figure: SharedPanels: one axis is logarithmic and another is not": func() {
			SharedPanels(2, SharedY, line(Axes{}), line(Axes{LogY: true}))
		},
		"figure: ImageRows: 2 names for 6 columns": func() {
			ImageRows(Tiles{Names: []string{"a", "b"}}, ImageRow[*tensor.Tensor]{"", x})
		},
		"figure: ImageRows: tiles of 16 values in row 1, of 64 in row 0": func() {
			ImageRows(Tiles{}, ImageRow[*tensor.Tensor]{"", x}, ImageRow[*tensor.Tensor]{"", strokes(6, 4)})
		},
		"figure: Kernels: a tensor of shape [6 64], want [N,C,H,W]": func() { Kernels(Tiles{}, nil, x.Reshape(6, 64)) },
		"figure: FeatureMaps: 1 names for 6 rows":                   func() { FeatureMaps(Tiles{}, []string{"a"}, x) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panicked with %v, want %s", got, want)
				}
			}()
			f()
		}()
	}
}
