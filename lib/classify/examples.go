// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/dataset/table"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Examples are samples with their classes: the rows of a table, photographs, or a set that is in memory.
type Examples struct {
	Name    string
	Classes []string
	Y       []int // class of each sample; nil if the classes are unknown

	set    *dataset.Set   // in memory, or
	folder *photos.Folder // on disk
	schema *table.Schema  // of a table
	config *photos.Config // of photographs
	place  func(i int) string
}

// inMemory is the number of bytes up to which photographs are read at once.
const inMemory = 512 << 20

// CSV reads a table; label is the column of the classes. Use [Table] for other settings. Errors begin with path:line
// where there is one.
func CSV(path, label string) (*Examples, error) { return Table(path, table.Config{Label: label}) }

// Table reads a table; see [table.Load].
func Table(path string, c table.Config) (*Examples, error) {
	set, schema, err := table.Load(path, c)
	if err != nil {
		return nil, err
	}
	return tabular(set, schema, path), nil
}

func tabular(set *dataset.Set, schema *table.Schema, path string) *Examples {
	return &Examples{Name: set.Name, Classes: set.Classes, Y: set.Y, set: set, schema: schema,
		place: func(i int) string { return fmt.Sprintf("%s:%d", path, schema.Line(path, i)) }}
}

// Folder reads photographs from a folder with one sub-folder for each class; see [photos.Open]. All photographs are
// decoded at once if they need at most 512 MB of memory as images; otherwise they are read while they are used.
func Folder(dir string, c photos.Config) (*Examples, error) {
	f, err := photos.Open(dir, c)
	if err != nil {
		return nil, err
	}
	return photographs(f)
}

func photographs(f *photos.Folder) (*Examples, error) {
	e := &Examples{Name: filepath.Base(f.Root), Classes: f.Classes, Y: f.Y, folder: f, config: &f.Config}
	e.place = func(i int) string { return filepath.Join(f.Root, f.Files[i]) }
	if 4*int64(f.Len())*int64(f.Channels()*f.Height*f.Width) > inMemory {
		return e, nil
	}
	set, err := f.Load()
	e.set, e.folder = set, nil
	return e, err
}

// Set returns examples that are in memory already, such as MNIST.
func Set(s *dataset.Set) *Examples {
	return &Examples{Name: s.Name, Classes: s.Classes, Y: s.Y, set: s,
		place: func(i int) string { return fmt.Sprintf("%s, sample %d", s.Name, i+1) }}
}

// Len returns the number of samples.
func (e *Examples) Len() int {
	if e.set != nil {
		return e.set.Len()
	}
	return e.folder.Len()
}

// Split divides examples at random into a part with the given share of each class and the rest. Equal arguments give
// equal parts. It panics unless 0 <= share <= 1.
func (e *Examples) Split(share float64, seed uint64) (a, b *Examples) {
	// A set of the numbers of the samples, to split it by class.
	numbers := &dataset.Set{X: tensor.New(e.Len(), 1), Y: e.Y, Classes: e.Classes}
	for i := range e.Len() {
		numbers.X.Data()[i] = float32(i) // exact up to 16 million
	}
	first, rest := numbers.Split(share, tensor.Stream(seed, "classify/split"))
	return e.subset(first.X), e.subset(rest.X)
}

// subset returns the samples with the given numbers.
func (e *Examples) subset(numbers *tensor.Tensor) *Examples {
	idx := make([]int, numbers.Len())
	for i, v := range numbers.Data() {
		idx[i] = int(v)
	}
	s, place := *e, e.place
	s.place = func(i int) string { return place(idx[i]) }
	if e.Y != nil {
		s.Y = make([]int, len(idx))
		for k, i := range idx {
			s.Y[k] = e.Y[i]
		}
	}
	if e.set != nil {
		s.set = e.set.Subset(idx)
	} else {
		s.folder = e.folder.Subset(idx)
	}
	return &s
}

// samples returns the samples as data for training and prediction.
func (e *Examples) samples() dataset.Samples {
	if e.set != nil {
		return e.set
	}
	return e.folder.Stream()
}

// some returns up to n samples, chosen at random if there are more.
func (e *Examples) some(n int) (*tensor.Tensor, error) {
	if e.set != nil && e.Len() <= n {
		return e.set.X, nil
	}
	idx := dataset.Order(e.Len(), 1, 0)
	idx = idx[:min(n, len(idx))]
	slices.Sort(idx)
	var b dataset.Batch
	d := e.samples()
	d.Gather(&b, idx)
	return &b.X, failure(d)
}

// failure returns the error of data that is read from files.
func failure(d any) error {
	if f, ok := d.(interface{ Err() error }); ok {
		return f.Err()
	}
	return nil
}

// checkClasses returns an error unless there are labels, two classes or more, and two samples or more of each.
func (e *Examples) checkClasses() error {
	if e.Y == nil {
		return fmt.Errorf("classify: %s has no classes: name the column of the labels", e.Name)
	}
	if len(e.Classes) < 2 {
		return fmt.Errorf("classify: %s has the classes %q: want at least two", e.Name, e.Classes)
	}
	counts := make([]int, len(e.Classes))
	for _, y := range e.Y {
		counts[y]++
	}
	for class, n := range counts {
		switch n {
		case 0:
			return fmt.Errorf("classify: %s has no sample of the class %q", e.Name, e.Classes[class])
		case 1:
			return fmt.Errorf("classify: %s: the class %q has only this sample, and one must be held out: add samples, or "+
				"remove the class", e.place(slices.Index(e.Y, class)), e.Classes[class])
		}
	}
	return nil
}
