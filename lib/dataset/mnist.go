// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// MNIST loads the 60,000 training and 10,000 test images of handwritten digits, [N, 1, 28, 28], pixels in [0, 1], ink 1.
//
// The four canonical files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,
// t10k-labels-idx1-ubyte, plain or .gz, also spelled train-images.idx3-ubyte) are read from dir or its sub-folder mnist.
// If dir is empty they are looked for in $LATERAL_DATA, then in the cache (see CacheDir). Bytes that are not
// MNIST's, by SHA-256, are refused: IDX reads other sets in the same format.
func MNIST(dir string) (train, test *Set, err error) {
	set, _ := data.Lookup("mnist")
	place, found, err := Find(set, dir)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, notFound(set, dir)
	}
	return loadMNIST(set, place)
}

// Digits loads MNIST if its files are in $LATERAL_DATA or in the cache, and otherwise makes the embedded stand-in, see
// Glyphs. It never downloads. If MNIST's files are there but incomplete or damaged it returns the error of MNIST: it
// does not fall back in silence.
func Digits(seed uint64) (train, test *Set, err error) {
	set, _ := data.Lookup("mnist")
	place, found, err := Find(set, "")
	if err != nil {
		return nil, nil, err
	}
	if found {
		return loadMNIST(set, place)
	}
	train, test = Glyphs(seed)
	return train, test, nil
}

// Glyphs makes the embedded digits of synth.Glyphs: 10,000 for training and 2,000 for testing, from two different
// random streams of the seed.
func Glyphs(seed uint64) (train, test *Set) {
	return glyphs("training", 10_000, seed, "train"), glyphs("test", 2_000, seed, "test")
}

func glyphs(kind string, n int, seed uint64, stream string) *Set {
	x, y := synth.Glyphs(n, seed, stream)
	return &Set{
		Name: "Glyphs", X: x, Y: y, Classes: digitNames(),
		Source: fmt.Sprintf("Glyphs, made from seed %d (%s %s images)", seed, group(int64(n)), kind),
	}
}

// digitNames returns the classes "0" to "9".
func digitNames() []string { return strings.Split("0123456789", "") }

func loadMNIST(set data.Set, place Place) (train, test *Set, err error) {
	if missing := place.Missing(set); len(missing) > 0 {
		return nil, nil, fmt.Errorf("dataset: %s has only some of MNIST's files: add %s to it, or run `lateral data get mnist`",
			place.Dir, strings.Join(missing, ", "))
	}
	var g errgroup.Group
	g.Go(func() (err error) { train, err = readPair(set.Files[0:2], place.Paths[0], place.Paths[1]); return })
	g.Go(func() (err error) { test, err = readPair(set.Files[2:4], place.Paths[2], place.Paths[3]); return })
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for _, s := range []*Set{train, test} {
		s.Name = set.Name
		s.Source = fmt.Sprintf("MNIST from %s (60,000 + 10,000 images)", place.Label)
	}
	return train, test, nil
}

// readPair reads an image file and its label file and checks them against the manifest unless want is nil.
func readPair(want []data.File, imagePath, labelPath string) (*Set, error) {
	var images, labels *idx
	var g errgroup.Group
	g.Go(func() (err error) { images, err = readIDX(imagePath, imageRank); return })
	g.Go(func() (err error) { labels, err = readIDX(labelPath, labelRank); return })
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("dataset: %w; replace it with a fresh copy (`lateral data get mnist` makes one)", err)
	}
	n, h, w := images.dims[0], images.dims[1], images.dims[2]
	if n != labels.dims[0] {
		return nil, fmt.Errorf("dataset: %s has %d images but %s has %d labels: they do not belong together", imagePath, n, labelPath, labels.dims[0])
	}
	sum := sha256.New()
	sum.Write(images.raw)
	sum.Write(labels.raw)
	y := make([]int, n)
	for i, v := range labels.values {
		if v > 9 {
			return nil, fmt.Errorf("dataset: %s: label %d is %d, want 0 to 9", labelPath, i, v)
		}
		y[i] = int(v)
	}
	x := tensor.New(n, 1, h, w)
	for i, v := range images.values {
		x.Data()[i] = float32(v) / 255
	}
	return &Set{X: x, Y: y, Classes: digitNames(), Sum: hex.EncodeToString(sum.Sum(nil))}, nil
}

// notFound says which files to put where.
func notFound(set data.Set, dir string) error {
	where := "$" + Env
	if dir != "" {
		where = dir
	} else if cache, _, err := CacheDir(); err == nil {
		where += " or " + filepath.Join(cache, set.ID)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "dataset: %s not found: put these files into %s", set.Name, where)
	for _, f := range set.Files {
		fmt.Fprintf(&b, "\n  %s.gz", f.Name)
	}
	return errors.New(b.String())
}
