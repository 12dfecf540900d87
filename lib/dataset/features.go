// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// maxClasses bounds the classes of files that do not say how many there are: the largest label decides, and tables of all
// classes are made, so that one damaged label could ask for gigabytes.
const maxClasses = 1 << 16

// Features reads vectors with labels, such as what a layer of somebody else's network said about photographs. A file
// whose name ends in .npy holds the vectors, [N, D], and the file with -labels.npy in the place of that ending their
// labels, [N]. Any other file is of safetensors, with the tensors "features" [N, D] and "labels" [N].
//
// The set has X [N, D], and its classes are numbered from 0 to the largest label, which is below 65,536. The error says
// what is missing, or which label is no such number.
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
		named, _, err := tensor.LoadSafetensors(path)
		if err != nil {
			return fail("%w", err)
		}
		for _, n := range named {
			switch n.Name {
			case "features":
				x = n.Tensor
			case "labels":
				y = n.Tensor
			}
		}
		if x == nil || y == nil {
			return fail("%s: want the tensors features and labels", path)
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
	s := &Set{Name: filepath.Base(path), X: x, Y: make([]int, x.Rows()), Source: "the user's own file", Sum: hex.EncodeToString(sum.Sum(nil))}
	classes := 0
	for i, v := range y.Data() {
		if !(v >= 0 && v < maxClasses) || v != float32(int(v)) {
			return fail("%s: label %d is %g: want whole numbers from 0 to %d", path, i, v, maxClasses-1)
		}
		s.Y[i] = int(v)
		classes = max(classes, s.Y[i]+1)
	}
	s.Classes = numbers(classes)
	return s, nil
}
