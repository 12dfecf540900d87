// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleSaveSafetensors() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")

	weight := tensor.From([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err := tensor.SaveSafetensors(path, []tensor.Named{{Name: "weight", Tensor: weight}},
		map[string]string{"epoch": "3"}); err != nil {
		panic(err)
	}
	tensors, metadata, err := tensor.LoadSafetensors(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(tensors[0].Name, tensors[0].Tensor, metadata["epoch"])
	// Output: weight tensor[2 3][1 2 3 4 5 6] 3
}

// encode returns the bytes of a safetensors stream.
func encode(t testing.TB, tensors []tensor.Named, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tensor.WriteSafetensors(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// equal reports whether two lists hold the same names, shapes and bits, in the same order.
func equal(a, b []tensor.Named) bool {
	return slices.EqualFunc(a, b, func(a, b tensor.Named) bool {
		return a.Name == b.Name && tensor.SameShape(a.Tensor, b.Tensor) &&
			slices.EqualFunc(a.Tensor.Data(), b.Tensor.Data(), func(x, y float32) bool {
				return math.Float32bits(x) == math.Float32bits(y)
			})
	})
}

func sample() []tensor.Named {
	nan := math.Float32frombits(0x7fc12345)
	big := tensor.New(300, 257) // more than one chunk
	tensor.Stream(1, "safetensors").Normal(big.Data(), 0, 1)
	return []tensor.Named{
		{Name: "z", Tensor: tensor.From([]float32{nan, float32(math.Inf(-1)), float32(math.Copysign(0, -1)), 1e-45}, 2, 2)},
		{Name: `a "quoted" <µ>`, Tensor: tensor.From([]float32{7})},
		{Name: "empty", Tensor: tensor.New(0, 3)},
		{Name: "big", Tensor: big},
		{Name: "none", Tensor: tensor.New(4, 0)},
	}
}

func TestSafetensorsRoundTrip(t *testing.T) {
	metadata := map[string]string{"format": "lateral", "µ": "\n\"", "": ""}
	b := encode(t, sample(), metadata)
	if n := binary.LittleEndian.Uint64(b); (8+n)%8 != 0 || b[8] != '{' {
		t.Errorf("header length %d is not a multiple of 8, or the header starts with %q", n, b[8])
	}
	if !bytes.Equal(b, encode(t, sample(), maps.Clone(metadata))) {
		t.Error("the same tensors gave different bytes")
	}
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(b),
		"bytewise": iotest.OneByteReader(bytes.NewReader(b))} {
		got, m, err := tensor.ReadSafetensors(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !equal(got, sample()) || !maps.Equal(m, metadata) {
			t.Errorf("%s: what was read differs from what was written", name)
		}
	}
	if _, m, err := tensor.ReadSafetensors(bytes.NewReader(encode(t, nil, nil))); err != nil || m != nil {
		t.Errorf("no tensors and no metadata: %v, %v", m, err)
	}
}

// One of our streams with a flipped bit is refused, or gives exactly the same result as the good one: the flipped bit
// may be in the name of the check sum, which makes it an ordinary entry, or in a space.
func TestSafetensorsFindsFlippedBits(t *testing.T) {
	tensors := sample()[:3]
	b := encode(t, tensors, map[string]string{"epoch": "3"})
	name := bytes.Index(b, []byte("lateral.sha256"))
	silent := 0
	for i := range 8 * len(b) {
		flipped := bytes.Clone(b)
		flipped[i/8] ^= 1 << (i % 8)
		got, metadata, err := tensor.ReadSafetensors(bytes.NewReader(flipped))
		if err != nil {
			continue
		}
		silent++
		if at := i/8 - name; at < 0 || at >= len("lateral.sha256") || !equal(got, tensors) || metadata["epoch"] != "3" {
			t.Errorf("bit %d of byte %d of %d is flipped: %v, %v", i%8, i/8, len(b), got, metadata)
		}
	}
	if silent > 8*len("lateral.sha256") {
		t.Errorf("%d flipped bits go unnoticed", silent)
	}
}

func TestSafetensorsWithoutMetadata(t *testing.T) {
	header := `{"__metadata__":null,"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+"\x00\x00\x80\x3f"...)
	got, metadata, err := tensor.ReadSafetensors(bytes.NewReader(b))
	if err != nil || metadata != nil || len(got) != 1 || got[0].Tensor.Data()[0] != 1 {
		t.Errorf("%v, %v, %v", got, metadata, err)
	}
	if err := tensor.WriteSafetensors(io.Discard, nil, map[string]string{"lateral.sha256": "x"}); err == nil {
		t.Error("the place of the check sum was written over")
	}
}

// A reader of unknown size and a machine of the other byte order make no difference.
func TestSafetensorsByParts(t *testing.T) {
	x := tensor.New(3, 1<<20) // 12 MiB, so memory grows twice
	tensor.Stream(1, "safetensors").Normal(x.Data(), 0, 1)
	want := []tensor.Named{{Name: "x", Tensor: x}, {Name: "y", Tensor: tensor.New(5)}}
	b := encode(t, want, nil)
	for _, convert := range []bool{false, true} {
		if convert {
			defer tensor.ConvertElements()()
		}
		if !bytes.Equal(encode(t, want, nil), b) {
			t.Errorf("converted %v: other bytes", convert)
		}
		for name, r := range map[string]io.Reader{"buffer": bytes.NewReader(b),
			"stream": iotest.HalfReader(bytes.NewReader(b))} {
			if got, _, err := tensor.ReadSafetensors(r); err != nil || !equal(got, want) {
				t.Errorf("converted %v, %s: what was read differs from what was written: %v", convert, name, err)
			}
		}
	}
}

// The file comes from the reference implementation: testdata/README.md.
func TestSafetensorsFromPython(t *testing.T) {
	tensors, metadata, err := tensor.LoadSafetensors("testdata/python.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"made by": "Python", "µ": "ü"}; !maps.Equal(metadata, want) {
		t.Errorf("metadata %v, want %v", metadata, want)
	}
	inf := float32(math.Inf(1))
	want := []tensor.Named{
		{Name: "brain", Tensor: tensor.From([]float32{1, -3.140625}, 2)},
		{Name: "double", Tensor: tensor.From([]float32{0.1, -1e30}, 2)},
		{Name: "empty", Tensor: tensor.New(0, 3)},
		{Name: "half", Tensor: tensor.From([]float32{0.333251953125, -65504, 0x1p-24, -inf}, 4)},
		{Name: "layer.weight", Tensor: tensor.From([]float32{0.1, -2.5, 3, inf, float32(math.Copysign(0, -1)), 1e-40}, 2, 3)},
		{Name: "scalar", Tensor: tensor.From([]float32{4})},
		{Name: "steps", Tensor: tensor.From([]float32{7, -16777216}, 2)},
	}
	slices.SortFunc(tensors, func(a, b tensor.Named) int { return strings.Compare(a.Name, b.Name) })
	if !equal(tensors, want) {
		t.Errorf("got  %v\nwant %v", tensors, want)
	}
}

// raw returns a stream with the given header and data.
func raw(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

func TestReadSafetensorsRefuses(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return `{"w":{"dtype":` + dtype + `,"shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	two := func(a, b string) string {
		return `{"v":{"dtype":"F32","shape":[1],"data_offsets":` + a + `},"w":{"dtype":"F32","shape":[1],"data_offsets":` +
			b + `}}`
	}
	f64 := func(v float64) string { return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))) }
	i64 := func(v int64) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(v))) }
	good := one(`"F32"`, `[1]`, `[0,4]`)
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"empty", nil, "no header: unexpected EOF after 0 of the 8 bytes"},
		{"short length", []byte("abc"), "after 3 of the 8 bytes"},
		{"text", []byte("This is a text file.\n"), "header length 2338328219631577172 exceeds"},
		{"long length", append(binary.LittleEndian.AppendUint64(nil, 99_999_999), good...),
			"after 54 of 99999999 header bytes"},
		{"zero length", make([]byte, 8), "does not start with '{'"},
		{"not an object", raw(` {}`, ""), "does not start with '{'"},
		{"not JSON", raw(`{"w"=1}`, ""), "invalid character '='"},
		{"unclosed", raw(`{"w":`, ""), "unexpected EOF"},
		{"two values", raw(`{}{}`, ""), "after the closing brace"},
		{"not UTF-8", raw("{\"\xff\":1}", ""), "not valid UTF-8"},
		{"entry is null", raw(`{"w":null}`, ""), `"w": an object is needed, not <nil>`},
		{"metadata is a number", raw(`{"__metadata__":{"a":1}}`, ""),
			`"__metadata__": "a": 1 (json.Number) where a string is needed`},
		{"metadata twice", raw(`{"__metadata__":{"a":"1","a":"2"}}`, ""), `"__metadata__": "a" appears twice`},
		{"name twice", raw(good[:len(good)-1]+","+good[1:], "abcd"), `"w" appears twice`},
		{"field twice", raw(`{"w":{"dtype":"F32","dtype":"F16"}}`, ""), `"w": "dtype" appears twice`},
		{"field missing", raw(`{"w":{"dtype":"F32","shape":[]}}`, ""), `"w": needs dtype, shape and data_offsets`},
		{"unknown field", raw(`{"w":{"DType":"F32"}}`, ""), `"w": "DType": unknown field`},
		{"dtype", raw(one(`"F8_E4M3"`, `[4]`, `[0,4]`), "abcd"),
			`tensor "w": element type "F8_E4M3" is not supported: save it as F32`},
		{"dtype is a number", raw(one(`32`, `[1]`, `[0,4]`), "abcd"), `"dtype": 32 (json.Number) where a string is needed`},
		{"shape is null", raw(one(`"F32"`, `null`, `[0,4]`), "abcd"), `"shape": an array is needed`},
		{"null dimension", raw(one(`"F32"`, `[null]`, `[0,4]`), "abcd"), `"shape": <nil>`},
		{"negative dimension", raw(one(`"F32"`, `[-1]`, `[0,4]`), "abcd"), `"shape": -1 is not an integer`},
		{"fraction", raw(one(`"F32"`, `[1.5]`, `[0,4]`), "abcd"), `"shape": 1.5 is not an integer`},
		{"one offset", raw(one(`"F32"`, `[1]`, `[4]`), "abcd"), `data_offsets [4] are not two numbers`},
		{"overflow", raw(one(`"F32"`, `[4611686018427387904,4]`, `[0,0]`), ""), "more elements than memory can hold"},
		{"size", raw(one(`"F32"`, `[3]`, `[0,4]`), "abcd"), `tensor "w": F32 [3] needs 12 bytes, data_offsets [0 4] hold 4`},
		{"backwards", raw(one(`"F32"`, `[1]`, `[4,0]`), "abcd"), `data_offsets [4 0] hold -4`},
		{"hole", raw(two(`[0,4]`, `[8,12]`), "abcdefghijkl"),
			`tensor "w": data_offsets [8 12] overlap or leave a gap: the previous data ends at 4`},
		{"overlap", raw(two(`[0,4]`, `[2,6]`), "abcdef"), `tensor "w": data_offsets [2 6] overlap`},
		{"same", raw(two(`[0,4]`, `[0,4]`), "abcd"), `overlap`},
		{"late start", raw(one(`"F32"`, `[1]`, `[4,8]`), "abcdefgh"), `the previous data ends at 0`},
		{"truncated", raw(one(`"F32"`, `[100000]`, `[0,400000]`), "abcdef"),
			`tensor "w": unexpected EOF with 399994 of its 400000 bytes missing`},
		{"trailing", raw(good, "abcde"), "data after the last tensor"},
		{"F64 range", raw(one(`"F64"`, `[2]`, `[0,16]`), f64(math.Inf(1))+f64(1e39)),
			`tensor "w": element 1: the float64 1e+39 is outside`},
		{"I64 precision", raw(one(`"I64"`, `[1]`, `[0,8]`), i64(1<<24+1)), `no float32 equals the integer 16777217`},
		{"I64 rounding up", raw(one(`"I64"`, `[1]`, `[0,8]`), i64(math.MaxInt64)),
			`no float32 equals the integer 9223372036854775807`},
	} {
		tensors, _, err := tensor.ReadSafetensors(bytes.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tensor: safetensors: ") {
			t.Errorf("%s: got %v, %v; want an error with %q", c.name, tensors, err, c.want)
		}
	}
	if _, _, err := tensor.ReadSafetensors(bytes.NewReader(raw(good, "abcd"))); err != nil {
		t.Errorf("the header that the cases vary: %v", err)
	}
	broken := errors.New("broken")
	for _, n := range []int{3, 20, len(good) + 9, len(good) + 12} {
		r := io.MultiReader(bytes.NewReader(raw(good, "abcd")[:n]), iotest.ErrReader(broken))
		if _, _, err := tensor.ReadSafetensors(r); !errors.Is(err, broken) {
			t.Errorf("a reader broken after %d bytes: %v", n, err)
		}
	}
}

// The header may claim any size; memory follows the bytes that arrive.
func TestReadSafetensorsMemory(t *testing.T) {
	for name, in := range map[string][]byte{
		"data":   raw(`{"w":{"dtype":"F32","shape":[2000000000000],"data_offsets":[0,8000000000000]}}`, "abcd"),
		"header": append(binary.LittleEndian.AppendUint64(nil, 100_000_000), '{'),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := tensor.ReadSafetensors(bytes.NewReader(in))
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > 8<<20 {
			t.Errorf("%s: %d bytes allocated, error %v", name, got, err)
		}
	}
}

func TestWriteSafetensorsRefuses(t *testing.T) {
	x := tensor.New(1)
	for want, list := range map[string][]tensor.Named{
		`two tensors are named "a"`:                {{Name: "a", Tensor: x}, {Name: "b", Tensor: x}, {Name: "a", Tensor: x}},
		`tensor "a" is nil`:                        {{Name: "a"}},
		`tensor "z" is nil or empty`:               {{Name: "z", Tensor: &tensor.Tensor{}}},
		`tensor 0 cannot be named "__metadata__"`:  {{Name: "__metadata__", Tensor: x}},
		`tensor 1 cannot be named "\xff"`:          {{Name: "a", Tensor: x}, {Name: "\xff", Tensor: x}},
		`tensor: safetensors: metadata "k": "\xff`: nil,
	} {
		metadata := map[string]string{}
		if list == nil {
			metadata["k"] = "\xff"
		}
		var b bytes.Buffer
		if err := tensor.WriteSafetensors(&b, list, metadata); err == nil || !strings.Contains(err.Error(), want) ||
			b.Len() > 0 {
			t.Errorf("got %v and %d bytes, want an error with %q and none", err, b.Len(), want)
		}
	}
}

// failing accepts n bytes.
type failing struct{ n int }

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestWriteSafetensorsReportsWriteErrors(t *testing.T) {
	size := len(encode(t, sample(), nil))
	for _, n := range []int{0, 100_000, size - 1} {
		if err := tensor.WriteSafetensors(&failing{n}, sample(), nil); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a writer full after %d of %d bytes: %v", n, size, err)
		}
	}
}

func TestSaveSafetensors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	if err := tensor.SaveSafetensors(path, sample(), nil); err != nil {
		t.Fatal(err)
	}
	// A failed save leaves the old file, and no temporary one.
	if err := tensor.SaveSafetensors(path, []tensor.Named{{Name: "a"}}, nil); err == nil ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("saving a nil tensor: %v", err)
	}
	got, _, err := tensor.LoadSafetensors(path)
	if err != nil || !equal(got, sample()) {
		t.Errorf("after a failed save: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v where one file should be", files)
	}

	missing := filepath.Join(dir, "no", "m.safetensors")
	if err := tensor.SaveSafetensors(missing, sample(), nil); !errors.Is(err, os.ErrNotExist) ||
		!strings.Contains(err.Error(), missing) {
		t.Errorf("saving into a missing directory: %v", err)
	}
	if _, _, err := tensor.LoadSafetensors(missing); !errors.Is(err, os.ErrNotExist) ||
		!strings.Contains(err.Error(), missing) {
		t.Errorf("loading a missing file: %v", err)
	}
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tensor.LoadSafetensors(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("loading a truncated file: %v", err)
	}
}

// Everything that can be read can be written, and reads back the same.
func FuzzReadSafetensors(f *testing.F) {
	python, err := os.ReadFile("testdata/python.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(python)
	f.Add(encode(f, sample()[:3], map[string]string{"k": "v"}))
	f.Add(raw(`{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}`, "abcd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, metadata, err := tensor.ReadSafetensors(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, metadata2, err := tensor.ReadSafetensors(bytes.NewReader(encode(t, tensors, metadata)))
		if err != nil || !equal(again, tensors) || !maps.Equal(metadata, metadata2) {
			t.Errorf("%v %v read back as %v %v, %v", tensors, metadata, again, metadata2, err)
		}
	})
}
