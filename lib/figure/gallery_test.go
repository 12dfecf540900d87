// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// An exhibit is a figure for the tests.
type exhibit struct {
	name   string
	golden bool // compared with testdata/name.png
	make   func() *Figure
}

// decay is a curve that falls from a to b.
func decay(n int, a, b, rate float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = b + (a-b)*math.Exp(-rate*float64(i))
	}
	return y
}

// seeds repeats a curve with noise.
func seeds(n int, y []float64, noise float64) [][]float64 {
	rng := tensor.Stream(1, "seeds")
	runs := make([][]float64, n)
	for r := range runs {
		for _, v := range y {
			runs[r] = append(runs[r], v+noise*rng.NormFloat64())
		}
	}
	return runs
}

// strokes are images of oriented bars, one for each row.
func strokes(n, side int) *tensor.Tensor {
	x := tensor.New(n, 1, side, side)
	for i := range n {
		sin, cos := math.Sincos(math.Pi * float64(i) / float64(n))
		for j := range side * side {
			u, v := float64(j%side)-float64(side-1)/2, float64(j/side)-float64(side-1)/2
			across, along := u*sin-v*cos, u*cos+v*sin
			x.Row(i)[j] = float32(math.Exp(-across*across/3-along*along/40) * math.Cos(across))
		}
	}
	return x
}

func clouds(n, classes int) (*tensor.Tensor, []int) {
	rng := tensor.Stream(2, "clouds")
	x, y := tensor.New(n, 2), make([]int, n)
	for i := range n {
		y[i] = rng.IntN(classes)
		sin, cos := math.Sincos(2 * math.Pi * float64(y[i]) / float64(classes))
		x.Set(float32(3*cos+0.7*rng.NormFloat64()), i, 0)
		x.Set(float32(3*sin+0.7*rng.NormFloat64()), i, 1)
	}
	return x, y
}

func firing(samples, units int) (*tensor.Tensor, []int) {
	rng := tensor.Stream(3, "firing")
	x, y := tensor.New(samples, units), make([]int, samples)
	for i := range samples {
		y[i] = rng.IntN(5)
		for j := range units {
			if j%5 == y[i] && rng.Float64() < 0.5 || rng.Float64() < 0.02 {
				x.Set(1, i, j)
			}
		}
	}
	return x, y
}

var digits = strings.Fields("zero one two three four five six seven eight nine")

func confusion() [][]float64 {
	rng := tensor.Stream(4, "confusion")
	m := make([][]float64, 10)
	for i := range m {
		m[i] = make([]float64, 10)
		for j := range m[i] {
			m[i][j] = float64(rng.IntN(20))
		}
		m[i][i] = float64(900 + rng.IntN(99))
	}
	return m
}

func normals(n int, mean, std float64) []float64 {
	rng := tensor.Stream(5, "normals")
	y := make([]float64, n)
	for i := range y {
		y[i] = mean + std*rng.NormFloat64()
	}
	return y
}

func curvesFigure() *Figure {
	validation := decay(15, 28, 2.1, 0.4)
	validation[7] = math.NaN()
	return LearningCurves(Axes{Title: "Error while learning", X: "epoch", Y: "error (%)", Width: 480},
		Series{Name: "train", Y: decay(15, 31, 0.5, 0.5)},
		Series{Name: "validation", Y: validation},
		Series{Name: "five seeds, λ = 10⁻⁵", Runs: seeds(5, decay(15, 38, 4, 0.3), 1)},
		Series{Name: "chance", X: []float64{1, 15}, Y: []float64{20, 20}, Dashed: true})
}

func rangesFigure() *Figure {
	settings := []float64{1e-6, 1e-5, 1e-4, 1e-3}
	runs := func(drop float64) [][]float64 {
		rows := make([][]float64, len(settings))
		for i, s := range settings {
			for k := range 20 {
				rows[i] = append(rows[i], 97-drop*math.Sqrt(s*1e3)*float64(k%7)*float64(k%5))
			}
		}
		return Transpose(rows)
	}
	return Ranges(Axes{X: "λ (L1 penalty on activity)", Y: "test accuracy (%)", LogX: true, Width: 480},
		Series{Name: "32 units", X: settings, Runs: runs(2)}, Series{Name: "128 units", X: settings, Runs: runs(1)})
}

func barsFigure() *Figure {
	return Bars(Axes{X: "activation", Y: "test error (%)", XNames: []string{"ReLU", "LWTA", "maxout", "k-WTA with k = 5"},
		Values: true, Width: 480},
		Series{Name: "MNIST", Y: []float64{1.5, 1.4, 1.2, 2.1}, Low: []float64{1.4, 1.3, 1.1, 2},
			High: []float64{1.6, 1.5, 1.3, 2.2}},
		Series{Name: "Glyphs", Y: []float64{2.5, 2.4, math.NaN(), 2.9}})
}

func panelsFigure() *Figure {
	points, labels := clouds(150, 4)
	return Panels(2, curvesFigure(), WeightGrid(Tiles{Title: "Weights", Width: 300}, strokes(16, 12)),
		ScatterClasses(Axes{X: "component 1", Y: "component 2", Width: 480}, points, labels, nil), barsFigure())
}

func drawFigure() *Figure {
	return Draw(360, 130, "Two units of a block; the larger one passes its value, the other gives 0.", func(c *Canvas) {
		c.Box(90, 15, 80, 100, "", Style{Dashed: true, Round: 10, Stroke: Muted})
		for i, v := range []string{"0.9", "0.4"} {
			y := 40 + 50*float64(i)
			c.Arrow(20, y, 108, y, Style{Stroke: Muted})
			winner := Style{Fill: ClassColor(0)}
			if i == 1 {
				winner = Style{Fill: Paper}
			}
			c.Circle(130, y, 20, v, winner)
		}
		c.Arrow(152, 40, 220, 40, Style{Stroke: ClassColor(0), Width: 2.5})
		c.Text(226, 40, "0.9 wins", Style{Align: Left, Bold: true})
		c.Arrow(152, 90, 220, 90, Style{Stroke: Faint})
		c.Text(226, 90, "0", Style{Align: Left, Text: Muted})
	})
}

// brokenFigure omits ranges without values on both axes.
func brokenFigure() *Figure {
	return Ranges(Axes{Title: "Broken axes", X: "λ", Y: "active units", XGap: [2]float64{0.01, 0.1},
		YGap: [2]float64{100, 5000}, Width: 480},
		Series{Name: "layer 1", X: []float64{0, 0.002, 0.004, 0.2},
			Runs: [][]float64{{6000, 200, 120, 4}, {6400, 220, 130, 6}, {6100, 190, 140, 2}}},
		Series{Name: "layer 2", X: []float64{0, 0.002, 0.004, 0.2},
			Runs: [][]float64{{5200, 280, 160, 30}, {5400, 250, 150, 20}, {5300, 260, 170, 25}}})
}

func sharedFigure() *Figure {
	plot := func(title string, scale float64) *Figure {
		return Lines(Axes{Title: title, X: "step", Y: "loss (nats)"}, Series{Y: decay(12, 3*scale, scale, 0.3)})
	}
	return SharedPanels(2, SharedY, plot("one", 1), plot("two", 2))
}

func sheetFigure() *Figure {
	x := strokes(12, 14)
	faint := x.Slice(0, 6).Clone()
	for i, v := range faint.Data() {
		faint.Data()[i] = v / 2
	}
	return Reconstructions(Tiles{Title: "Strokes", Width: 420, Range: [2]float64{0, 1}}, x.Slice(0, 6),
		ImageRow[*tensor.Tensor]{"λ = 0", x.Slice(6, 12)}, ImageRow[*tensor.Tensor]{"λ = 10⁻⁴", faint})
}

func gallery() []exhibit {
	manySeries := func(n, points int) (out []Series) {
		for k := range n {
			out = append(out, Series{Name: "a rather long name of a series, " + digits[k%10], Y: decay(points, float64(k), 1,
				0.1)})
		}
		return out
	}
	return []exhibit{
		{"curves", true, curvesFigure},
		{"ranges", true, rangesFigure},
		{"bars", true, barsFigure},
		{"panels", true, panelsFigure},
		{"draw", true, drawFigure},
		{"images", true, func() *Figure {
			return ImageGrid(Tiles{Title: "Strokes", Names: digits, Columns: 5, Width: 360, Z: "intensity (0 to 1)"},
				strokes(10, 16))
		}},
		{"weights", true, func() *Figure { return WeightGrid(Tiles{Title: "Weights", Width: 400}, strokes(30, 16)) }},
		{"photos", true, func() *Figure {
			return ImageGrid(Tiles{Width: 200}, strokes(18, 12).Reshape(6, 3, 12, 12))
		}},
		{"heatmap", true, func() *Figure {
			return HeatMap(Axes{Title: "Confusion", X: "predicted class", Y: "true class", Z: "images (count)",
				XNames: digits, YNames: digits, Values: true, Width: 480}, confusion())
		}},
		{"correlation", true, func() *Figure {
			return HeatMap(Axes{X: "unit", Y: "layer", Z: "correlation", Values: true},
				[][]float64{{-0.51, 0.2, 1}, {0.0312, math.NaN(), -0.8}})
		}},
		{"raster", true, func() *Figure {
			x, y := firing(60, 80)
			return Raster(Axes{Title: "Which units fire", X: "hidden unit", Y: "class of the image", Width: 480}, x, y)
		}},
		{"graded", true, func() *Figure {
			return Raster(Axes{X: "hidden unit", Y: "image", Z: "activity", Width: 400}, strokes(24, 7).Reshape(24, 49), nil)
		}},
		{"classes", true, func() *Figure {
			x, y := clouds(500, 10)
			return ScatterClasses(Axes{Title: "Ten classes", X: "component 1 (12 %)", Y: "component 2 (9 %)", Width: 480}, x, y,
				digits)
		}},
		{"histograms", true, func() *Figure {
			return Histograms(Axes{Title: "Activity before the competition", X: "input to a unit", Y: "count", Width: 480},
				Series{Name: "layer 1", Y: normals(800, 0, 1)}, Series{Name: "layer 2", Y: normals(800, 1, 0.5)},
				Series{Name: "layer 3", Y: normals(800, -1, 2)})
		}},
		{"lines", true, func() *Figure {
			return Lines(Axes{X: "sparsity (%)", Y: "loss (nats)", LogY: true, Width: 400},
				Series{Name: "ours", X: []float64{10, 20, 40, 80}, Y: []float64{0.02, 0.05, 0, 3},
					Low: []float64{0.01, 0.03, 0.1, 2}, High: []float64{0.04, 0.08, 0.2, 4}},
				Series{Name: "document", X: []float64{10, 80}, Y: []float64{0.01, 2}, Dashed: true})
		}},
		{"scatter", true, func() *Figure {
			return Scatter(Axes{X: "active units (%)", Y: "test accuracy (%)", LogX: true, Width: 400},
				Series{X: []float64{0.1, 1, 10, 50}, Y: []float64{80, 95, 97, 98}, Low: []float64{75, 94, 96, 97.5},
					High: []float64{84, 96, 97.5, 98.2}})
		}},

		{"broken", true, brokenFigure},
		{"shared", true, sharedFigure},
		{"reconstructions", true, sheetFigure},
		{"features", true, func() *Figure {
			return FeatureMaps(Tiles{Width: 420, Names: []string{"1", "2", "3", "4", "5", "6"}}, []string{"a 5", "a 6"},
				strokes(12, 12).Reshape(2, 6, 12, 12))
		}},
		{"kernels", true, func() *Figure {
			return Kernels(Tiles{Title: "Layer 2", Width: 300}, nil, strokes(12, 7).Reshape(4, 3, 7, 7))
		}},
		{"kernels of one channel", false, func() *Figure {
			return Kernels(Tiles{Title: "Layer 1", PerTile: true}, nil, strokes(6, 11))
		}},
		{"colour reconstructions", false, func() *Figure {
			return Reconstructions(Tiles{}, strokes(12, 8).Reshape(4, 3, 8, 8),
				ImageRow[*tensor.Tensor]{"again", strokes(12, 8).Reshape(4, 3, 8, 8)})
		}},
		{"broken x in panels", false, func() *Figure {
			return SharedPanels(2, SharedX|SharedY, brokenFigure(), brokenFigure())
		}},

		{"one point", false, func() *Figure {
			return LearningCurves(Axes{X: "epoch", Y: "loss (nats)"}, Series{Y: []float64{0.5}})
		}},
		{"no point", false, func() *Figure {
			return LearningCurves(Axes{X: "epoch", Y: "loss (nats)", LogY: true},
				Series{Y: []float64{math.NaN(), -1, math.Inf(1)}})
		}},
		{"a journal's column", false, func() *Figure {
			return LearningCurves(Axes{X: "epoch", Y: "error (%)", Width: 84 * MM,
				Title: "A column of a journal is narrow, so this title breaks"},
				Series{Name: "train", Y: decay(100, 1, 0, 0.1)}, Series{Name: "validation", Y: decay(100, 2, 1, 0.1)})
		}},
		{"long labels", false, func() *Figure {
			return Lines(Axes{Title: strings.Repeat("A long title. ", 12), X: strings.Repeat("a long label ", 14) + "(s)",
				Y: strings.Repeat("another label ", 9) + "(s)"},
				manySeries(12, 80)...)
		}},
		{"legend below", false, func() *Figure {
			return Lines(Axes{X: "step", Y: "value (V)", Legend: LegendBelow}, manySeries(12, 80)...)
		}},
		{"legend above", false, func() *Figure {
			return Lines(Axes{X: "step", Y: "value (V)", Legend: LegendAbove, Width: 300}, manySeries(6, 10)...)
		}},
		{"huge and tiny numbers", false, func() *Figure {
			return Lines(Axes{X: "time (s)", Y: "count"}, Series{X: []float64{1e-9, 2e-9, 7e-9}, Y: []float64{1e7, 3e7, 2.5e7}})
		}},
		{"wide log axis", false, func() *Figure {
			return Lines(Axes{X: "λ", Y: "MSE", LogX: true, LogY: true},
				Series{X: []float64{1e-30, 1, 1e30}, Y: []float64{1e-3, 1, 2e5}})
		}},
		{"narrow log axis", false, func() *Figure {
			return Lines(Axes{X: "λ", Y: "MSE", LogX: true, LogY: true},
				Series{X: []float64{2, 3, 4}, Y: []float64{0.011, 0.012, 0.013}})
		}},
		{"256 tiles", false, func() *Figure { return WeightGrid(Tiles{Title: "All"}, strokes(256, 28)) }},
		{"one small tile", false, func() *Figure {
			return WeightGrid(Tiles{Title: "One unit of many", Zoom: 1}, strokes(1, 9))
		}},
		{"named tiles", false, func() *Figure {
			return ImageGrid(Tiles{Names: strings.Split(strings.Repeat("a name that is too long,", 59)+"b", ","), PerTile: true},
				strokes(60, 8))
		}},
		{"long names", false, func() *Figure {
			names := make([]string, 24)
			for i := range names {
				names[i] = "category with a long name " + digits[i%10]
			}
			return HeatMap(Axes{X: "category", Y: "category", Z: "similarity (0 to 1)", XNames: names, YNames: names},
				strokes(24, 24).Reshape(24, 24, 24).Slice(0, 1).Reshape(24, 24))
		}},
		{"wide heat map", false, func() *Figure {
			return HeatMap(Axes{X: "unit", Y: "unit", Z: "value"}, strokes(2, 30).Reshape(2, 900))
		}},
		{"constant heat map", false, func() *Figure {
			return HeatMap(Axes{X: "unit", Y: "unit", Z: "value", Values: true}, [][]float32{{3, 3}, {3, 3}})
		}},
		{"more cells than pixels", false, func() *Figure {
			x, y := firing(700, 2000)
			return Raster(Axes{X: "unit", Y: "class"}, x, y)
		}},
		{"many bars", false, func() *Figure {
			names, y := make([]string, 40), make([]float64, 40)
			for i := range names {
				names[i], y[i] = "layer "+digits[i%10], float64(i)-10
			}
			return Bars(Axes{X: "layer", Y: "change (%)", XNames: names, Values: true}, Series{Y: y})
		}},
		{"many histograms", false, func() *Figure {
			var s []Series
			for i := range 20 {
				s = append(s, Series{Name: "the input of a unit with number " + digits[i%10], Y: normals(50, float64(i), 1)})
			}
			return Histograms(Axes{X: "input", Y: "count", LogY: true}, s...)
		}},
		{"many points", false, func() *Figure {
			x, y := clouds(5000, 10)
			return ScatterClasses(Axes{X: "component 1", Y: "component 2"}, x, y, nil)
		}},
		{"three columns", false, func() *Figure {
			return Panels(3, curvesFigure(), rangesFigure(), barsFigure(), drawFigure())
		}},
		{"panels of panels", false, func() *Figure { return Panels(2, panelsFigure(), curvesFigure()) }},
	}
}
