// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"archive/zip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestFeatures(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, named ...tensor.Named) string {
		path := filepath.Join(dir, name)
		if err := tensor.SaveSafetensors(path, named, nil); err != nil {
			t.Fatal(err)
		}
		return path
	}
	x := tensor.From([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	labels := func(y ...float32) tensor.Named { return tensor.Named{Name: "labels", Tensor: tensor.From(y, len(y))} }
	features := tensor.Named{Name: "features", Tensor: x}
	s, err := Features(save("good.safetensors", features, labels(0, 2, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 3 || s.X.At(1, 1) != 4 || !slices.Equal(s.Y, []int{0, 2, 0}) || len(s.Classes) != 3 || len(s.Sum) != 64 {
		t.Errorf("%+v", s)
	}
	for name, path := range map[string]string{
		"want features and labels": save("none.safetensors", features),
		"want [N, D] and [N]":      save("few.safetensors", features, labels(0, 1)),
		"label 2 is 1.5":           save("half.safetensors", features, labels(0, 1, 1.5)),
		"label 1 is 1.67772":       save("huge.safetensors", features, labels(0, 16_777_215, 1)),
		"label 2 is NaN":           save("nan.safetensors", features, labels(0, 1, float32(math.NaN()))),
		"label 0 is -1":            save("negative.safetensors", features, labels(-1, 1, 1)),
		"no such file":             filepath.Join(dir, "nowhere.safetensors"),
	} {
		if _, err := Features(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

func TestFeaturesOfNumPy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, header, data string) {
		b := "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + data
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", "\x00\x00\x80\x3f\x00\x00\x00\x40")
	if _, err := Features(filepath.Join(dir, "x.npy")); err == nil || !strings.Contains(err.Error(), "x-labels.npy") {
		t.Errorf("without labels: %v", err)
	}
	write("x-labels.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "\x01"+strings.Repeat("\x00", 15))
	s, err := Features(filepath.Join(dir, "x.npy"))
	if err != nil || !slices.Equal(s.X.Data(), []float32{1, 2}) || !slices.Equal(s.Y, []int{1, 0}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// Samples of any shape, in one file of numpy.savez.
func TestFeaturesOfNPZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "digits.npz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range map[string]string{
		"x.npy": "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 2), }\x01\x02\x03\x04",
		"y.npy": "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\x01\x00",
	} {
		w, _ := z.Create(name)
		w.Write([]byte("\x93NUMPY\x01\x00" + string([]byte{byte(strings.Index(text, "}") + 1), 0}) + text))
	}
	z.Close()
	f.Close()
	s, err := Features(path)
	if err != nil || !slices.Equal(s.X.Shape(), []int{2, 1, 1, 2}) || s.X.At(1, 0, 0, 1) != 4 || s.Y[0] != 1 {
		t.Errorf("%v, %v", s, err)
	}
}
