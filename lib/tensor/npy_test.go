// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// npy returns a file as numpy.save writes it.
func npy(header string, data any) []byte {
	for (len(header)+11)%64 != 0 {
		header += " "
	}
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)+1))
	b = append(b, header+"\n"...)
	b, err := binary.Append(b, binary.LittleEndian, data)
	if err != nil {
		panic(err)
	}
	return b
}

func ExampleReadNPY() {
	file := npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", []float32{1, 2, 3, 4, 5, 6})
	x, err := tensor.ReadNPY(bytes.NewReader(file))
	fmt.Println(x.Shape(), x.Row(1), err)
	// Output: [2 3] [4 5 6] <nil>
}

func TestReadNPY(t *testing.T) {
	header := func(descr, shape string) string {
		return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"
	}
	for name, c := range map[string]struct {
		file  []byte
		shape []int
		want  []float32
	}{
		"float64": {npy(header("<f8", "(2,)"), []float64{0.5, -3}), []int{2}, []float32{0.5, -3}},
		"float16": {npy(header("<f2", "(1, 2)"), []uint16{0x3c00, 0xc000}), []int{1, 2}, []float32{1, -2}},
		"int64":   {npy(header("<i8", "(3,)"), []int64{7, 0, -9}), []int{3}, []float32{7, 0, -9}},
		"empty":   {npy(header("<f4", "(0, 5)"), []float32{}), []int{0, 5}, nil},
	} {
		x, err := tensor.ReadNPY(bytes.NewReader(c.file))
		if err != nil || !slices.Equal(x.Shape(), c.shape) || !slices.Equal(x.Data(), c.want) {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
	good := npy(header("<f4", "(2, 2)"), []float32{1, 2, 3, 4})
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":      {nil, "numpy.save"},
		"another file": {[]byte("PK\x03\x04 and so on"), "numpy.save"},
		"cut header":   {good[:40], "header"},
		"cut data":     {good[:len(good)-3], "missing"},
		"strings":      {npy(header("<U4", "(2,)"), []float32{1, 2}), "ascontiguousarray"},
		"big end":      {npy(header(">f4", "(2,)"), []float32{1, 2}), "ascontiguousarray"},
		"columns":      {npy(strings.Replace(header("<f4", "(2,)"), "False", "True", 1), []float32{1, 2}), "ascontiguousarray"},
		"records":      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", []float32{1}), "array of numbers"},
		"huge":         {npy(header("<f4", "(9000000000, 9000000000)"), []float32{1}), "more elements"},
	} {
		if x, err := tensor.ReadNPY(bytes.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, good, 0o666); err != nil {
		t.Fatal(err)
	}
	if x, err := tensor.LoadNPY(path); err != nil || x.At(1, 0) != 3 {
		t.Errorf("%v, %v", x, err)
	}
	if _, err := tensor.LoadNPY(path + ".none"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
