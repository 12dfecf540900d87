// SPDX-License-Identifier: Apache-2.0

// Package experiment holds what the experiments of all documents have in common. A package for one document therefore
// contains only its settings, sizes and protocol:
//
//   - [Load] and [LoadSplit] return labelled images by name, and [LoadScenes] images to cut patches from, with a check
//     sum ([Data], [Source]);
//   - [LoadText] returns texts by name;
//   - [Quick], [Standard] and [Paper] are the profiles, and [Pick] selects a value by profile;
//   - [Check] collects the invalid fields of a setting;
//   - [Grid] is a set of settings; [Grids] are all grids of a document, which notebooks and the command run.
//
// Package papers lists the grids of all documents.
package experiment

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Data are the images of an experiment, or a text, or photographs to enlarge.
type Data struct {
	Train *dataset.Set // training images
	Valid *dataset.Set // validation images, held out from the published training set; may be nil
	Test  *dataset.Set

	Text   *dataset.Corpus // instead of images, see LoadText; nil for none
	Photos *Photos         // instead of images, see LoadPhotos; nil for none
}

// A Source identifies data. A setting embeds the source of its data.
type Source struct {
	Data     string `json:"data"`     // name of the set, such as "MNIST"
	Checksum string `json:"checksum"` // identifies the data and their split: 16 hexadecimal digits
	Images   int    `json:"images"`   // number of training images, words or photographs
}

// named lists the labelled data sets that have a name, with the fraction of the training images that LoadSplit keeps
// for training.
var named = []struct {
	name  string
	load  func(dir string) (train, test *dataset.Set, err error)
	share float64
}{
	{"mnist", dataset.MNIST, 5.0 / 6},
	{"cifar10", dataset.CIFAR10, 4.0 / 5},
	{"cifar100", dataset.CIFAR100, 4.0 / 5},
	{"svhn", dataset.SVHN, 5.0 / 6},
	{"fashion-mnist", dataset.FashionMNIST, 5.0 / 6},
	{"kmnist", dataset.KMNIST, 5.0 / 6},
	{"emnist-balanced", emnist("balanced"), 5.0 / 6},
	{"emnist-letters", emnist("letters"), 5.0 / 6},
	{"emnist-digits", emnist("digits"), 5.0 / 6},
	{"emnist-byclass", emnist("byclass"), 5.0 / 6},
	{"glyphs", glyphs, 5.0 / 6},
	{"", func(string) (train, test *dataset.Set, err error) { return dataset.Digits(1) }, 5.0 / 6},
}

func glyphs(string) (train, test *dataset.Set, err error) {
	train, test = dataset.Glyphs(1)
	return train, test, nil
}

func emnist(part string) func(dir string) (train, test *dataset.Set, err error) {
	return func(dir string) (train, test *dataset.Set, err error) { return dataset.EMNIST(dir, part) }
}

// scenes lists the sets of images without labels, from which patches are cut.
var scenes = []struct {
	name string
	load func() (*dataset.Set, error)
}{
	{"olshausen", func() (*dataset.Set, error) { return dataset.NaturalImages("") }},
	{"leaves", func() (*dataset.Set, error) { return dataset.Leaves(1), nil }},
	{"", func() (*dataset.Set, error) { return dataset.Scenes(1) }},
}

// DataNames returns the names of all data sets: those that [Load] accepts, and those that [LoadScenes] accepts.
func DataNames() []string { return append(labelled(), unlabelled()...) }

func labelled() []string {
	var names []string
	for _, d := range named {
		if d.name != "" {
			names = append(names, d.name)
		}
	}
	return names
}

func unlabelled() []string {
	var names []string
	for _, d := range scenes {
		if d.name != "" {
			names = append(names, d.name)
		}
	}
	return names
}

// Load returns the named images: all training images and the test images, as published. The names are "mnist",
// "fashion-mnist", "kmnist", "cifar10", "cifar100" and "svhn", which are downloaded if necessary, "emnist-balanced",
// "emnist-letters", "emnist-digits" and "emnist-byclass", and "glyphs", the embedded stand-in for MNIST.
// The empty name means MNIST if its files are found and Glyphs otherwise; it never downloads anything.
func Load(name string) (*Data, error) {
	d, _, err := load(name)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// LoadSplit is [Load] with some of the training images held out for validation, always the same ones: 10,000 images of
// MNIST, CIFAR-10 and CIFAR-100, and a sixth of the other sets. The same fraction of each class is held out.
func LoadSplit(name string) (*Data, error) {
	d, share, err := load(name)
	if err != nil {
		return nil, err
	}
	d.Train, d.Valid = d.Train.Split(share, tensor.Stream(1, "split"))
	return d, nil
}

func load(name string) (d *Data, share float64, err error) {
	for _, n := range named {
		if n.name == name {
			d := new(Data)
			d.Train, d.Test, err = n.load("")
			return d, n.share, err
		}
	}
	if slices.Contains(unlabelled(), name) {
		return nil, 0, fmt.Errorf("experiment: the images of %s have no labels: use %s", name, oneOf(labelled()))
	}
	return nil, 0, fmt.Errorf("experiment: there is no data set %q: use %s", name, oneOf(labelled()))
}

// The images of a set of ten scenes that are held out. The variances of these two of Olshausen's are nearest to the
// mean of all ten.
const (
	testScene  = 2
	validScene = 6
)

// LoadScenes returns the named images without labels, [N, 1, 512, 512], whitened as [OF96] did, to cut patches from:
// eight for training, one for validation and one for testing. The names are "olshausen", the photographs of
// [dataset.NaturalImages], and "leaves", the embedded stand-in. The empty name means the photographs if their file is
// found and Leaves otherwise.
func LoadScenes(name string) (*Data, error) {
	for _, n := range scenes {
		if n.name != name {
			continue
		}
		s, err := n.load()
		if err != nil {
			return nil, err
		}
		rest := make([]int, 0, s.Len())
		for i := range s.Len() {
			if i != testScene && i != validScene {
				rest = append(rest, i)
			}
		}
		return &Data{
			Train: s.Subset(rest), Valid: s.Slice(validScene, validScene+1), Test: s.Slice(testScene, testScene+1),
		}, nil
	}
	return nil, fmt.Errorf("experiment: there are no images %q to cut patches from: use %s", name, oneOf(unlabelled()))
}

// oneOf lists words as in "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Part returns the first n training images and the same fraction of the validation and test images, for a quicker
// experiment on the same problem. It panics unless 1 <= n <= d.Train.Len().
func (d *Data) Part(n int) *Data {
	all := d.Train.Len()
	if n < 1 || n > all {
		panic(fmt.Sprintf("experiment: Part: %d of %d images", n, all))
	}
	if n == all {
		return d
	}
	part := func(s *dataset.Set) *dataset.Set {
		if s == nil {
			return nil
		}
		return s.Slice(0, (n*s.Len()+all-1)/all)
	}
	return &Data{Train: part(d.Train), Valid: part(d.Valid), Test: part(d.Test)}
}

// Name returns the name of the data, such as "MNIST".
func (d *Data) Name() string { return d.Source().Data }

// About returns the origin of the data, a sentence for people.
func (d *Data) About() string {
	switch {
	case d.Text != nil:
		return d.Text.Source
	case d.Photos != nil:
		return d.Photos.About
	}
	return d.Train.Source
}

// Source returns the identity of the data and their split.
func (d *Data) Source() Source {
	switch {
	case d.Text != nil:
		return Source{d.Text.Name, d.Text.Sum[:16], len(d.Text.Train.Tokens)}
	case d.Photos != nil:
		return d.Photos.source()
	}
	sums := d.Train.Sum
	if d.Valid != nil {
		sums += " " + d.Valid.Sum
	}
	sum := sha256.Sum256([]byte(sums + " " + d.Test.Sum))
	return Source{d.Train.Name, fmt.Sprintf("%x", sum[:8]), d.Train.Len()}
}

// Check returns an error unless s is the source of the data.
func (d *Data) Check(s Source) error {
	if is := d.Source(); is != s {
		return fmt.Errorf("experiment: the setting is for %v, but the data are %v: adapt it with its method On", s, is)
	}
	return nil
}

// String describes the source briefly.
func (s Source) String() string {
	if s == (Source{}) {
		return "no data"
	}
	return fmt.Sprintf("%d samples of %s with the check sum %s", s.Images, s.Data, s.Checksum)
}
