// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/dataset/synth"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// olshausen is the file of [NaturalImages]. It is not in the manifest, because nobody offers it in this format.
func olshausen() data.Set {
	return data.Set{ID: "olshausen", Name: "natural images", Files: []data.File{{Name: "IMAGES.npy"}}}
}

// howToImages says where the file comes from.
const howToImages = `get IMAGES.mat of Olshausen's sparsenet and save it with Python, ` +
	`numpy.save("IMAGES.npy", scipy.io.loadmat("IMAGES.mat")["IMAGES"].transpose(2, 0, 1).astype("float32"))`

// NaturalImages loads the ten photographs of nature, whitened, on which Olshausen and Field trained [OF96]: X [10, 1,
// 512, 512], with no labels. They are as [WhitenSpectrum] makes them, of variance 0.1.
//
// The file IMAGES.npy, [10, 512, 512], is read from dir or its sub-folder olshausen; if dir is empty, from
// $LATERAL_DATA or the cache (see [CacheDir]). Any array of images [N, H, W] of finite numbers will do. It is never
// downloaded: the error says how to make it.
func NaturalImages(dir string) (*Set, error) {
	set := olshausen()
	place, found, err := Find(set, dir)
	switch {
	case err != nil:
		return nil, err
	case !found && dir != "":
		return nil, fmt.Errorf("dataset: NaturalImages: no IMAGES.npy in %s: %s", dir, howToImages)
	case !found:
		return nil, fmt.Errorf("dataset: NaturalImages: no IMAGES.npy in $%s or the cache: %s", Env, howToImages)
	}
	return loadNatural(place.Paths[0])
}

func loadNatural(path string) (*Set, error) {
	x, err := tensor.LoadNPY(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: NaturalImages: %w", err)
	}
	if x.Rank() != 3 || x.Len() == 0 {
		return nil, fmt.Errorf("dataset: NaturalImages: %s: an array of shape %v, want images [N, H, W]: %s", path, x.Shape(),
			howToImages)
	}
	s := &Set{
		Name: "natural images", X: x.Reshape(x.Dim(0), 1, x.Dim(1), x.Dim(2)),
		Source: "photographs of nature, whitened, by Olshausen and Field (" + filepath.Base(path) + ")",
	}
	if err := checkImages(s.X); err != nil {
		return nil, fmt.Errorf("dataset: NaturalImages: %s: %w", path, err)
	}
	s.Sum = sumPixels(s.X)
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
	place, found, err := Find(olshausen(), "")
	switch {
	case err != nil:
		return nil, err
	case found:
		return loadNatural(place.Paths[0])
	}
	return Leaves(seed), nil
}

// sumPixels returns the SHA-256 over the pixels.
func sumPixels(x *tensor.Tensor) string {
	h := sha256.New()
	hashElements(h, x.Data())
	return hexSum(h)
}
