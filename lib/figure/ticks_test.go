// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		name string
		s    scale
		most int
		want string
	}{
		{"ones", scale{span: span{0, 5}}, 6, "0 1 2 3 4 5"},
		{"quarters", scale{span: span{0, 1}}, 4, "0 0.25 0.50 0.75 1.00"},
		{"below zero", scale{span: span{-0.1, 0.1}}, 4, "−0.10 −0.05 0 0.05 0.10"},
		{"thousands", scale{span: span{0, 4500}}, 5, "0 1000 2000 3000 4000"},
		{"large", scale{span: span{0, 3e7}}, 3, "0 10⁷ 2×10⁷ 3×10⁷"},
		{"small", scale{span: span{0, 3e-5}}, 3, "0 10⁻⁵ 2×10⁻⁵ 3×10⁻⁵"},
		{"decades", scale{span: span{1e-3, 1}, log: true}, 5, "0.001 0.01 0.1 1"},
		{"small decades", scale{span: span{1e-6, 1e-3}, log: true}, 5, "10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³"},
		{"one decade", scale{span: span{1, 10}, log: true}, 5, "1 2 5 10"},
		{"far decades", scale{span: span{1e-9, 1e9}, log: true}, 4, "10⁻⁵ 10⁰ 10⁵"},
	} {
		var got []string
		for _, k := range c.s.ticks(c.most, false) {
			if k.label != "" {
				got = append(got, k.label)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: ticks %s, want %s", c.name, s, c.want)
		}
	}
}

// TestTicksInside: for random ranges there are at least two ticks but not too many, ascending, inside the range, with
// different labels.
func TestTicksInside(t *testing.T) {
	rng := tensor.Stream(1, "ticks")
	for range 2000 {
		lo := rng.NormFloat64() * math.Pow(10, 20*rng.Float64()-10)
		hi := lo + math.Abs(rng.NormFloat64())*math.Pow(10, 20*rng.Float64()-10)
		s := newScale(span{lo, hi}, [2]float64{}, false, 0.05)
		ticks := s.ticks(6, false)
		if len(ticks) > 14 || len(ticks) < 2 {
			t.Fatalf("%d ticks from %g to %g", len(ticks), s.lo, s.hi)
		}
		for i, k := range ticks {
			if p := s.place(k.at); p < -1e-6 || p > 1+1e-6 || i > 0 && k.at <= ticks[i-1].at {
				t.Fatalf("tick %d of %v for %g to %g", i, ticks, s.lo, s.hi)
			}
		}
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		data  span
		asked [2]float64
		log   bool
		want  span
	}{
		{span{0, 10}, [2]float64{}, false, span{0, 11}}, // amounts stay above zero
		{span{-5, 5}, [2]float64{}, false, span{-6, 6}},
		{span{5, 5}, [2]float64{}, false, span{4.4, 5.6}},
		{emptySpan(), [2]float64{}, false, span{0, 1.1}},
		{span{0, 10}, [2]float64{2, 3}, false, span{2, 3}},
		{span{1, 100}, [2]float64{}, true, span{math.Pow(100, -0.1), 100 * math.Pow(100, 0.1)}},
	} {
		got := newScale(c.data, c.asked, c.log, 0.1)
		if math.Abs(got.lo-c.want.lo) > 1e-9 || math.Abs(got.hi-c.want.hi) > 1e-9 {
			t.Errorf("scale of %v, asked %v: %v, want %v", c.data, c.asked, got.span, c.want)
		}
	}
}

// TestSummarise compares with five numbers computed by hand: for 1..5 and 8 sorted, the quartiles lie at positions
// 1.25, 2.5 and 3.75 of 0..5.
func TestSummarise(t *testing.T) {
	got := summarise([]float64{5, 1, math.NaN(), 3, 2, 8, 4})
	if want := (fiveStats{1, 2.25, 3.5, 4.75, 8}); got != want {
		t.Errorf("five numbers %v, want %v", got, want)
	}
	if got := summarise([]float64{math.NaN()}); !math.IsNaN(got[2]) {
		t.Errorf("median of nothing is %g", got[2])
	}
}

func TestTranspose(t *testing.T) {
	got := Transpose([][]float64{{1, 2, 3}, {4}})
	if len(got) != 3 || !slices.Equal(got[0], []float64{1, 4}) || got[1][0] != 2 || !math.IsNaN(got[2][1]) {
		t.Errorf("transposed %v", got)
	}
}

// TestRunsOfUnequalLength: a run that stopped early counts until its end.
func TestRunsOfUnequalLength(t *testing.T) {
	c := curves("Test", Axes{}, []Series{{Runs: [][]float64{{1, 5, 9}, {3}}}})[0]
	if want := []float64{2, 5, 9}; !slices.Equal(c.Y, want) {
		t.Errorf("medians %v, want %v", c.Y, want)
	}
	if want := []float64{1.5, 5, 9}; !slices.Equal(c.Low, want) {
		t.Errorf("lower quartiles %v, want %v", c.Low, want)
	}
}

func TestCount(t *testing.T) {
	got := count([]float64{0, 0.1, 0.5, 1, 2, math.NaN()}, scale{span: span{0, 1}}, 2)
	if want := []float64{2, 2}; !slices.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
}
