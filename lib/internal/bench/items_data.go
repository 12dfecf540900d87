// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// overheads are costs besides arithmetic.
func overheads() []item {
	const operations, images, batch = 100, 10_000, 100
	chain := func(int) func() {
		tape := autograd.NewTape(1)
		x := autograd.NewParam(tensor.New(1))
		return func() {
			tape.Reset()
			x.ZeroGrad()
			y := autograd.AddScalar(tape.Input(x.Value()), 1)
			y = autograd.Add(y, x)
			for range operations - 2 {
				y = autograd.AddScalar(y, 1)
			}
			tape.Backward(y)
		}
	}
	gather := func(int) func() {
		set := &dataset.Set{X: tensor.From(noise("images", images*784), images, 1, 28, 28), Y: make([]int, images)}
		order := dataset.Order(images, 1, 0)
		var b dataset.Batch
		at := 0
		return func() {
			set.Gather(&b, order[at:at+batch])
			at = (at + batch) % images
		}
	}
	return []item{
		// An operation on one number, forward and backward.
		{name: "tape_overhead", work: operations, unit: "operations", cores: 1, setup: ready(chain),
			peers: []string{"torch"}},
		{name: "gather_100x784", work: batch, unit: "images", cores: 1, setup: ready(gather),
			peers: []string{"torch", "numpy"}},
	}
}

// files measure reading data, and writing and reading a model of 784-2000-10 in memory.
func files() []item {
	model := []tensor.Named{
		{Name: "hidden.weight", Tensor: tensor.From(noise("w", 2000*784), 2000, 784)},
		{Name: "hidden.bias", Tensor: tensor.New(2000)},
		{Name: "out.weight", Tensor: tensor.From(noise("v", 10*2000), 10, 2000)},
		{Name: "out.bias", Tensor: tensor.New(10)},
	}
	size := 0.0
	for _, p := range model {
		size += 4 * float64(p.Tensor.Len())
	}
	return []item{
		{name: "load_idx_10k", work: 10_000, unit: "images", cores: 1, setup: loadIDX, peers: []string{"numpy"}},
		{name: "safetensors_write", work: size, unit: "bytes", cores: 1, peers: []string{"numpy"},
			setup: func(int, string) (func(), error) {
				var file bytes.Buffer
				return func() {
					file.Reset()
					must(tensor.WriteSafetensors(&file, model, nil))
				}, nil
			}},
		{name: "safetensors_read", work: size, unit: "bytes", cores: 1, peers: []string{"numpy"},
			setup: func(int, string) (func(), error) {
				var file bytes.Buffer
				if err := tensor.WriteSafetensors(&file, model, nil); err != nil {
					return nil, err
				}
				return func() {
					_, _, err := tensor.ReadSafetensors(bytes.NewReader(file.Bytes()))
					must(err)
				}, nil
			}},
	}
}

// loadIDX creates a data set in MNIST's format and returns the function that loads it.
func loadIDX(_ int, dir string) (func(), error) {
	const n = 10_000
	rng := tensor.Stream(1, "pixels")
	pixels, classes := make([]byte, n*28*28), make([]byte, n)
	for i := range pixels {
		pixels[i] = byte(rng.Uint32())
	}
	for i := range classes {
		classes[i] = byte(rng.IntN(10))
	}
	write := func(name string, header []uint32, values []byte) (string, error) {
		path := filepath.Join(dir, name)
		var b []byte
		for _, h := range header {
			b = binary.BigEndian.AppendUint32(b, h)
		}
		return path, os.WriteFile(path, slices.Concat(b, values), 0o644)
	}
	images, err := write("images", []uint32{0x803, n, 28, 28}, pixels)
	if err != nil {
		return nil, err
	}
	labels, err := write("labels", []uint32{0x801, n}, classes)
	if err != nil {
		return nil, err
	}
	return func() {
		_, err := dataset.IDX(images, labels)
		must(err)
	}, nil
}

// must panics on an error during a measurement. The setup has already run the work once without an error.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("bench: %v", err))
	}
}
