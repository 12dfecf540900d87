// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Rows are labelled samples in a file of NumPy's, which are read when they are needed; see [NewStream]. Rows in such a
// file are read much faster than photographs are decoded.
type Rows struct {
	Classes []string
	Y       []int // labels [N]

	file  *tensor.NPYFile
	scale float32
}

// OpenRows opens a file whose name ends in .npy, with samples [N, ...]; see [tensor.OpenNPY]. The file with -labels.npy
// instead of .npy holds their labels, [N], and the file with -classes.txt the names of the classes, one a line; without
// it they are numbers. All values are multiplied by scale: 1.0/255 brings bytes to the range from 0 to 1.
func OpenRows(path string, scale float32) (*Rows, error) {
	stem, ok := strings.CutSuffix(path, ".npy")
	if !ok {
		return nil, fmt.Errorf("dataset: OpenRows: %s does not end in .npy", path)
	}
	y, err := tensor.LoadNPY(stem + "-labels.npy")
	if err != nil {
		return nil, fmt.Errorf("dataset: OpenRows: %w", err)
	}
	r := &Rows{scale: scale}
	if r.Y, err = classes(stem+"-labels.npy", y); err != nil {
		return nil, fmt.Errorf("dataset: OpenRows: %w", err)
	}
	if r.file, err = tensor.OpenNPY(path); err != nil {
		return nil, fmt.Errorf("dataset: OpenRows: %w", err)
	}
	if err := r.check(path, stem+"-classes.txt"); err != nil {
		r.Close()
		return nil, fmt.Errorf("dataset: OpenRows: %w", err)
	}
	return r, nil
}

// check compares the samples with their labels and reads the names of the classes.
func (r *Rows) check(path, names string) error {
	if len(r.file.Shape()) < 2 || r.Len() == 0 || r.Len() != len(r.Y) {
		return fmt.Errorf("%s: samples of shape %v with %d labels: want [N, ...] with N > 0 labels", path, r.file.Shape(),
			len(r.Y))
	}
	n := slices.Max(r.Y) + 1
	text, err := os.ReadFile(names)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Classes = numbers(n)
		return nil
	case err != nil:
		return err
	}
	r.Classes = strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(r.Classes) < n {
		return fmt.Errorf("%s names %d classes, but there is a label %d", names, len(r.Classes), n-1)
	}
	return nil
}

// classes returns labels as integers.
func classes(path string, labels *tensor.Tensor) ([]int, error) {
	y := make([]int, labels.Len())
	for i, v := range labels.Data() {
		if !(v >= 0 && v < maxClasses) || v != float32(int(v)) {
			return nil, fmt.Errorf("%s: label %d is %g: want whole numbers from 0 to %d", path, i, v, maxClasses-1)
		}
		y[i] = int(v)
	}
	return y, nil
}

// Len returns the number of samples.
func (r *Rows) Len() int { return r.file.Len() }

// Read implements [Reader].
func (r *Rows) Read(b *Batch, idx []int) error {
	if err := r.file.ReadRows(&b.X, idx); err != nil {
		return err
	}
	if r.scale != 1 {
		simd.Scale(b.X.Data(), r.scale, b.X.Data())
	}
	b.Y = slices.Grow(b.Y[:0], len(idx))[:len(idx)]
	for k, i := range idx {
		b.Y[k] = r.Y[i]
	}
	return nil
}

// Close closes the file.
func (r *Rows) Close() error { return r.file.Close() }
