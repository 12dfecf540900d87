// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// Of the codes of patches.
const (
	codeSize    = 16 // pixels of a side
	codeAtoms   = 256
	codePatches = 2000
	codeLambda  = 0.5 // about 20 coefficients are not zero
	codeOMP     = 10  // atoms of a code
)

// A coding is what patches are encoded with.
type coding struct {
	images     *dataset.Set
	dictionary *sparsecode.Dictionary
	patches    *tensor.Tensor // [2000, 1, 16, 16]
}

// newCoding learns a dictionary of natural images or, without their file, of leaves.
var newCoding = sync.OnceValues(func() (*coding, error) {
	images, err := dataset.Scenes(1)
	if err != nil {
		return nil, err
	}
	c := &coding{images: images, dictionary: sparsecode.RandomDictionary(codeAtoms, 1, codeSize, codeSize)}
	learn, err := c.draw(20_000, 1)
	if err != nil {
		return nil, err
	}
	_, err = train.Run(context.Background(), train.Config{
		Learner: &sparsecode.Online{
			Dictionary: c.dictionary, Encoder: &sparsecode.CoordinateDescent{Lambda: codeLambda, Tol: 1e-3},
		},
		Train: learn, Epochs: 1, BatchSize: 500,
	})
	if err != nil {
		return nil, err
	}
	test, err := c.draw(codePatches, 2)
	if err != nil {
		return nil, err
	}
	c.patches = test.Tensor(0, codePatches)
	return c, nil
})

// draw returns n patches.
func (c *coding) draw(n int, seed uint64) (*dataset.Patches, error) {
	return dataset.NewPatches(c.images.X, dataset.PatchConfig{Size: codeSize, N: n, Seed: seed, Border: 4})
}

// codings encode patches of images. The peers get the same patches and atoms, and the objective that this library
// reaches, in files.
func codings() []item {
	encode := func(name string, encoder func(workers int) sparsecode.Encoder) item {
		return item{
			name: name, work: codePatches, unit: "patches", peers: []string{"codes"},
			setup: func(workers int, dir string) (func(), error) {
				c, err := newCoding()
				if err != nil {
					return nil, err
				}
				e, codes := encoder(workers), new(tensor.Tensor)
				if err := e.EncodeTo(codes, c.dictionary, c.patches); err != nil {
					return nil, err
				}
				objective := sparsecode.Objective(e, c.dictionary, c.patches, codes)
				err = os.WriteFile(filepath.Join(dir, "objective"), []byte(fmt.Sprintf("%.17g", objective)), 0o644)
				if err == nil {
					err = writeFloats(filepath.Join(dir, "patches"), c.patches)
				}
				if err == nil {
					err = writeFloats(filepath.Join(dir, "atoms"), c.dictionary.Atoms())
				}
				return func() { must(e.EncodeTo(codes, c.dictionary, c.patches)) }, err
			},
		}
	}
	return []item{
		encode("omp10_2000", func(workers int) sparsecode.Encoder {
			return &sparsecode.OMP{Atoms: codeOMP, Workers: workers}
		}),
		// As SPAMS compares atoms.
		encode("ormp10_2000", func(workers int) sparsecode.Encoder {
			return &sparsecode.OMP{Atoms: codeOMP, Optimized: true, Workers: workers}
		}),
		encode("lasso_2000", func(workers int) sparsecode.Encoder {
			return &sparsecode.CoordinateDescent{Lambda: codeLambda, Workers: workers}
		}),
	}
}

// writeFloats writes the elements of a tensor, little-endian.
func writeFloats(path string, t *tensor.Tensor) error {
	b := make([]byte, 0, 4*t.Len())
	for _, v := range t.Data() {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return os.WriteFile(path, b, 0o644)
}
