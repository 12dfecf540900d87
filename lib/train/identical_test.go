// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/loss"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A subject is a network that is trained in several ways, which must not differ in one bit.
type subject struct {
	name  string
	start func(seed uint64) Config
}

var glyphs = sync.OnceValue(func() *dataset.Set {
	images, _ := dataset.Glyphs(1)
	return images
})

// subjects returns the course's usual network, a small convolutional one, and one with every feature of a run.
func subjects() []subject {
	images := glyphs()
	few := images.Slice(0, 1530) // the last batch is not full
	if testing.Short() || race.Enabled {
		images, few = images.Slice(0, 1030), images.Slice(0, 230)
	}
	relu := nn.Func(autograd.ReLU)
	pool := nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) })
	// classifier penalises the activity of the layers before the last.
	classifier := func(data Data, layers nn.Sequential) Config {
		last := len(layers) - 1
		return Config{Train: data, Epochs: 1, Learner: &GradientDescent{
			Model: layers, Optimizer: &optim.Adam{LR: 0.001},
			Loss: func(b *Batch) *autograd.Var {
				h := layers[:last].Forward(b.X)
				return autograd.Add(loss.CrossEntropy(layers[last].Forward(h), b.Y), loss.L1(h, 0.001))
			},
		}}
	}
	return []subject{
		{"784-128-10", func(seed uint64) Config {
			rng := tensor.Stream(seed, "weights")
			hidden, out := nn.NewDense(784, 128, nil, rng), nn.NewDense(128, 10, nil, rng)
			return classifier(images, nn.Sequential{hidden, relu, out})
		}},
		{"convolutional", func(seed uint64) Config {
			rng := tensor.Stream(seed, "weights")
			return classifier(few, nn.Sequential{
				nn.NewConv2D(1, 6, 5, 5, autograd.ConvShape{}, nil, rng), relu, pool,
				nn.NewConv2D(6, 16, 3, 3, autograd.ConvShape{}, nil, rng), relu, // [N, 16, 10, 10]
				nn.NewDense(16*10*10, 32, nil, rng), relu, nn.NewDense(32, 10, nil, rng),
			})
		}},
		{"with dropout, validation and the best epoch", func(uint64) Config { return config(newNet()) }},
	}
}

// An outcome is the result of a run: its history and the bits of the weights.
type outcome struct {
	history string
	weights []uint32
}

func (s subject) train(t *testing.T, seed uint64, workers int) outcome {
	c := s.start(seed)
	l := c.Learner.(*GradientDescent)
	c.Seed, l.Workers = seed, workers
	h, err := Run(t.Context(), c)
	if err != nil {
		t.Error(err)
		return outcome{}
	}
	o := outcome{history: withoutTimes(h)}
	for _, p := range nn.Params(l.Model) {
		for _, w := range p.Data() {
			o.weights = append(o.weights, math.Float32bits(w))
		}
	}
	return o
}

func (o outcome) same(p outcome) bool {
	return o.history == p.history && len(o.weights) > 0 && slices.Equal(o.weights, p.weights)
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			want := s.train(t, 1, 1)
			if s.train(t, 2, 1).same(want) {
				t.Error("another seed gives the same weights: the comparison sees nothing")
			}
			for _, workers := range []int{2, 5} {
				if !s.train(t, 1, workers).same(want) {
					t.Errorf("%d workers give other results than 1", workers)
				}
			}
		})
	}
}

// Two models give the same result one after the other on all cores, and side by side on one core each.
func TestTwoModelsDoNotDependOnEachOther(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			inTurn := [2]outcome{s.train(t, 1, 0), s.train(t, 2, 0)}
			var sideBySide [2]outcome
			var both sync.WaitGroup
			for i := range sideBySide {
				both.Go(func() { sideBySide[i] = s.train(t, uint64(1+i), 1) })
			}
			both.Wait()
			for i := range inTurn {
				if !inTurn[i].same(sideBySide[i]) {
					t.Errorf("model %d differs between the two ways", i+1)
				}
			}
		})
	}
}
