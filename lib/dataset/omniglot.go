// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"image"
	_ "image/png" // the format of the images
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// strokes is the side of Omniglot's images, in pixels.
const strokes = 105

// OmniglotSmall reads one of the two small background sets of Omniglot, 1 or 2: handwritten characters of five
// alphabets, each drawn by 20 people, as images [N, 1, 105, 105] with ink 1 on paper 0. A class is a character, named
// by its alphabet and a number, such as "Latin 3".
//
// The file images_background_small1.zip or ...2.zip is read from dir or its sub-folder omniglot; if dir is empty, from
// $LATERAL_DATA or the cache (see [CacheDir]). It is never downloaded: the error says where to get it. It panics for
// another number.
func OmniglotSmall(dir string, number int) (*Set, error) {
	if number != 1 && number != 2 {
		panic(fmt.Sprintf("dataset: OmniglotSmall: background set %d: want 1 or 2", number))
	}
	z, err := openOmniglot(dir, number-1)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	names := z.named(".png")
	s := &Set{Name: fmt.Sprintf("Omniglot small %d", number), Source: "Omniglot from " + z.label,
		X: tensor.New(len(names), 1, strokes, strokes)}
	index := map[string]int{}
	for i, name := range names { // images_background_small1/Latin/character03/0687_01.png
		if err := z.image(s.X.Row(i), name); err != nil {
			return nil, err
		}
		parts := strings.Split(name, "/")
		if len(parts) != 4 {
			return nil, fmt.Errorf("dataset: Omniglot: %s holds %s: want folders of alphabets and characters", z.path, name)
		}
		number, err := strconv.Atoi(strings.TrimPrefix(parts[2], "character"))
		if err != nil {
			return nil, fmt.Errorf("dataset: Omniglot: %s holds the folder %q: want character and a number", z.path, parts[2])
		}
		class := fmt.Sprintf("%s %d", strings.ReplaceAll(parts[1], "_", " "), number)
		k, known := index[class]
		if !known {
			k = len(s.Classes)
			index[class], s.Classes = k, append(s.Classes, class)
		}
		s.Y = append(s.Y, k)
	}
	s.Sum = z.sum
	return s, nil
}

// A OneShotRun is one of the twenty tests of one-shot classification in Omniglot: which of some characters, each seen
// once, is each test image?
type OneShotRun struct {
	Train  *tensor.Tensor // one image of each character [20, 1, 105, 105], ink 1 on paper 0
	Test   *tensor.Tensor // images to classify [20, 1, 105, 105], by another person
	Answer []int          // row of Train of each test image
}

// OmniglotRuns reads the twenty runs of one-shot classification of Omniglot, in order. All characters of a run are of
// one alphabet, none of which is in the background sets. The file all_runs.zip is found as by [OmniglotSmall].
func OmniglotRuns(dir string) ([]OneShotRun, error) {
	z, err := openOmniglot(dir, 2)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var runs []OneShotRun
	for _, name := range z.named("class_labels.txt") {
		run, err := z.run(name)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// An omniglotFile is an open archive of Omniglot [LST15].
type omniglotFile struct {
	*zip.ReadCloser
	path, label string // of the file, and of the place where it was found
	sum         string // of the file
}

func openOmniglot(dir string, file int) (*omniglotFile, error) {
	set := manifest("omniglot")
	f := set.Files[file]
	place, found, err := Find(set, dir)
	switch {
	case err != nil:
		return nil, err
	case !found || place.Paths[file] == "":
		return nil, fmt.Errorf("dataset: Omniglot: no %s in %s: %s (%w)", f.Name, searched(dir), set.Recipe, os.ErrNotExist)
	}
	path := place.Paths[file]
	if err := Check(path, f); err != nil {
		return nil, place.damaged(set, err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: Omniglot: %s: %w", path, err)
	}
	return &omniglotFile{z, path, place.Label, f.SHA256}, nil
}

// named returns the names of the files with an ending, sorted.
func (z *omniglotFile) named(ending string) (names []string) {
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ending) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// image reads an image into pixels.
func (z *omniglotFile) image(pixels []float32, name string) error {
	f, err := z.Open(name)
	if err != nil {
		return fmt.Errorf("dataset: Omniglot: %s: %w", z.path, err)
	}
	defer f.Close()
	m, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("dataset: Omniglot: %s: %s: %w", z.path, name, err)
	}
	if b := m.Bounds(); b.Dx() != strokes || b.Dy() != strokes {
		return fmt.Errorf("dataset: Omniglot: %s: %s has %d x %d pixels: want %d x %d", z.path, name, b.Dx(),
			b.Dy(), strokes, strokes)
	}
	for i := range pixels {
		if r, _, _, _ := m.At(i%strokes, i/strokes).RGBA(); r < 1<<15 {
			pixels[i] = 1
		} else {
			pixels[i] = 0
		}
	}
	return nil
}

// run reads a run from its table of test images and their answers.
func (z *omniglotFile) run(table string) (r OneShotRun, err error) {
	f, err := z.Open(table)
	if err != nil {
		return r, fmt.Errorf("dataset: Omniglot: %s: %w", z.path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return r, fmt.Errorf("dataset: Omniglot: %s: %s: %w", z.path, table, err)
	}
	words := strings.Fields(string(text)) // test image, training image, test image, ...
	if len(words) == 0 || len(words)%2 != 0 {
		return r, fmt.Errorf("dataset: Omniglot: %s: %s holds %d names: want pairs", z.path, table, len(words))
	}
	answer := map[string]string{}
	var tests, trains []string
	for i := 0; i < len(words); i += 2 {
		answer[words[i]] = words[i+1]
		tests, trains = append(tests, words[i]), append(trains, words[i+1])
	}
	slices.Sort(tests)
	slices.Sort(trains)
	r.Test, err = z.images(tests)
	if err != nil {
		return r, err
	}
	if r.Train, err = z.images(trains); err != nil {
		return r, err
	}
	for _, name := range tests {
		r.Answer = append(r.Answer, slices.Index(trains, answer[name]))
	}
	return r, nil
}

func (z *omniglotFile) images(names []string) (*tensor.Tensor, error) {
	x := tensor.New(len(names), 1, strokes, strokes)
	var problems []error
	for i, name := range names {
		problems = append(problems, z.image(x.Row(i), path.Clean(name)))
	}
	return x, errors.Join(problems...)
}
