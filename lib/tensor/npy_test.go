// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"archive/zip"
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
		"a number":     {npy(header("<f4", "(2)"), []float32{1, 2}), "(2,)"},
		"no comma":     {npy(header("<f4", "(1 2)"), []float32{1, 2}), "comma"},
		"twice":        {npy("{'descr': '<f4', 'shape': (2,), 'shape': (2,), }", []float32{1, 2}), "twice"},
		"no order":     {npy("{'descr': '<f4', 'shape': (2,), }", []float32{1, 2}), "fortran_order"},
		"more behind":  {npy(header("<f4", "(2,)")+" x", []float32{1, 2}), "follows"},
		"version 4":    {append([]byte("\x93NUMPY\x04\x00"), good[8:]...), "version 4"},
		"records": {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", []float32{1}),
			"array of numbers"},
		"huge": {npy(header("<f4", "(9000000000, 9000000000)"), []float32{1}), "more elements"},
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

// The results of numpy.load for these headers over the float32 values 0 to 5 (NumPy 2.4.6).
func TestHeadersOfNPY(t *testing.T) {
	rows, columns := []float32{0, 1, 2, 3, 4, 5}, []float32{0, 2, 4, 1, 3, 5}
	for header, want := range map[string][]float32{
		"{'descr':'<f4','fortran_order' : True,'shape':(2,3)}":                columns,
		"{'descr': '<f4', \"fortran_order\": True, 'shape': (2, 3), }":        columns,
		"{'descr': '<f4', 'fortran_order':\tTrue, 'shape': (2, 3), }":         columns,
		"{'shape': (2, 3), 'fortran_order': True, 'descr': '<f4'}":            columns,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }":       rows,
		`{"descr": "<f4", "fortran_order": False, "shape": (2, 3), }`:         rows,
		"{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) }": rows,
		"\t{'descr':\n'<f4',\n'fortran_order':\nFalse,\n'shape':\n(2,\n3)}\n": rows,
	} {
		x, err := tensor.ReadNPY(bytes.NewReader(npy(header, rows)))
		if err != nil || !slices.Equal(x.Shape(), []int{2, 3}) || !slices.Equal(x.Data(), want) {
			t.Errorf("%s: %v, %v; want %v", header, x, err, want)
		}
	}
	values := make([]float32, 24)
	for i := range values {
		values[i] = float32(i)
	}
	x, err := tensor.ReadNPY(bytes.NewReader(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }", values)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				if got, want := x.At(i, j, k), float32(i+2*j+6*k); got != want {
					t.Errorf("element %d, %d, %d is %v, want %v", i, j, k, got, want)
				}
			}
		}
	}
}

func FuzzReadNPY(f *testing.F) {
	f.Add(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", []float32{1, 2, 3, 4, 5, 6}))
	f.Add(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2L,), }", []int64{1, 2}))
	f.Add(npy(`{"shape": (), "descr": "<f8", "fortran_order": False}`, []float64{1}))
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := tensor.ReadNPY(bytes.NewReader(file))
		if err != nil {
			return
		}
		n := 1
		for _, d := range x.Shape() {
			n *= d
		}
		if n != len(x.Data()) || 2*n > len(file) {
			t.Errorf("%v with %d elements out of %d bytes", x.Shape(), len(x.Data()), len(file))
		}
	})
}

func TestIntegersOfNumPy(t *testing.T) {
	for descr, data := range map[string]any{
		"|u1": []uint8{0, 255}, "|b1": []bool{false, true}, "|i1": []int8{-128, 127}, "<u2": []uint16{0, 65535},
		"<i2": []int16{-5, 7}, "<i4": []int32{-1 << 24, 5}, "<u4": []uint32{1 << 31, 5},
	} {
		x, err := tensor.ReadNPY(bytes.NewReader(npy("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (2,)}", data)))
		if err != nil {
			t.Errorf("%s: %v", descr, err)
			continue
		}
		want := strings.NewReplacer("false", "0", "true", "1").Replace(fmt.Sprint(data))
		if got := fmt.Sprintf("[%.0f %.0f]", x.Data()[0], x.Data()[1]); got != want {
			t.Errorf("%s: %s, want %s", descr, got, want)
		}
	}
	odd := npy("{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", []int32{1<<24 + 1})
	if _, err := tensor.ReadNPY(bytes.NewReader(odd)); err == nil || !strings.Contains(err.Error(), "16777217") {
		t.Errorf("an integer without a float32: %v", err)
	}
}

func TestLoadNPZ(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, entries ...string) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := zip.NewWriter(f)
		for i, entry := range entries {
			w, err := z.CreateHeader(&zip.FileHeader{Name: entry, Method: zip.Store})
			if err != nil {
				t.Fatal(err)
			}
			w.Write(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", []float32{float32(i), 5}))
			if entry == "long.npy" {
				w.Write([]byte{0})
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	arrays, err := tensor.LoadNPZ(save("good.npz", "x.npy", "deep/y.npy"))
	if err != nil || len(arrays) != 2 || arrays[1].Name != "deep/y" || arrays[1].Tensor.At(0, 0) != 1 {
		t.Errorf("%v, %v", arrays, err)
	}
	text := filepath.Join(dir, "text.npz")
	os.WriteFile(text, []byte("no archive"), 0o666)
	flipped := save("flipped.npz", "x.npy")
	plain, err := os.ReadFile(flipped)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(flipped, bytes.Replace(plain, []byte("\x00\x00\xa0\x40"), []byte("\x00\x00\xa0\x41"), 1), 0o666) // 5
	for path, want := range map[string]string{
		save("other.npz", "x.npy", "notes.txt"): "it contains notes.txt",
		save("empty.npz"):                       "it contains no arrays",
		save("long.npz", "long.npy"):            "array long: tensor: npz: there is data after the array",
		flipped:                                 "array x: tensor: npz: damaged",
		text:                                    "numpy.savez",
		filepath.Join(dir, "none.npz"):          "no such file",
	} {
		if _, err := tensor.LoadNPZ(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", path, want, err)
		}
	}
}

// Rows are read from disk in any order, as ReadNPY reads them.
func TestNPYFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	content := npy("{'descr': '<i2', 'fortran_order': False, 'shape': (4, 2), }", []int16{0, 1, 2, 3, 4, 5, 6, 7})
	os.WriteFile(path, content, 0o666)
	a, err := tensor.OpenNPY(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var x tensor.Tensor
	err = a.ReadRows(&x, []int{3, 0, 1, 1})
	if err != nil || !slices.Equal(x.Data(), []float32{6, 7, 0, 1, 2, 3, 2, 3}) ||
		!slices.Equal(x.Shape(), []int{4, 2}) || a.Len() != 4 {
		t.Errorf("%v, %v", &x, err)
	}
	for text, content := range map[string][]byte{
		"1 of its 16 bytes are missing": content[:len(content)-1],
		"not a file of numpy.save":      []byte("text"),
		"column-major":                  npy("{'descr': '<i2', 'fortran_order': True, 'shape': (1, 1), }", []int16{0}),
		"a single number":               npy("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", []int16{0}),
		"elements \"<c8\"":              npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", []int64{0}),
	} {
		os.WriteFile(path, content, 0o666)
		if _, err := tensor.OpenNPY(path); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want an error with %q, got %v", text, err)
		}
	}
}
