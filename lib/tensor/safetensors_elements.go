// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"unsafe"
)

const (
	chunkBytes = 1 << 16 // size of the buffer for converting elements
	firstBytes = 4 << 20 // memory allocated for a tensor before any data arrives, unless the size of the reader is known
)

// An element type that this package reads: its size in bytes and the conversion to float32.
type element struct {
	size  int
	value func(b []byte) (float32, error) // nil for F32, which needs no conversion
	bytes bool                            // elements are bytes, such as pixels, which a short loop converts faster
}

var elements = map[string]element{
	"F32": {size: 4},
	"F16": {size: 2, value: func(b []byte) (float32, error) { return float16(binary.LittleEndian.Uint16(b)), nil }},
	"BF16": {size: 2, value: func(b []byte) (float32, error) {
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16), nil
	}},
	"F64": {size: 8, value: func(b []byte) (float32, error) {
		v := math.Float64frombits(binary.LittleEndian.Uint64(b))
		f := float32(v)
		if math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
			return 0, fmt.Errorf("the float64 %g is outside the range of float32: save it as float32 after scaling", v)
		}
		return f, nil
	}},
	"I64": {size: 8, value: func(b []byte) (float32, error) {
		v := int64(binary.LittleEndian.Uint64(b))
		f := float32(v)
		if float64(f) == 1<<63 || int64(f) != v { // 2^63 itself rounds from below and would wrap
			return 0, fmt.Errorf("no float32 equals the integer %d", v)
		}
		return f, nil
	}},
	"U8":   {size: 1, value: func(b []byte) (float32, error) { return float32(b[0]), nil }, bytes: true},
	"I8":   {size: 1, value: func(b []byte) (float32, error) { return float32(int8(b[0])), nil }},
	"BOOL": {size: 1, value: func(b []byte) (float32, error) { return float32(b[0]), nil }, bytes: true},
	"U16":  {size: 2, value: func(b []byte) (float32, error) { return float32(binary.LittleEndian.Uint16(b)), nil }},
	"I16": {size: 2, value: func(b []byte) (float32, error) {
		return float32(int16(binary.LittleEndian.Uint16(b))), nil
	}},
	"U32": {size: 4, value: func(b []byte) (float32, error) { return exact(int64(binary.LittleEndian.Uint32(b))) }},
	"I32": {size: 4, value: func(b []byte) (float32, error) {
		return exact(int64(int32(binary.LittleEndian.Uint32(b))))
	}},
}

// exact returns an integer of at most 32 bits as float32, or an error if it would be rounded.
func exact(v int64) (float32, error) {
	f := float32(v)
	if int64(f) != v {
		return 0, fmt.Errorf("no float32 equals the integer %d", v)
	}
	return f, nil
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

// bytes returns the number of bytes of the elements.
func (e entry) bytes() (int64, error) {
	el, ok := elements[e.DType]
	if !ok {
		return 0, fmt.Errorf("element type %q is not supported: save it as F32 (F16, BF16, F64, BOOL, U8 to U32 and I8 to "+
			"I64 are read too)", e.DType)
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

// read reads the tensor's elements from r, which is known to hold at least sure bytes. For more than that, memory grows
// as bytes arrive, because the header may be wrong.
func (e entry) read(r io.Reader, sure int64) (*Tensor, error) {
	shape := make([]int, len(e.Shape))
	for i, d := range e.Shape {
		if d > math.MaxInt {
			return nil, fmt.Errorf("shape %d has a dimension beyond this machine's int", e.Shape)
		}
		shape[i] = int(d)
	}
	el := elements[e.DType]
	size := e.Offsets[1] - e.Offsets[0]
	left := size
	full := func(b []byte) error {
		n, err := io.ReadFull(r, b)
		left -= int64(n)
		if err != nil {
			return fmt.Errorf("%w with %d of its %d bytes missing: copy or download the file again", noEOF(err), left, size)
		}
		return nil
	}
	count := int(size) / el.size
	data := make([]float32, 0, int(min(size, max(sure, firstBytes)))/el.size)
	for len(data) < count {
		if len(data) == cap(data) {
			data = slices.Grow(data, min(len(data), count-len(data)))
		}
		first := len(data)
		data = data[:min(count, cap(data))]
		if err := el.read(full, data, first); err != nil {
			return nil, err
		}
	}
	return &Tensor{shape: shape, data: data}, nil
}

// read fills data from element first on. full fills a slice of bytes.
func (el element) read(full func(b []byte) error, data []float32, first int) error {
	if el.value == nil {
		raw := bytesOf(data[first:])
		err := full(raw)
		for i := first; i < len(data) && !littleEndian; i++ {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i-first):]))
		}
		return err
	}
	chunk := make([]byte, min(el.size*(len(data)-first), chunkBytes))
	for first < len(data) {
		chunk = chunk[:min(el.size*(len(data)-first), chunkBytes)]
		if err := full(chunk); err != nil {
			return err
		}
		if el.bytes {
			for i, b := range chunk {
				data[first+i] = float32(b)
			}
			first += len(chunk)
			continue
		}
		for b := chunk; len(b) > 0; b = b[el.size:] {
			v, err := el.value(b)
			if err != nil {
				return fmt.Errorf("element %d: %w", first, err)
			}
			data[first] = v
			first++
		}
	}
	return nil
}

// writeFloats writes the elements as F32.
func writeFloats(w io.Writer, data []float32) {
	if littleEndian {
		w.Write(bytesOf(data))
		return
	}
	var chunk []byte
	for part := range slices.Chunk(data, chunkBytes/4) {
		chunk, _ = binary.Append(chunk[:0], binary.LittleEndian, part) // fails only for types without a fixed size
		w.Write(chunk)
	}
}

// littleEndian reports whether the machine stores numbers as the file does. A test changes it.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf returns the memory of a slice.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// held returns the number of bytes that a reader is known to hold: the rest of a buffer, or a whole file.
func held(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}
