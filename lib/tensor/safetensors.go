// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lateral-ml/lateral/lib/durable"
)

// The safetensors format is an 8-byte little-endian header length, a JSON header and the raw elements:
//
//	{"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...}
//
// Offsets count bytes from the end of the header. The tensors cover the data without gap or overlap.
//
// The format has no check sum. This package stores one as a metadata entry, which other readers ignore: the SHA-256 of
// the header, with zeros in place of the sum, and of the data.
const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the limit of the format's reference implementation
	sumKey      = "lateral.sha256"
)

// noSum is the placeholder for the sum while it is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

// Named is a tensor with its name in a file.
type Named struct {
	Name   string
	Tensor *Tensor
}

// entry is the header's description of one tensor.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// SaveSafetensors writes tensors and metadata to the file path, as [WriteSafetensors] does. The file is written
// atomically: the bytes go to a temporary file beside it, which is synced and renamed.
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

// WriteSafetensors writes tensors, in the given order, and metadata (may be nil) in the safetensors format. Elements
// are F32, bit for bit. Equal arguments give equal bytes. Names must be distinct valid UTF-8 other than "__metadata__".
// The file contains a check sum, which reading verifies.
func WriteSafetensors(w io.Writer, tensors []Named, metadata map[string]string) error {
	header, err := header(tensors, metadata)
	if err != nil {
		return fmt.Errorf("tensor: safetensors: %w", err)
	}
	sum := sha256.New()
	buf := bufio.NewWriter(sum)
	writeContent(buf, header, tensors)
	buf.Flush() // to a hash: cannot fail
	header = bytes.Replace(header, []byte(noSum), []byte(hex.EncodeToString(sum.Sum(nil))), 1)

	buf.Reset(w)
	buf.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	writeContent(buf, header, tensors)
	if err := buf.Flush(); err != nil { // the first error of all the writes above
		return fmt.Errorf("tensor: safetensors: %w", err)
	}
	return nil
}

func writeContent(w *bufio.Writer, header []byte, tensors []Named) {
	w.Write(header)
	for _, t := range tensors {
		writeFloats(w, t.Tensor.data)
	}
}

// header returns the JSON header with noSum as its first value, padded with spaces so that the elements start at a
// multiple of 8.
func header(tensors []Named, metadata map[string]string) ([]byte, error) {
	h := []byte{'{'}
	add := func(key string, value any) {
		if len(h) > 1 {
			h = append(h, ',')
		}
		k, _ := json.Marshal(key) // Marshal cannot fail on strings, integers and maps of them
		v, _ := json.Marshal(value)
		h = append(append(append(h, k...), ':'), v...)
	}
	for k, v := range metadata {
		switch {
		case !utf8.ValidString(k) || !utf8.ValidString(v):
			return nil, fmt.Errorf("metadata %q: %q is not valid UTF-8", k, v)
		case k == sumKey:
			return nil, fmt.Errorf("metadata %q is reserved for the check sum: choose another key", k)
		}
	}
	text, _ := json.Marshal(metadata)
	first := fmt.Sprintf(`{"%s":"%s"`, sumKey, noSum)
	if len(metadata) == 0 {
		text = []byte(first + "}")
	} else {
		text = append([]byte(first+","), text[1:]...)
	}
	add(metadataKey, json.RawMessage(text))
	seen := make(map[string]bool, len(tensors))
	end := int64(0)
	for i, t := range tensors {
		switch {
		case t.Name == metadataKey || !utf8.ValidString(t.Name):
			return nil, fmt.Errorf("tensor %d cannot be named %q", i, t.Name)
		case seen[t.Name]:
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		case t.Tensor == nil || len(t.Tensor.data) != size("WriteSafetensors", t.Tensor.shape):
			return nil, fmt.Errorf("tensor %q is nil or empty (the zero value)", t.Name)
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
		return nil, fmt.Errorf("the header of %d tensors needs %d bytes, the format allows %d",
			len(tensors), len(h), maxHeader)
	}
	return h, nil
}

// ReadSafetensors reads a safetensors stream, which must end with the last tensor. It returns the tensors in the
// header's order and the metadata (nil if there is none). If the stream contains the check sum of WriteSafetensors,
// ReadSafetensors verifies it.
//
// F32 is read bit for bit. F16 and BF16 are widened exactly. F64 is rounded to the nearest float32, and overflow is an
// error; for integers, a value that no float32 equals is an error. Other types are errors.
//
// Memory use is proportional to the bytes that r delivers, whatever the header claims.
func ReadSafetensors(r io.Reader) ([]Named, map[string]string, error) {
	sure := held(r)
	header, err := readHeader(r)
	var entries []placed
	var metadata map[string]string
	if err == nil {
		entries, metadata, err = parseHeader(header)
	}
	if err == nil {
		err = contiguous(entries)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tensor: safetensors: %w", err)
	}
	want := metadata[sumKey]
	if delete(metadata, sumKey); len(metadata) == 0 {
		metadata = nil
	}
	sum := sha256.New()
	if want != "" {
		sum.Write(bytes.Replace(header, []byte(want), []byte(noSum), 1))
		r = io.TeeReader(r, sum)
	}
	tensors := make([]Named, len(entries))
	for _, e := range entries { // sorted by offset
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
	if got := hex.EncodeToString(sum.Sum(nil)); want != "" && got != want {
		return nil, nil, errors.New(
			"tensor: safetensors: damaged: the content does not have the SHA-256 that was written with it: " +
				"copy the file again, or make it anew")
	}
	return tensors, metadata, nil
}

// placed is an entry with its name and its position in the header.
type placed struct {
	entry
	name  string
	place int
}

// readHeader returns the header's text.
func readHeader(r io.Reader) ([]byte, error) {
	var length [8]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("no header: %w after %d of the 8 bytes of its length", noEOF(err), n)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, fmt.Errorf("header length %d exceeds %d: this is not a safetensors file, or it is damaged", n, maxHeader)
	}
	header, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if uint64(len(header)) < n {
		return nil, fmt.Errorf("cut short after %d of %d header bytes: copy or download it again", len(header), n)
	}
	if n == 0 || header[0] != '{' {
		return nil, errors.New("the header does not start with '{': this is not a safetensors file, or it is damaged")
	}
	if !utf8.Valid(header) {
		return nil, errors.New("the header is not valid UTF-8")
	}
	return header, nil
}

// parseHeader decodes the header.
func parseHeader(header []byte) (entries []placed, metadata map[string]string, err error) {
	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	err = object(d, func(key string) error {
		if key == metadataKey {
			t, err := next(d)
			if err != nil || t == nil {
				return err // null means no metadata, as in the reference implementation
			}
			metadata = map[string]string{}
			return fields(d, t, func(key string) error {
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
			err = errors.New("there is data after the closing brace")
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	return entries, metadata, nil
}

// readEntry decodes the header's description of one tensor.
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

// object calls field for each key of a JSON object to decode its value. Keys must be unique. (encoding/json itself
// accepts repeated keys, ignores their case, and accepts null for anything.)
func object(d *json.Decoder, field func(key string) error) error {
	t, err := next(d)
	if err != nil {
		return err
	}
	return fields(d, t, field)
}

// fields does the same for an object whose first token has been read.
func fields(d *json.Decoder, first json.Token, field func(key string) error) error {
	if first != json.Delim('{') {
		return fmt.Errorf("an object is needed, not %v", first)
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

// next returns the next JSON token. The end of the text is an error.
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
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]),
			cmp.Compare(a.place, b.place))
	})
	end := int64(0)
	for _, e := range entries {
		need, err := e.bytes()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", e.name, err)
		}
		if have := e.Offsets[1] - e.Offsets[0]; have != need {
			return fmt.Errorf("tensor %q: %s %d needs %d bytes, data_offsets %d hold %d",
				e.name, e.DType, e.Shape, need, e.Offsets, have)
		}
		if e.Offsets[0] != end {
			return fmt.Errorf("tensor %q: data_offsets %d overlap or leave a gap: the previous data ends at %d",
				e.name, e.Offsets, end)
		}
		end = e.Offsets[1]
	}
	return nil
}

// noEOF turns io.EOF, which is unexpected within a value, into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
