// SPDX-License-Identifier: Apache-2.0

package activity

import (
	"context"
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/train"
)

// A Grid is a set of settings: every shape with every lambda and every seed.
type Grid struct {
	Name    string
	About   string    // what it is for
	Base    Setting   // what all have in common
	Shapes  [][]int   // hidden layers
	Lambdas []float64 // prices of activity
	Seeds   int       // networks for each, with seeds from 0
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
				s.Data, s.Sum, s.Hidden, s.Lambda, s.Seed = data, sum, shape, lambda, seed
				settings = append(settings, s)
			}
		}
	}
	return settings
}

// Sweep returns the sweep that trains the networks of a grid. Set its File, Shard and OnResult as needed.
func Sweep(g Grid, d *Data) train.Sweep[Setting, Measures] {
	return train.Sweep[Setting, Measures]{
		Settings: g.Settings(d.Name(), d.Sum()),
		Do: func(ctx context.Context, s Setting) (Measures, error) {
			t, err := Train(ctx, s, d, nil)
			if err != nil {
				return Measures{}, err
			}
			return t.Measures, nil
		},
		Cost: func(s Setting) float64 { return cost(s, d.Train.X.Width()) },
	}
}

// cost estimates the time of a setting: multiplications, and for each unit what surrounds them.
func cost(s Setting, inputs int) float64 {
	outputs := 10
	if s.Task == Autoencode {
		outputs = inputs
	}
	work, width := 0, inputs
	for _, units := range append(s.Hidden[:len(s.Hidden):len(s.Hidden)], outputs) {
		work += (width + 100) * units
		width = units
	}
	return float64(s.Epochs) * float64(work+20*inputs)
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
		return nil, fmt.Errorf("activity: there is no profile %q: use quick, standard or paper", profile)
	}
	classifier := Setting{Task: Classify, Activation: ReLU, Penalty: L1, Epochs: []int{3, 15, 15}[size]}
	sigmoid, thresholds, log, exp := classifier, classifier, classifier, classifier
	sigmoid.Activation = Sigmoid
	thresholds.NegativeBiases, thresholds.NoOutputBias = true, true
	log.Penalty, exp.Penalty = Log, Exp
	autoencoder := Setting{Task: Autoencode, Activation: ReLU, Penalty: L1, Epochs: []int{1, 5, 15}[size]}

	wide := [][]float64{ // prices for one and two hidden layers
		steps(0.008, 0, 1, 4, 8, 15), steps(0.008, 0, 1, 2, 3, 4, 6, 10, 15), upTo(0.008, 15)}[size]
	narrow := [][]float64{ // and for three
		steps(0.001, 0, 1, 4, 10, 20), steps(0.001, 0, 1, 2, 4, 8, 12, 20), upTo(0.001, 20)}[size]
	tiny := [][]float64{ // and for autoencoders, whose loss is a mean over pixels
		steps(0.00005, 0, 1, 6), steps(0.00005, 0, 1, 2, 6, 18), upTo(0.00005, 18)}[size]
	units := [][]int{{8, 64, 256}, {8, 32, 64, 128, 256}, {8, 32, 64, 128, 256}}[size]
	autoencoders := [][]int{{400, 64, 400}, {784, 784, 784}, {900, 1024, 900}}
	if size == 0 {
		autoencoders = autoencoders[:1]
	}
	few, many := []int{1, 1, 20}[size], []int{1, 2, 20}[size]
	return []Grid{
		{"fc1", "one hidden layer of rectified units: figures 3.1 to 3.7, table 3.1", classifier, layers(1, units), wide, many},
		{"fc2", "two: figures 3.10 and 3.11", classifier, layers(2, units), wide, few},
		{"fc3", "three: figures 3.12 and 3.13", classifier, layers(3, units), narrow, few},
		{"sigmoid", "one hidden layer of sigmoid units: figures 3.8 and 3.9", sigmoid, layers(1, units), wide, few},
		{"ae", "autoencoders: figures 4.14 to 4.16", autoencoder, autoencoders, tiny, few},
		{"thresholds", "fc2 with negative biases and no output bias: proposed in section 3.2.2", thresholds, layers(2, units), wide, few},
		{"log", "fc1 with the penalty log(1 + a²): proposed in section 2.1", log, layers(1, units), wide, few},
		{"exp", "fc1 with the penalty -exp(-a²)", exp, layers(1, units), wide, few},
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
	return Grid{}, fmt.Errorf("activity: there is no grid %q: use one of %s", name, strings.Join(names, ", "))
}

// layers returns the shapes of n equal hidden layers.
func layers(n int, units []int) [][]int {
	shapes := make([][]int, len(units))
	for i, u := range units {
		for range n {
			shapes[i] = append(shapes[i], u)
		}
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
