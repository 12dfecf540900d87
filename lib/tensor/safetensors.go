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
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/lib/durable"
)

// The safetensors format is an 8-byte little-endian header length, a JSON header and the raw elements:
//
//	{"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...}
//
// Offsets count bytes from the end of the header, and together the tensors cover the data without hole or overlap.
const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the limit of the format's reference implementation
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
	f, err := durable.Create(path)
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
	buf := bufio.NewWriter(w) // for the header and small tensors
	buf.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	buf.Write(header)
	for _, t := range tensors {
		writeFloats(buf, t.Tensor.data)
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
	sure := held(r)
	entries, metadata, err := readHeader(r)
	if err == nil {
		err = contiguous(entries)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tensor: safetensors: %w", err)
	}
	tensors := make([]Named, len(entries))
	for _, e := range entries { // now in the order of the data
		t, err := e.read(r, sure)
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

// noEOF turns an end of file in the middle of something into an error that says so.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
