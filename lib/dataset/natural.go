// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// NaturalImages loads the ten photographs of nature, whitened, on which Olshausen and Field trained [OF96]: X [10, 1,
// 512, 512], with no labels. They are as [WhitenSpectrum] makes them; the variance of their pixels is 0.079.
//
// The file IMAGES.npy, plain or .gz, is read from dir or its sub-folder olshausen; if dir is empty, from $LATERAL_DATA
// or the cache (see [CacheDir]). Nobody offers it for download: the error says how to make it and where to put it. It
// returns an error if the bytes are others, by SHA-256; [tensor.LoadNPY] and [WhitenSpectrum] prepare other images.
func NaturalImages(dir string) (*Set, error) {
	set := manifest("olshausen")
	place, err := locate(set, dir)
	if err != nil {
		return nil, err
	}
	return loadNatural(set, place)
}

func loadNatural(set data.Set, place Place) (*Set, error) {
	in, err := os.Open(place.Paths[0])
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer in.Close()
	var b bytes.Buffer
	b.Grow(int(set.Files[0].Size))
	if err := copyChecked(&b, in, set.Files[0]); err != nil {
		return nil, place.damaged(set, fmt.Errorf("%s %w", place.Paths[0], err))
	}
	x, err := tensor.ReadNPY(&b)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", place.Paths[0], err)
	}
	s := &Set{
		Name: set.Name, X: x.Reshape(x.Dim(0), 1, x.Dim(1), x.Dim(2)), Sum: set.Files[0].SHA256,
		Source: fmt.Sprintf("%s from %s (%d photographs, whitened)", set.Name, place.Label, x.Dim(0)),
	}
	return s, nil
}

// Leaves makes the embedded stand-in for [NaturalImages], see synth.Leaves: ten images of dead leaves, whitened alike,
// X [10, 1, 512, 512].
func Leaves(seed uint64) *Set {
	x, err := WhitenSpectrum(synth.Leaves(10, 512, seed, "train"), OlshausenCutoff, OlshausenVariance)
	if err != nil {
		panic(err) // no image of leaves is constant
	}
	return &Set{
		Name: "Leaves", X: x, Sum: sumPixels(x),
		Source: fmt.Sprintf("Leaves, made from seed %d (10 images of dead leaves, whitened)", seed),
	}
}

// Scenes loads [NaturalImages] if their file is in $LATERAL_DATA or in the cache, and otherwise makes the embedded
// stand-in, [Leaves], from the seed. If the file is there but damaged it returns the error: it does not fall back in
// silence.
func Scenes(seed uint64) (*Set, error) {
	set := manifest("olshausen")
	place, found, err := Find(set, "")
	switch {
	case err != nil:
		return nil, err
	case found:
		return loadNatural(set, place)
	}
	return Leaves(seed), nil
}

// sumPixels returns the SHA-256 over the pixels.
func sumPixels(x *tensor.Tensor) string {
	h := sha256.New()
	hashElements(h, x.Data())
	return hexSum(h)
}
