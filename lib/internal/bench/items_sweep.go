// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/papers/thesis21"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// sweeps train many networks: one epoch of the sweep fc1 over networks of 784-128-10, as in lib/papers/thesis21, with
// one network per core. It includes, in proportion, shuffling the images, validation, and the measurements on test
// images. The peer trains as in the thesis: one network after the other, with all cores or with the number of cores
// that is fastest.
func sweeps() []item {
	const images, hidden = 20_000, 128
	models := runtime.GOMAXPROCS(0)
	perImage := network{hidden: hidden, batch: 1}.flops()
	forward := 2. * hidden * (784 + 10)
	setup := func(workers int, _ string) (func(), error) {
		d := &experiment.Data{
			Train: noiseSet("train", images), Valid: noiseSet("valid", images/5), // in the ratio of MNIST's 50,000 and 10,000
			Test: noiseSet("test", images/5/15), // evaluated once after 15 epochs
		}
		base := thesis21.Setting{Task: thesis21.Classify, Activation: thesis21.ReLU, Penalty: thesis21.L1, Epochs: 1}
		shapes := []thesis21.Shape{thesis21.FullyConnected(hidden)}
		grid := thesis21.Grid{Cells: thesis21.Cells(base, shapes, []float64{0.008}), Seeds: models}
		sweep := thesis21.Grids.Sweep(grid.Settings(d.Source()), d, "")
		sweep.Workers = workers
		return func() {
			_, err := sweep.Run(context.Background())
			must(err)
		}, nil
	}
	return []item{{
		name: "sweep_fc1", work: float64(models * images), unit: "images",
		flops: float64(models) * images * (perImage + forward/5),
		setup: setup, peers: []string{"sweep"}, runs: float64(models),
	}}
}

// noiseSet draws images of 28 x 28 and their classes.
func noiseSet(name string, n int) *dataset.Set {
	rng := tensor.Stream(1, name)
	s := &dataset.Set{Name: "noise", Sum: name, X: tensor.New(n, 1, 28, 28), Y: make([]int, n),
		Classes: make([]string, 10)}
	rng.Uniform(s.X.Data(), 0, 1)
	for i := range s.Y {
		s.Y[i] = rng.IntN(10)
	}
	return s
}
