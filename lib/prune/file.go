// SPDX-License-Identifier: Apache-2.0

package prune

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A file is the magic bytes, the SHA-256 of the rest, and the rest: the tensors of the model's state in their order,
// deflated. Numbers are little-endian. A tensor is
//
//	name (length and bytes), rank, dimensions, number of nonzero elements, their gaps,
//	number of levels; without levels (0): the elements as float32; with: the levels as float32 and an index for each
//
// in uvarints unless stated otherwise. A gap is the number of zeros before a nonzero element. An index is a byte.
const magic = "lateral pruned 1\n"

// Save writes the parameters and buffers of a model, which may be pruned, to a small file. It stores only elements that
// are not zero. With levels > 0, at most 256, each tensor with more than that many of them has at most this number of
// different values, found by k-means [HMD15]: with 32, a weight takes five bits or less. Vectors such as biases keep
// their values. The file is written completely or not at all, with a check sum.
func Save(path string, model any, levels int) error {
	if levels < 0 || levels > 256 {
		return fmt.Errorf("prune: Save: %d levels: want 1 to 256, or 0 to keep all values", levels)
	}
	var content bytes.Buffer
	z, err := flate.NewWriter(&content, flate.BestCompression)
	if err != nil {
		return err
	}
	for _, t := range tensors(model) {
		z.Write(encode(t, levels)) // cannot fail: the destination is memory
	}
	if err := z.Close(); err != nil {
		return err
	}
	sum := sha256.Sum256(content.Bytes())
	return durable.WriteFile(path, slices.Concat([]byte(magic), sum[:], content.Bytes()))
}

// tensors returns the parameters and buffers of a model.
func tensors(model any) []tensor.Named {
	state := nn.StateOf(model)
	var list []tensor.Named
	for _, p := range state.Params {
		list = append(list, tensor.Named{Name: p.Name, Tensor: p.Value()})
	}
	return append(list, state.Buffers...)
}

func encode(t tensor.Named, levels int) []byte {
	b := binary.AppendUvarint(nil, uint64(len(t.Name)))
	b = append(b, t.Name...)
	b = binary.AppendUvarint(b, uint64(t.Tensor.Rank()))
	for _, n := range t.Tensor.Shape() {
		b = binary.AppendUvarint(b, uint64(n))
	}
	var values []float32
	var gaps []byte
	gap := uint64(0)
	for _, v := range t.Tensor.Data() {
		if v == 0 { // also -0, which masking leaves of negative weights
			gap++
			continue
		}
		values, gaps, gap = append(values, v), binary.AppendUvarint(gaps, gap), 0
	}
	b = append(binary.AppendUvarint(b, uint64(len(values))), gaps...)
	if levels == 0 || len(values) <= levels || t.Tensor.Rank() < 2 {
		return appendFloats(binary.AppendUvarint(b, 0), values)
	}
	found, of := quantize(values, levels)
	b = appendFloats(binary.AppendUvarint(b, uint64(len(found))), found)
	return append(b, of...)
}

func appendFloats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// quantize returns at most n levels for values, and the index of each value's level: k-means in one dimension, from
// levels at equal distances between the smallest and the largest value, which serves weights best [HMD15].
func quantize(values []float32, n int) (levels []float32, of []byte) {
	lo, hi := float64(slices.Min(values)), float64(slices.Max(values))
	centres := make([]float64, n)
	for i := range centres {
		centres[i] = lo + (hi-lo)*float64(i)/float64(max(1, n-1))
	}
	of = make([]byte, len(values))
	for range 30 {
		sums, counts := make([]float64, n), make([]int, n)
		for i, v := range values { // centres are sorted, and stay so
			at, _ := slices.BinarySearch(centres, float64(v))
			if at == n || at > 0 && float64(v)-centres[at-1] <= centres[at]-float64(v) {
				at--
			}
			of[i] = byte(at)
			sums[at], counts[at] = sums[at]+float64(v), counts[at]+1
		}
		for i, c := range counts {
			if c > 0 {
				centres[i] = sums[i] / float64(c)
			}
		}
	}
	for _, c := range centres {
		levels = append(levels, float32(c))
	}
	return levels, of
}

// Load reads a file that [Save] wrote into a model of the same layers, which are dense. The error says what is wrong
// and what to do; the model then does not change.
func Load(path string, model any) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	want := tensors(model)
	found, err := decode(file, want)
	if err != nil {
		return fmt.Errorf("prune: load %s: %w", path, err)
	}
	for i, t := range want {
		t.Tensor.CopyFrom(found[i])
	}
	return nil
}

// decode returns the tensors of a file, which must be those of a model.
func decode(file []byte, want []tensor.Named) ([]*tensor.Tensor, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("not a file of package prune, or the start of one: use nn.Load for safetensors")
	}
	sum, content := rest[:sha256.Size], rest[sha256.Size:]
	if is := sha256.Sum256(content); !bytes.Equal(is[:], sum) {
		return nil, errors.New("damaged: its check sum is wrong; copy it again")
	}
	r := &reader{from: flate.NewReader(bytes.NewReader(content))}
	list := make([]*tensor.Tensor, len(want))
	for i, t := range want {
		list[i] = r.tensor(t)
		if r.err != nil {
			return nil, fmt.Errorf("tensor %d, %s: %w", i+1, t.Name, r.err)
		}
	}
	if n, err := io.ReadFull(r.from, make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, errors.New("it holds more tensors than the model: it belongs to another model")
	}
	return list, nil
}

// A reader reads the parts of a file. After an error all further reads return zeros.
type reader struct {
	from io.Reader
	err  error
}

func (r *reader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		if _, err := io.ReadFull(r.from, b); err != nil {
			r.err = fmt.Errorf("the file ends too early: %w", err)
		}
	}
	return b
}

// ReadByte implements [io.ByteReader].
func (r *reader) ReadByte() (byte, error) { return r.bytes(1)[0], r.err }

// number reads a number of at most limit.
func (r *reader) number(what string, limit int) int {
	v, err := binary.ReadUvarint(r)
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", what, err)
	}
	if r.err == nil && v > uint64(limit) {
		r.err = fmt.Errorf("%s is %d, more than %d: the file belongs to another model", what, v, limit)
	}
	if r.err != nil {
		return 0
	}
	return int(v)
}

func (r *reader) floats(n int) []float32 {
	b, values := r.bytes(4*n), make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

// tensor reads the next tensor, which must have the name and shape of want.
func (r *reader) tensor(want tensor.Named) *tensor.Tensor {
	name := string(r.bytes(r.number("the length of a name", 1<<10)))
	shape := make([]int, r.number("the rank", 8))
	for i := range shape {
		shape[i] = r.number("a dimension", 1<<30)
	}
	if r.err == nil && (name != want.Name || !slices.Equal(shape, want.Tensor.Shape())) {
		r.err = fmt.Errorf("the file has %s %v, the model %v: it belongs to another model", name, shape, want.Tensor.Shape())
	}
	t := tensor.New(want.Tensor.Shape()...)
	at := make([]int, r.number("the number of elements", t.Len()))
	next := 0
	for i := range at {
		at[i] = next + r.number("a gap", t.Len()-1-next)
		if next = at[i] + 1; next >= t.Len() && i < len(at)-1 && r.err == nil {
			r.err = fmt.Errorf("more elements than the %d of the tensor", t.Len())
		}
		if r.err != nil {
			return t
		}
	}
	n := r.number("the number of levels", 256)
	if n == 0 {
		for i, v := range r.floats(len(at)) {
			t.Data()[at[i]] = v
		}
		return t
	}
	levels := r.floats(n)
	for i, level := range r.bytes(len(at)) {
		if int(level) >= n {
			r.err = fmt.Errorf("level %d of %d", level, n)
			return t
		}
		t.Data()[at[i]] = levels[level]
	}
	return t
}
