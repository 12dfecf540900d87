// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// LoadNPY reads an array from the file path, as [ReadNPY] does.
func LoadNPY(path string) (*Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tensor: load: %w", err)
	}
	defer f.Close()
	t, err := ReadNPY(f)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return t, nil
}

const maxNPYHeader = 1 << 16 // bytes

var (
	npyMagic   = "\x93NUMPY"
	npyTypes   = map[string]string{"<f4": "F32", "<f8": "F64", "<f2": "F16", "<i8": "I64"}
	npyType    = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order': *True`)
	npyShape   = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
)

// ReadNPY reads an array that NumPy has saved: of float32, or of float16, float64 or int64 whose values float32 holds, in
// the order of C. An error says what else was found and how to save it.
func ReadNPY(r io.Reader) (*Tensor, error) {
	fail := func(format string, args ...any) (*Tensor, error) {
		return nil, fmt.Errorf("tensor: npy: "+format, args...)
	}
	var start [10]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != npyMagic {
		return fail("this is no file of numpy.save")
	}
	size := int64(binary.LittleEndian.Uint16(start[8:]))
	if start[6] > 1 { // version 2 has two more bytes of length
		var more [2]byte
		if _, err := io.ReadFull(r, more[:]); err != nil {
			return fail("header: %w", noEOF(err))
		}
		size += int64(binary.LittleEndian.Uint16(more[:])) << 16
	}
	if size > maxNPYHeader {
		return fail("a header of %d bytes: save a plain array of numbers", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return fail("header: %w", noEOF(err))
	}
	kind, shape := npyType.FindSubmatch(text), npyShape.FindSubmatch(text)
	if kind == nil || shape == nil {
		return fail("the header %q is not that of an array of numbers", text)
	}
	e := entry{DType: npyTypes[string(kind[1])], Shape: []int64{}}
	if e.DType == "" || npyFortran.Match(text) {
		return fail("elements %q: save numpy.ascontiguousarray(x, dtype='<f4')", kind[1])
	}
	for field := range strings.FieldsFuncSeq(string(shape[1]), func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return fail("shape (%s)", shape[1])
		}
		e.Shape = append(e.Shape, d)
	}
	n, err := e.bytes()
	if err != nil {
		return fail("%w", err)
	}
	e.Offsets[1] = n
	t, err := e.read(r, min(n, held(r)))
	if err != nil {
		return fail("%w", err)
	}
	return t, nil
}
