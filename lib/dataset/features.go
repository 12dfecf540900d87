// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// maxClasses limits the number of classes in files that do not declare it. The largest label then decides, and some
// tables have an entry per class, so a single damaged label could require gigabytes.
const maxClasses = 1 << 16

// Features reads labelled samples of any shape [N, ...], such as features of photographs that another network computed,
// or images that NumPy saved. A file whose name ends in .npy holds the samples; the file with -labels.npy instead of
// .npy holds their labels, [N]. Any other file, .npz or safetensors, contains both: the samples are named "features",
// "x", "images" or "data", and the labels "labels" or "y".
//
// The set has X [N, ...] and classes numbered from 0 to the largest label, which must be below 65,536. The error names
// what is missing, or the first label that is not such a number.
func Features(path string) (*Set, error) {
	fail := func(format string, args ...any) (*Set, error) {
		return nil, fmt.Errorf("dataset: Features: "+format, args...)
	}
	var x, y *tensor.Tensor
	sum := sha256.New()
	files := []string{path}
	if stem, ok := strings.CutSuffix(path, ".npy"); ok {
		files = append(files, stem+"-labels.npy")
		var err error
		if x, err = tensor.LoadNPY(path); err != nil {
			return fail("%w", err)
		}
		if y, err = tensor.LoadNPY(files[1]); err != nil {
			return fail("%w", err)
		}
	} else {
		named, err := loadNamed(path)
		if err != nil {
			return fail("%w", err)
		}
		var names []string
		for _, n := range named {
			names = append(names, n.Name)
			switch n.Name {
			case "features", "x", "images", "data":
				x = n.Tensor
			case "labels", "y":
				y = n.Tensor
			}
		}
		if x == nil || y == nil {
			return fail("%s contains %q: want features and labels, or x and y", path, names)
		}
	}
	if x.Rank() < 2 || x.Rows() == 0 || y.Rank() != 1 || y.Len() != x.Rows() {
		return fail("%s: features of shape %v with labels of shape %v: want [N, D] and [N]", path, x.Shape(), y.Shape())
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return fail("%w", err)
		}
		sum.Write(b)
	}
	s := &Set{Name: filepath.Base(path), X: x, Source: "the user's own file", Sum: hex.EncodeToString(sum.Sum(nil))}
	var err error
	if s.Y, err = classes(path, y); err != nil {
		return fail("%w", err)
	}
	s.Classes = numbers(slices.Max(s.Y) + 1)
	return s, nil
}

// loadNamed reads the arrays of an .npz file, or the tensors of a safetensors file.
func loadNamed(path string) ([]tensor.Named, error) {
	if strings.HasSuffix(path, ".npz") {
		return tensor.LoadNPZ(path)
	}
	named, _, err := tensor.LoadSafetensors(path)
	return named, err
}
