// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/lib/internal/atomicfile"
)

// The safetensors format is an 8-byte little-endian header length, a JSON header and the raw elements:
//
//	{"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...}
//
// Offsets count bytes from the end of the header, and together the tensors cover the data without hole or overlap.
const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the limit of the format's reference implementation
	chunkBytes  = 1 << 16     // elements pass through a buffer of this size
)

// Named is a tensor with the name it has in a file.
type Named struct {
	Name   string
	Tensor *Tensor
}

// entry is what the header says about one tensor.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// SaveSafetensors writes tensors and metadata to the file path, as [WriteSafetensors] does. The file appears whole or
// not at all: the bytes go to a temporary file beside it, which is synced and renamed.
func SaveSafetensors(path string, tensors []Named, metadata map[string]string) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return fmt.Errorf("tensor: save %s: %w", path, err)
	}
	defer f.Discard()
	if err := WriteSafetensors(f, tensors, metadata); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("tensor: save %s: %w", path, err)
	}
	return nil
}

// LoadSafetensors reads the file path, as [ReadSafetensors] does.
func LoadSafetensors(path string) ([]Named, map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("tensor: load: %w", err)
	}
	defer f.Close()
	tensors, metadata, err := ReadSafetensors(f)
	if err != nil {
		return nil, nil, fmt.Errorf("load %s: %w", path, err)
	}
	return tensors, metadata, nil
}

// WriteSafetensors writes tensors, in the order given, and metadata (may be nil) in the safetensors format, elements
// as F32 with every bit kept. Equal arguments give equal bytes. Names must be distinct valid UTF-8 and not
// "__metadata__".
func WriteSafetensors(w io.Writer, tensors []Named, metadata map[string]string) error {
	header, err := header(tensors, metadata)
	if err != nil {
		return fmt.Errorf("tensor: safetensors: %w", err)
	}
	buf := bufio.NewWriterSize(w, chunkBytes)
	buf.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	buf.Write(header)
	var raw []byte
	for _, t := range tensors {
		for chunk := range slices.Chunk(t.Tensor.data, chunkBytes/4) {
			raw, _ = binary.Append(raw[:0], binary.LittleEndian, chunk) // fails for types without a size only
			buf.Write(raw)
		}
	}
	if err := buf.Flush(); err != nil { // the first error of all the writes above
		return fmt.Errorf("tensor: safetensors: %w", err)
	}
	return nil
}

// header returns the JSON header, padded with spaces so that the elements after it start at a multiple of 8.
func header(tensors []Named, metadata map[string]string) ([]byte, error) {
	h := []byte{'{'}
	add := func(key string, value any) {
		if len(h) > 1 {
			h = append(h, ',')
		}
		k, _ := json.Marshal(key) // strings, integers and maps of them: Marshal cannot fail
		v, _ := json.Marshal(value)
		h = append(append(append(h, k...), ':'), v...)
	}
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %q: %q is not valid UTF-8", k, v)
			}
		}
		add(metadataKey, metadata)
	}
	seen := make(map[string]bool, len(tensors))
	end := int64(0)
	for i, t := range tensors {
		switch {
		case t.Name == metadataKey || !utf8.ValidString(t.Name):
			return nil, fmt.Errorf("tensor %d cannot be named %q", i, t.Name)
		case seen[t.Name]:
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		case t.Tensor == nil || len(t.Tensor.data) != size("WriteSafetensors", t.Tensor.shape):
			return nil, fmt.Errorf("tensor %q is nil or the zero value, which has no elements", t.Name)
		}
		seen[t.Name] = true
		shape := make([]int64, len(t.Tensor.shape))
		for k, d := range t.Tensor.shape {
			shape[k] = int64(d)
		}
		begin := end
		end += 4 * int64(len(t.Tensor.data))
		add(t.Name, entry{"F32", shape, [2]int64{begin, end}})
	}
	h = append(h, '}')
	for len(h)%8 != 0 {
		h = append(h, ' ')
	}
	if len(h) > maxHeader {
		return nil, fmt.Errorf("the header of %d tensors needs %d bytes, the format allows %d", len(tensors), len(h), maxHeader)
	}
	return h, nil
}

// ReadSafetensors reads a safetensors stream, which must end with the last tensor, and returns the tensors in the
// header's order and the metadata (nil if there is none).
//
// F32 is taken bit by bit. F16 and BF16 are widened exactly, F64 is rounded to the nearest float32 and refused where
// that overflows, I64 is refused where no float32 equals it. Other types are refused.
//
// Whatever the header claims, memory stays in proportion to the bytes that r delivers.
func ReadSafetensors(r io.Reader) ([]Named, map[string]string, error) {
	entries, metadata, err := readHeader(r)
	if err == nil {
		err = contiguous(entries)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tensor: safetensors: %w", err)
	}
	tensors := make([]Named, len(entries))
	for _, e := range entries { // now in the order of the data
		t, err := e.read(r)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor: safetensors: tensor %q: %w", e.name, err)
		}
		tensors[e.place] = Named{e.name, t}
	}
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n == 1:
		return nil, nil, errors.New("tensor: safetensors: there is data after the last tensor")
	case err != io.EOF:
		return nil, nil, fmt.Errorf("tensor: safetensors: %w", err)
	}
	return tensors, metadata, nil
}

// placed is an entry with its name and its place in the header.
type placed struct {
	entry
	name  string
	place int
}

// readHeader reads and decodes the header.
func readHeader(r io.Reader) (entries []placed, metadata map[string]string, err error) {
	var length [8]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, fmt.Errorf("no header: %w after %d of the 8 bytes of its length", noEOF(err), n)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, nil, fmt.Errorf("header length %d exceeds %d: this is no safetensors file, or a damaged one", n, maxHeader)
	}
	header, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if uint64(len(header)) < n {
		return nil, nil, fmt.Errorf("cut short after %d of %d header bytes: copy or download it again", len(header), n)
	}
	if n == 0 || header[0] != '{' {
		return nil, nil, errors.New("the header does not start with '{': this is no safetensors file, or a damaged one")
	}
	if !utf8.Valid(header) {
		return nil, nil, errors.New("the header is not valid UTF-8")
	}

	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	err = object(d, func(key string) error {
		if key == metadataKey {
			metadata = map[string]string{}
			return object(d, func(key string) error {
				metadata[key], err = token[string](d)
				return err
			})
		}
		e, err := readEntry(d)
		entries = append(entries, placed{e, key, len(entries)})
		return err
	})
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("there is more after the closing brace")
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	return entries, metadata, nil
}

// readEntry decodes what the header says about one tensor.
func readEntry(d *json.Decoder) (e entry, err error) {
	var offsets []int64
	fields := 0
	err = object(d, func(key string) error {
		fields++
		switch key {
		case "dtype":
			e.DType, err = token[string](d)
		case "shape":
			e.Shape, err = integers(d)
		case "data_offsets":
			offsets, err = integers(d)
		default:
			err = errors.New("unknown field")
		}
		return err
	})
	switch {
	case err != nil:
		return e, err
	case fields != 3:
		return e, errors.New("needs dtype, shape and data_offsets")
	case len(offsets) != 2:
		return e, fmt.Errorf("data_offsets %d are not two numbers", offsets)
	}
	e.Offsets = [2]int64(offsets)
	return e, nil
}

// object walks the fields of a JSON object, each key once; field decodes the value.
// (encoding/json itself accepts a key twice, in any case, and null for anything.)
func object(d *json.Decoder, field func(key string) error) error {
	if t, err := next(d); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("an object is needed, not %v", t)
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := token[string](d)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q appears twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	_, err := next(d) // the closing brace
	return err
}

// integers decodes an array of non-negative integers.
func integers(d *json.Decoder) ([]int64, error) {
	if t, err := next(d); err != nil {
		return nil, err
	} else if t != json.Delim('[') {
		return nil, fmt.Errorf("an array is needed, not %v", t)
	}
	list := []int64{}
	for d.More() {
		number, err := token[json.Number](d)
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseUint(string(number), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s is not an integer from 0 to 2^63-1", number)
		}
		list = append(list, int64(v))
	}
	_, err := next(d) // the closing bracket
	return list, err
}

// next returns the next JSON token; there must be one.
func next(d *json.Decoder) (json.Token, error) {
	t, err := d.Token()
	return t, noEOF(err)
}

// token decodes a value of type T.
func token[T string | json.Number](d *json.Decoder) (v T, err error) {
	t, err := next(d)
	if err != nil {
		return v, err
	}
	v, ok := t.(T)
	if !ok {
		return v, fmt.Errorf("%v (%T) where a %T is needed", t, t, v)
	}
	return v, nil
}

// contiguous checks the entries' types, shapes and offsets, and sorts them by offset.
func contiguous(entries []placed) error {
	slices.SortFunc(entries, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]), cmp.Compare(a.place, b.place))
	})
	end := int64(0)
	for _, e := range entries {
		need, err := e.bytes()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", e.name, err)
		}
		if have := e.Offsets[1] - e.Offsets[0]; have != need {
			return fmt.Errorf("tensor %q: %s %d needs %d bytes, data_offsets %d hold %d", e.name, e.DType, e.Shape, need, e.Offsets, have)
		}
		if e.Offsets[0] != end {
			return fmt.Errorf("tensor %q: data_offsets %d overlap or leave a hole: the data before ends at %d", e.name, e.Offsets, end)
		}
		end = e.Offsets[1]
	}
	return nil
}

// An element type that this package reads: its size in bytes and the value of its bytes as float32.
type element struct {
	size  int
	value func(b []byte) (float32, error)
}

var elements = map[string]element{
	"F32": {4, func(b []byte) (float32, error) {
		return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
	}},
	"F16": {2, func(b []byte) (float32, error) { return float16(binary.LittleEndian.Uint16(b)), nil }},
	"BF16": {2, func(b []byte) (float32, error) {
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16), nil
	}},
	"F64": {8, func(b []byte) (float32, error) {
		v := math.Float64frombits(binary.LittleEndian.Uint64(b))
		f := float32(v)
		if math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
			return 0, fmt.Errorf("the float64 %g is outside the range of float32: save it as float32 after scaling", v)
		}
		return f, nil
	}},
	"I64": {8, func(b []byte) (float32, error) {
		v := int64(binary.LittleEndian.Uint64(b))
		f := float32(v)
		if float64(f) == 1<<63 || int64(f) != v { // 2^63 itself rounds from below and would wrap
			return 0, fmt.Errorf("no float32 equals the integer %d", v)
		}
		return f, nil
	}},
}

// float16 returns the value of an IEEE 754 half: sign 1, exponent 5 (bias 15), fraction 10 bits.
func float16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero and subnormals: fraction x 2^-24, exact in float32
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// bytes returns the number of bytes that the type and the shape need.
func (e entry) bytes() (int64, error) {
	el, ok := elements[e.DType]
	if !ok {
		return 0, fmt.Errorf("element type %q is not supported: save it as F32 (F16, BF16, F64 and I64 are read too)", e.DType)
	}
	if slices.Contains(e.Shape, 0) {
		return 0, nil
	}
	n := int64(el.size)
	for _, d := range e.Shape {
		if n > math.MaxInt/d {
			return 0, fmt.Errorf("shape %d has more elements than memory can hold", e.Shape)
		}
		n *= d
	}
	return n, nil
}

// read reads the tensor's elements. The slice grows as they arrive, because the header may lie.
func (e entry) read(r io.Reader) (*Tensor, error) {
	el := elements[e.DType]
	left := int(e.Offsets[1] - e.Offsets[0])
	data := make([]float32, 0, min(left, 64*chunkBytes)/el.size)
	chunk := make([]byte, min(left, chunkBytes))
	for left > 0 {
		chunk = chunk[:min(left, chunkBytes)]
		n, err := io.ReadFull(r, chunk)
		left -= n
		if err != nil {
			return nil, fmt.Errorf("%w with %d of its %d bytes missing: copy or download the file again", noEOF(err), left, e.Offsets[1]-e.Offsets[0])
		}
		for b := chunk; len(b) > 0; b = b[el.size:] {
			v, err := el.value(b)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", len(data), err)
			}
			data = append(data, v)
		}
	}
	shape := make([]int, len(e.Shape))
	for i, d := range e.Shape {
		if d > math.MaxInt {
			return nil, fmt.Errorf("shape %d has a dimension beyond this machine's int", e.Shape)
		}
		shape[i] = int(d)
	}
	return &Tensor{shape: shape, data: data}, nil
}

// noEOF turns an end of file in the middle of something into an error that says so.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
