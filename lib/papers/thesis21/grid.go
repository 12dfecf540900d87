// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/sweep"
)

// A Grid is a set of settings: every shape with every lambda and every seed.
type Grid struct {
	Name    string
	About   string    // what it is for
	Base    Setting   // what all have in common
	Shapes  []Shape   // hidden layers
	Lambdas []float64 // prices of activity
	Seeds   int       // networks for each, with seeds from 0: a grid of fewer has a part of the results of one of more
}

// Len returns the number of networks.
func (g Grid) Len() int { return len(g.Shapes) * len(g.Lambdas) * g.Seeds }

// Settings returns the grid's settings for data of a name and a sum: shape by shape, in each lambda by lambda.
func (g Grid) Settings(data, sum string) []Setting {
	settings := make([]Setting, 0, g.Len())
	for _, shape := range g.Shapes {
		for _, lambda := range g.Lambdas {
			for seed := range uint64(g.Seeds) {
				s := g.Base
				s.Data, s.Sum, s.Shape, s.Lambda, s.Seed = data, sum, shape, lambda, seed
				settings = append(settings, s)
			}
		}
	}
	return settings
}

// Sweep returns the sweep that trains the networks of a grid, seed by seed. Set its File, Shard and OnResult as needed.
func Sweep(g Grid, d *Data) sweep.Sweep[Setting, Measures] {
	return sweep.Sweep[Setting, Measures]{
		Settings: g.Settings(d.Name(), d.Sum()),
		Do: func(ctx context.Context, s Setting) (Measures, error) {
			t, err := Train(ctx, s, d, nil)
			if err != nil {
				return Measures{}, err
			}
			return t.Measures, nil
		},
		Round: func(s Setting) int { return int(s.Seed) },
		Cost:  func(s Setting) float64 { return cost(s, d.Train.X.Shape()[1:]) },
	}
}

// cost estimates the time of a setting: multiplications, and for each unit what surrounds them.
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

// The profiles: how large a grid is.
const (
	Quick    = "quick"    // seconds to a minute, to see that everything works
	Standard = "standard" // minutes
	Paper    = "paper"    // the document's own size: hours
)

// Grids returns the grids at the size of a profile: those of [Thesis21], and the experiments that it proposes.
func Grids(profile string) ([]Grid, error) {
	var size int
	switch profile {
	case Quick:
		size = 0
	case Standard:
		size = 1
	case Paper:
		size = 2
	default:
		return nil, fmt.Errorf("thesis21: there is no profile %q: use quick, standard or paper", profile)
	}
	classifier := Setting{Task: Classify, Activation: ReLU, Penalty: L1, Epochs: []int{3, 15, 15}[size]}
	sigmoid, thresholds, log, exp, convolver, autoencoder := classifier, classifier, classifier, classifier, classifier, classifier
	sigmoid.Activation = Sigmoid
	thresholds.NegativeBiases, thresholds.NoOutputBias = true, true
	log.Penalty, exp.Penalty = Log, Exp
	convolver.Epochs = []int{1, 5, 15}[size]
	autoencoder.Task, autoencoder.Epochs = Autoencode, []int{1, 5, 15}[size]

	// The more there is to silence, the lower the prices. The thesis does not say those of its convolutional networks.
	coarse := [][]float64{steps(0.008, 0, 1, 4, 8, 15), steps(0.008, 0, 1, 2, 3, 4, 6, 10, 15), upTo(0.008, 15)}[size]
	middle := [][]float64{steps(0.001, 0, 1, 4, 8, 20), steps(0.001, 0, 1, 2, 4, 8, 12, 20), upTo(0.001, 20)}[size]
	fine := [][]float64{steps(0.0005, 0, 4, 20), steps(0.0005, 0, 2, 4, 10, 20), upTo(0.0005, 20)}[size]
	finest := [][]float64{steps(0.00005, 0, 1, 6), steps(0.00005, 0, 1, 2, 6, 18), upTo(0.00005, 18)}[size]

	units := [][]int{{8, 32, 128}, {8, 32, 64, 128, 256}, {8, 32, 64, 128, 256}}[size]
	proposed := [][]int{{32}, units, units}[size]
	autoencoders := []Shape{FullyConnected(400, 64, 400), FullyConnected(784, 784, 784), FullyConnected(900, 1024, 900)}
	autoencoders = autoencoders[:[]int{1, 3, 3}[size]]
	depth := []int{1, 3, 3}[size]
	few, many := []int{1, 1, 20}[size], []int{1, 2, 20}[size]
	return []Grid{
		{"fc1", "one hidden layer of rectified units: figures 3.1 to 3.7, table 3.1", classifier, layers(1, units), coarse, many},
		{"fc2", "two: figures 3.10 and 3.11", classifier, layers(2, units), coarse, few},
		{"fc3", "three: figures 3.12 and 3.13", classifier, layers(3, units), middle, few},
		{"sigmoid", "one hidden layer of sigmoid units: figures 3.8 and 3.9", sigmoid, layers(1, units), coarse, few},
		{"conv3", "up to three convolutional layers of 3x3 filters: figures 4.1 to 4.3", convolver, convolutional(depth, 3), middle, few},
		{"conv7", "the same of 7x7", convolver, convolutional(depth, 7), fine, few},
		{"conv11", "up to two of 11x11: a third does not fit into MNIST", convolver, convolutional(min(2, depth), 11), fine, few},
		{"ae", "autoencoders: figures 4.14 to 4.16", autoencoder, autoencoders, finest, few},
		{"thresholds", "fc2 with negative biases and no output bias: proposed in section 3.2.2", thresholds, layers(2, proposed), middle, few},
		{"log", "fc1 with the penalty log(1 + a²): proposed in section 2.1", log, layers(1, proposed), coarse, few},
		{"exp", "fc1 with the penalty -exp(-a²)", exp, layers(1, proposed), coarse, few},
	}, nil
}

// Lookup returns the grid of a name at the size of a profile.
func Lookup(name, profile string) (Grid, error) {
	grids, err := Grids(profile)
	if err != nil {
		return Grid{}, err
	}
	var names []string
	for _, g := range grids {
		if g.Name == name {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return Grid{}, fmt.Errorf("thesis21: there is no grid %q: use one of %s", name, strings.Join(names, ", "))
}

// layers returns the shapes of n equal hidden layers.
func layers(n int, units []int) []Shape {
	shapes := make([]Shape, len(units))
	for i, u := range units {
		shapes[i] = FullyConnected(slices.Repeat([]int{u}, n)...)
	}
	return shapes
}

// convolutional returns the shapes of one to n convolutional layers [Thesis21, section 4.1].
func convolutional(n, kernel int) []Shape {
	shapes := make([]Shape, n)
	for i := range shapes {
		shapes[i] = Shape{Filters: []int{6, 16, 24}[:i+1], Kernel: kernel, Hidden: []int{64}}
	}
	return shapes
}

// steps returns multiples of a step, as the numbers that one would write: 3 times 0.008 is 0.024.
func steps(step float64, multiples ...int) []float64 {
	const digits = 1e5
	lambdas := make([]float64, len(multiples))
	for i, m := range multiples {
		lambdas[i] = float64(m*int(step*digits+0.5)) / digits
	}
	return lambdas
}

// upTo returns steps 0 to n.
func upTo(step float64, n int) []float64 {
	multiples := make([]int, n+1)
	for i := range multiples {
		multiples[i] = i
	}
	return steps(step, multiples...)
}
