// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"slices"

	"github.com/lateral-ml/lateral/lib/experiment"
)

// A Grid is a set of the thesis' networks.
type Grid = experiment.Grid[Setting]

// Grids are the grids of [Thesis21] and of the experiments that it proposes.
var Grids = experiment.Grids[Setting, Metrics]{
	Document: "Thesis21",
	Load:     experiment.LoadSplit,
	Data:     []string{"mnist", "glyphs"},
	List:     grids,
	Train:    experiment.Measured(Train, func(r *Result, _ *experiment.Data) Metrics { return r.Metrics }),
	Cost:     func(s Setting, d *experiment.Data) float64 { return cost(s, d.Train.X.Shape()[1:]) },
}

// Cells returns a setting with every combination of shape and lambda, ordered by shape and then by lambda.
func Cells(base Setting, shapes []Shape, lambdas []float64) []Setting {
	var cells []Setting
	for _, shape := range shapes {
		for _, lambda := range lambdas {
			base.Shape, base.Lambda = shape, lambda
			cells = append(cells, base)
		}
	}
	return cells
}

// Lambdas returns the distinct penalty factors of a grid, in the grid's order.
func Lambdas(g Grid) []float64 {
	var lambdas []float64
	for _, s := range g.Cells {
		if !slices.Contains(lambdas, s.Lambda) {
			lambdas = append(lambdas, s.Lambda)
		}
	}
	return lambdas
}

// cost estimates the training time of a setting from its multiplications plus an overhead per unit.
func cost(s Setting, image []int) float64 {
	channels, h, w := image[0], image[1], image[2]
	inputs, outputs := channels*h*w, 10
	if s.Task == Autoencode {
		outputs = inputs
	}
	work := 20 * inputs
	for _, filters := range s.Filters {
		h, w = h-s.Kernel+1, w-s.Kernel+1
		work += (channels*s.Kernel*s.Kernel + 100) * filters * h * w
		channels = filters
	}
	width := channels * h * w
	for _, units := range slices.Concat(s.Hidden, []int{outputs}) {
		work += (width + 100) * units
		width = units
	}
	return float64(s.Epochs) * float64(work)
}

// grids returns the grids at the size of a profile.
func grids(profile string) []Grid {
	classifier := Setting{Task: Classify, Activation: ReLU, Penalty: L1, Epochs: experiment.Pick(profile, 3, 15, 15)}
	sigmoid, thresholds, log, exp := classifier, classifier, classifier, classifier
	sigmoid.Activation = Sigmoid
	thresholds.NegativeBiases, thresholds.NoOutputBias = true, true
	log.Penalty, exp.Penalty = Log, Exp
	convolver := classifier
	convolver.Epochs = experiment.Pick(profile, 1, 5, 15)
	autoencoder := convolver
	autoencoder.Task = Autoencode

	// Networks with more units need smaller penalties. The thesis does not give those of its convolutional networks.
	lambdas := func(step float64, quick, standard []int, last int) []float64 {
		return steps(step, experiment.Pick(profile, quick, standard, upTo(last)))
	}
	coarse := lambdas(0.008, []int{0, 1, 4, 8, 15}, []int{0, 1, 2, 3, 4, 6, 10, 15}, 15)
	middle := lambdas(0.001, []int{0, 1, 4, 8, 20}, []int{0, 1, 2, 4, 8, 12, 20}, 20)
	fine := lambdas(0.0005, []int{0, 4, 20}, []int{0, 2, 4, 10, 20}, 20)
	finest := lambdas(0.00005, []int{0, 1, 6}, []int{0, 1, 2, 6, 18}, 18)

	units := []int{8, 32, 64, 128, 256}
	units = experiment.Pick(profile, []int{8, 32, 128}, units, units)
	proposed := experiment.Pick(profile, []int{32}, units, units)
	coders := []Shape{FullyConnected(400, 64, 400), FullyConnected(784, 784, 784), FullyConnected(900, 1024, 900)}
	depth := experiment.Pick(profile, 1, 3, 3)
	few, many := experiment.Pick(profile, 1, 1, 20), experiment.Pick(profile, 1, 2, 20)
	return []Grid{
		{Name: "fc1", About: "one hidden layer of rectified units: figures 3.1 to 3.7, table 3.1",
			Cells: Cells(classifier, layers(1, units), coarse), Seeds: many},
		{Name: "fc2", About: "two hidden layers of rectified units: figures 3.10 and 3.11",
			Cells: Cells(classifier, layers(2, units), coarse), Seeds: few},
		{Name: "fc3", About: "three hidden layers of rectified units: figures 3.12 and 3.13",
			Cells: Cells(classifier, layers(3, units), middle), Seeds: few},
		{Name: "sigmoid", About: "one hidden layer of sigmoid units: figures 3.8 and 3.9",
			Cells: Cells(sigmoid, layers(1, units), coarse), Seeds: few},
		{Name: "conv3", About: "up to three convolutional layers of 3x3 filters: figures 4.1 to 4.3",
			Cells: Cells(convolver, convolutional(depth, 3), middle), Seeds: few},
		{Name: "conv7", About: "up to three convolutional layers of 7x7 filters",
			Cells: Cells(convolver, convolutional(depth, 7), fine), Seeds: few},
		{Name: "conv11", About: "up to two convolutional layers of 11x11 filters: a third does not fit MNIST",
			Cells: Cells(convolver, convolutional(min(2, depth), 11), fine), Seeds: few},
		{Name: "ae", About: "autoencoders: figures 4.14 to 4.16",
			Cells: Cells(autoencoder, coders[:depth], finest), Seeds: few},
		{Name: "thresholds", About: "fc2 with negative biases and no output bias: proposed in section 3.2.2",
			Cells: Cells(thresholds, layers(2, proposed), middle), Seeds: few},
		{Name: "log", About: "fc1 with the penalty log(1 + a²): proposed in section 2.1",
			Cells: Cells(log, layers(1, proposed), coarse), Seeds: few},
		{Name: "exp", About: "fc1 with the penalty -exp(-a²)",
			Cells: Cells(exp, layers(1, proposed), coarse), Seeds: few},
	}
}

// layers returns the shapes with n hidden layers of equal size.
func layers(n int, units []int) []Shape {
	shapes := make([]Shape, len(units))
	for i, u := range units {
		shapes[i] = FullyConnected(slices.Repeat([]int{u}, n)...)
	}
	return shapes
}

// convolutional returns the shapes with one to n convolutional layers [Thesis21, section 4.1].
func convolutional(n, kernel int) []Shape {
	shapes := make([]Shape, n)
	for i := range shapes {
		shapes[i] = Shape{Filters: []int{6, 16, 24}[:i+1], Kernel: kernel, Hidden: []int{64}}
	}
	return shapes
}

// steps returns multiples of a step, rounded to the usual decimal number: 3 times 0.008 is 0.024.
func steps(step float64, multiples []int) []float64 {
	const digits = 1e5
	lambdas := make([]float64, len(multiples))
	for i, m := range multiples {
		lambdas[i] = float64(m*int(step*digits+0.5)) / digits
	}
	return lambdas
}

// upTo returns the numbers from 0 to n.
func upTo(n int) []int {
	numbers := make([]int, n+1)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
