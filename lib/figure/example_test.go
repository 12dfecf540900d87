// SPDX-License-Identifier: Apache-2.0

package figure_test

import (
	"fmt"
	"math"
	"strings"

	"github.com/lateral-ml/lateral/lib/figure"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleLearningCurves() {
	f := figure.LearningCurves(figure.Axes{X: "epoch", Y: "error (%)"},
		figure.Series{Name: "train", Y: []float64{31, 12, 6, 3.5, 2}},
		figure.Series{Name: "valid", Y: []float64{29, 14, 9, math.NaN(), 8}},
	).WithCaption("The gap between the curves widens from the second epoch on.")
	w, h := f.Size()
	fmt.Println(w, "x", h)
	fmt.Println(f.Describe())
	fmt.Println(f.Alt)
	// Output:
	// 640 x 384
	// LearningCurves
	//   x: epoch, 0.92 to 5.08
	//   y: error (%), 0.55 to 32.5
	//   train: 5 points, 2 to 31
	//   valid: 4 points, 8 to 29, 1 left out
	// Learning curves, error (%): train falls from 31 to 2 over epoch 1 to 5, valid falls from 29 to 8 over epoch 1 to 5.
}

// Runs over seeds give the median and a band; values grouped by setting are transposed to runs.
func ExampleRanges() {
	accuracy := [][]float64{ // one row for each λ, one value for each seed
		{97.1, 97.3, 96.9, 97.2},
		{96.0, 96.4, 95.9, 96.1},
		{80.2, 95.1, 12.4, 90.0},
	}
	f := figure.Ranges(figure.Axes{X: "λ (L1 penalty on activity)", Y: "test accuracy (%)", LogX: true},
		figure.Series{Name: "128 units", X: []float64{1e-6, 1e-5, 1e-4}, Runs: figure.Transpose(accuracy)})
	fmt.Println(f.Describe())
	// Output:
	// Ranges
	//   x: λ (L1 penalty on activity), 7.94e-07 to 0.000126, logarithmic
	//   y: test accuracy (%), 7.31 to 102
	//   128 units: 3 points, 85.1 to 97.2, 4 runs
}

func ExampleWeightGrid() {
	weights := tensor.New(4, 9) // four units that look at 3 x 3 pixels
	tensor.Stream(1, "example").Normal(weights.Data(), 0, 1)
	f := figure.WeightGrid(figure.Tiles{Title: "Learnt weights"}, weights)
	fmt.Println(f.Describe())
	// Output:
	// WeightGrid
	//   title: Learnt weights
	//   4 tiles of 3 x 3 in 4 columns
	//   colours: -2.64 (blue) to 2.64 (red)
}

func ExampleHeatMap() {
	counts := [][]float64{{98, 2}, {5, 95}}
	names := []string{"cat", "dog"}
	f := figure.HeatMap(figure.Axes{X: "predicted class", Y: "true class", Z: "images (count)", XNames: names,
		YNames: names, Values: true}, counts)
	fmt.Println(f.Alt)
	// Output:
	// Heat map of images (count), 2 by 2 cells, true class against predicted class, from 2 to 98.
}

func ExampleRaster() {
	winners := [][]float64{{1, 0, 0, 1}, {0, 1, 0, 1}, {1, 0, 0, 0}}
	f := figure.Raster(figure.Axes{X: "hidden unit", Y: "class of the image"}, winners, []int{0, 1, 0})
	fmt.Println(f.Alt)
	// Output:
	// Raster of 3 samples by 4 units: on average 1.67 units are active for a sample (41.7 %), 1 is never active.
}

func ExamplePanels() {
	a := figure.Histograms(figure.Axes{X: "activity", Y: "count"},
		figure.Series{Name: "layer 1", Y: []float64{0, 0, 1, 2}})
	b := figure.Bars(figure.Axes{X: "activation", Y: "test error (%)", XNames: []string{"ReLU", "LWTA"}},
		figure.Series{Y: []float64{1.6, 1.4}})
	f := figure.Panels(2, a, b)
	w, h := f.Size()
	fmt.Println(w, "x", h)
	fmt.Println(strings.Replace(f.Alt, " (b)", "\n(b)", 1))
	// Output:
	// 960 x 376
	// (a) Histograms of activity: layer 1 has median 0.5 and quartiles 0 and 1.25.
	// (b) Bars of test error (%) by activation: ReLU 1.6, LWTA 1.4.
}

func ExampleDraw() {
	f := figure.Draw(300, 80, "A unit passes what is above zero.", func(c *figure.Canvas) {
		c.Circle(40, 40, 22, "−0.5", figure.Style{})
		c.Arrow(64, 40, 120, 40, figure.Style{Stroke: figure.Muted})
		c.Box(120, 22, 80, 36, "max(0, x)", figure.Style{Fill: figure.ClassColor(0), Round: 6})
		c.Arrow(200, 40, 250, 40, figure.Style{Stroke: figure.Faint})
		c.Text(256, 40, "0", figure.Style{Align: figure.Left})
	})
	fmt.Println(f.Size())
	// Output: 300 80
}

func ExampleTable() {
	t := figure.Table{
		Columns: []string{"model", "error (%)"},
		Rows:    [][]string{{"ReLU", "1.58 ± 0.04"}, {"LWTA", "1.4"}},
	}
	fmt.Print(t.Text())
	// Output:
	// model    error (%)
	// -----  -----------
	// ReLU   1.58 ± 0.04
	// LWTA           1.4
}
