// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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

const npyMagic = "\x93NUMPY"

// npyTypes maps NumPy's names of the element types that ReadNPY accepts to those of safetensors.
var npyTypes = map[string]string{
	"<f4": "F32", "<f8": "F64", "<f2": "F16", "|b1": "BOOL",
	"|u1": "U8", "<u2": "U16", "<u4": "U32", "|i1": "I8", "<i2": "I16", "<i4": "I32", "<i8": "I64",
}

// ReadNPY reads an array that NumPy saved, of type float32, or of float16, float64, bool or integers as
// [ReadSafetensors] converts them. The array may be in row-major (C) or column-major (Fortran) order; the tensor has
// the same indices. For other content, the error names what was found and how to save the array instead.
func ReadNPY(r io.Reader) (*Tensor, error) {
	header, err := readNPYHeader(r)
	if err != nil {
		return nil, fmt.Errorf("tensor: npy: %w", err)
	}
	e := entry{DType: npyTypes[header.descr], Shape: slices.Clone(header.shape)}
	if e.DType == "" {
		return nil, fmt.Errorf("tensor: npy: elements %q: save numpy.ascontiguousarray(x, dtype='<f4')", header.descr)
	}
	if header.fortran {
		slices.Reverse(e.Shape) // as stored in the file
	}
	n, err := e.bytes()
	if err != nil {
		return nil, fmt.Errorf("tensor: npy: %w", err)
	}
	e.Offsets[1] = n
	t, err := e.read(r, min(n, held(r)))
	if err != nil {
		return nil, fmt.Errorf("tensor: npy: %w", err)
	}
	if header.fortran {
		t = reverseAxes(t)
	}
	return t, nil
}

// reverseAxes returns the tensor whose element [i, j, ..., k] is t's [k, ..., j, i].
func reverseAxes(t *Tensor) *Tensor {
	shape := slices.Clone(t.shape)
	slices.Reverse(shape)
	out := New(shape...)
	index := make([]int, len(shape)) // into out
	for i := range out.data {
		at := 0
		for axis := len(index) - 1; axis >= 0; axis-- { // t's axes are those of out in reverse order
			at = at*shape[axis] + index[axis]
		}
		out.data[i] = t.data[at]
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return out
}

// An npyHeader is the header's description of the array.
type npyHeader struct {
	descr   string
	fortran bool
	shape   []int64
}

// readNPYHeader reads up to the first element. The versions of the format differ in the size of the length field and in
// the text encoding, which matters only for names of fields.
func readNPYHeader(r io.Reader) (h npyHeader, err error) {
	var start [10]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != npyMagic {
		return h, errors.New("this is not a file of numpy.save")
	}
	size := int64(binary.LittleEndian.Uint16(start[8:]))
	switch version := start[6]; version {
	case 1:
	case 2, 3:
		var more [2]byte
		if _, err := io.ReadFull(r, more[:]); err != nil {
			return h, fmt.Errorf("header: %w", noEOF(err))
		}
		size += int64(binary.LittleEndian.Uint16(more[:])) << 16
	default:
		return h, fmt.Errorf("version %d of the format is not supported: save the array with numpy.save", version)
	}
	if size > maxNPYHeader {
		return h, fmt.Errorf("a header of %d bytes: save a plain array of numbers", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("header: %w", noEOF(err))
	}
	if h, err = parseNPYHeader(string(text)); err != nil {
		return h, fmt.Errorf("the header %q is not that of an array of numbers: %w", text, err)
	}
	return h, nil
}

// parseNPYHeader parses the Python dictionary with exactly the keys descr, fortran_order and shape that the format
// requires. Like NumPy it accepts both kinds of quotes, any white space between the parts, and the long integers (2L)
// of Python 2.
func parseNPYHeader(text string) (h npyHeader, err error) {
	p := npyParser{rest: text}
	p.expect("{")
	seen := map[string]bool{}
	for p.err == nil && !p.take("}") {
		key := p.str()
		p.expect(":")
		switch {
		case p.err != nil:
		case seen[key]:
			p.fail("%s appears twice", key)
		case key == "descr":
			h.descr = p.str()
		case key == "fortran_order":
			h.fortran = p.boolean()
		case key == "shape":
			h.shape = p.tuple()
		default:
			p.fail("unknown key %q", key)
		}
		seen[key] = true
		if !p.take(",") && !p.at("}") {
			p.fail("a comma or a closing brace is missing before %.20q", p.rest)
		}
	}
	if p.skipSpace(); p.err == nil && p.rest != "" {
		p.fail("%.20q follows it", p.rest)
	}
	if p.err == nil && len(seen) != 3 {
		p.fail("it needs descr, fortran_order and shape")
	}
	return h, p.err
}

// An npyParser reads the parts of a header. After the first error it does nothing.
type npyParser struct {
	rest string
	err  error
}

func (p *npyParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *npyParser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\r\n\f") }

func (p *npyParser) at(token string) bool {
	p.skipSpace()
	return strings.HasPrefix(p.rest, token)
}

func (p *npyParser) take(token string) bool {
	found := p.err == nil && p.at(token)
	if found {
		p.rest = p.rest[len(token):]
	}
	return found
}

func (p *npyParser) expect(token string) {
	if !p.take(token) {
		p.fail("%q is needed before %.20q", token, p.rest)
	}
}

// str reads a string in single or double quotes, without escapes.
func (p *npyParser) str() string {
	for _, quote := range []string{"'", `"`} {
		if p.take(quote) {
			s, rest, closed := strings.Cut(p.rest, quote)
			if !closed || strings.ContainsAny(s, "\\\n") {
				p.fail("the string %.20q is not closed, or has an escape", s)
			}
			p.rest = rest
			return s
		}
	}
	p.fail("a string is needed before %.20q", p.rest)
	return ""
}

func (p *npyParser) boolean() bool {
	if p.take("True") {
		return true
	}
	p.expect("False")
	return false
}

// tuple reads (), (2,) or (2, 3).
func (p *npyParser) tuple() []int64 {
	dims := []int64{}
	p.expect("(")
	for p.err == nil && !p.take(")") {
		p.skipSpace()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		d, err := strconv.ParseInt(p.rest[:digits], 10, 64)
		if err != nil {
			p.fail("a dimension is needed before %.20q", p.rest)
			break
		}
		dims = append(dims, d)
		p.rest = strings.TrimPrefix(p.rest[digits:], "L")
		switch comma := p.take(","); {
		case !comma && !p.at(")"):
			p.fail("a comma or a closing parenthesis is missing before %.20q", p.rest)
		case !comma && len(dims) == 1:
			p.fail("(%d) is a number: a shape of one dimension is written (%d,)", d, d)
		}
	}
	return dims
}
