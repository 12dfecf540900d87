// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// An NPYFile is an array of NumPy's on disk, from which rows are read as they are needed. Several goroutines may read
// at once.
type NPYFile struct {
	path  string
	file  *os.File
	start int64 // position of the first element
	el    element
	shape []int
}

// OpenNPY opens a file of numpy.save in row-major order with at least one dimension, of the element types of [ReadNPY].
// The error says what is wrong with the file. Close it after use.
func OpenNPY(path string) (*NPYFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tensor: open: %w", err)
	}
	a, err := openNPY(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("tensor: open %s: %w", path, err)
	}
	a.path = path
	return a, nil
}

func openNPY(f *os.File) (*NPYFile, error) {
	header, err := readNPYHeader(f)
	if err != nil {
		return nil, err
	}
	e := entry{DType: npyTypes[header.descr], Shape: header.shape}
	switch {
	case e.DType == "":
		return nil, fmt.Errorf("elements %q: save numpy.ascontiguousarray(x, dtype='<f4')", header.descr)
	case header.fortran:
		return nil, errors.New("column-major order: save numpy.ascontiguousarray(x)")
	case len(e.Shape) == 0:
		return nil, errors.New("a single number: want an array of rows")
	}
	want, err := e.bytes()
	if err != nil {
		return nil, err
	}
	start, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if have := info.Size() - start; have < want {
		return nil, fmt.Errorf("%d of its %d bytes are missing: copy or download the file again", want-have, want)
	}
	a := &NPYFile{file: f, start: start, el: elements[e.DType]}
	for _, d := range e.Shape {
		a.shape = append(a.shape, int(d))
	}
	return a, nil
}

// Shape returns the dimensions of the array. Do not change the slice.
func (a *NPYFile) Shape() []int { return a.shape }

// Len returns the number of rows, the first dimension.
func (a *NPYFile) Len() int { return a.shape[0] }

// ReadRows reads the rows idx into dst, which it resizes to [len(idx), ...]. Consecutive rows are read at once. It
// panics if there is no such row.
func (a *NPYFile) ReadRows(dst *Tensor, idx []int) error {
	shape := slices.Clone(a.shape)
	shape[0] = len(idx)
	dst.Resize(shape...)
	width := dst.Width()
	for k := 0; k < len(idx); {
		n := 1
		for k+n < len(idx) && idx[k+n] == idx[k]+n {
			n++
		}
		if idx[k] < 0 || idx[k]+n > a.Len() {
			panic(fmt.Sprintf("tensor: ReadRows: rows %d to %d of %d", idx[k], idx[k]+n-1, a.Len()))
		}
		at := a.start + int64(idx[k])*int64(width*a.el.size)
		full := func(b []byte) error {
			_, err := a.file.ReadAt(b, at)
			at += int64(len(b))
			return err
		}
		if err := a.el.read(full, dst.data[k*width:(k+n)*width], 0); err != nil {
			return fmt.Errorf("tensor: %s: row %d: %w", a.path, idx[k], err)
		}
		k += n
	}
	return nil
}

// Close closes the file.
func (a *NPYFile) Close() error { return a.file.Close() }
