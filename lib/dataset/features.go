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

// maxClasses limits the number of classes in files that do not declare it. The largest label then decides, and some
// tables have an entry per class, so a single damaged label could require gigabytes.
const maxClasses = 1 << 16

// Features reads labelled vectors, such as features of photographs that another network computed. A file whose name
// ends in .npy holds the vectors, [N, D]; the file with -labels.npy instead of .npy holds their labels, [N]. Any other
// file is read as safetensors with the tensors "features" [N, D] and "labels" [N].
//
// The set has X [N, D] and classes numbered from 0 to the largest label, which must be below 65,536. The error names
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
	s := &Set{Name: filepath.Base(path), X: x, Y: make([]int, x.Rows()), Source: "the user's own file",
		Sum: hex.EncodeToString(sum.Sum(nil))}
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
