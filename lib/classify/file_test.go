// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/classify"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/onnx"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/transform"
)

// Damage to the description of a file is an error, not a panic.
func TestDamagedDescription(t *testing.T) {
	digits, _ := dataset.Glyphs(1)
	config := classify.Config{Epochs: 1, Network: classify.Network{Hidden: []int{8}}}
	m := fit(t, classify.Set(digits.Slice(0, 100)), config)
	path := filepath.Join(t.TempDir(), "m")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	tensors, metadata, err := tensor.LoadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	load := func(text string) error {
		bad := filepath.Join(t.TempDir(), "bad")
		if err := tensor.SaveSafetensors(bad, tensors, map[string]string{"lateral.classify": text}); err != nil {
			t.Fatal(err)
		}
		_, err := classify.Load(bad)
		return err
	}
	for from, to := range map[string]string{
		`"format":1`: `"format":9`, `"hidden":[8]`: `"hidden":[9]`, `"shape":[1,28,28]`: `"shape":[2,28,28]`,
		`"activation":"relu"`: `"activation":"x"`, `"sparse":null`: `"sparse":[1]`, `"standardize"`: `"none"`,
		`"shape":[1,`: `"shape":[1000000000,`, `{"format"`: `{format`, `"hidden": [8]`: `"hidden":[-8]`} {
		text := strings.ReplaceAll(metadata["lateral.classify"], from, to)
		if text == metadata["lateral.classify"] && !strings.Contains(from, " ") {
			t.Errorf("nothing to damage: %s in %s", from, text)
		}
		if err := load(text); (err == nil) != (text == metadata["lateral.classify"]) {
			t.Errorf("%s: %v", to, err)
		}
	}
	// A small file does not claim all memory.
	for _, large := range []string{
		`"filters":[1000000000000000],"hidden":[8]`, `"filters":null,"hidden":[1000000000000000]`,
		`"filters":null,"hidden":[8,1000000000000000]`,
	} {
		text := strings.ReplaceAll(metadata["lateral.classify"], `"filters":null,"hidden":[8]`, large)
		if err := load(text); err == nil || !strings.Contains(err.Error(), "a network of more than 67108864 weights") {
			t.Errorf("%s: %v", large, err)
		}
	}
}

// onnxruntime checks that it computes the probabilities of a model from the ONNX file path, if LATERAL_PYTHON names a
// Python that has it.
func onnxruntime(t *testing.T, m *classify.Model, path string, x *tensor.Tensor) {
	t.Helper()
	python := os.Getenv("LATERAL_PYTHON")
	if python == "" || exec.Command(python, "-c", "import onnxruntime, numpy").Run() != nil {
		return
	}
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Shape()), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	b, _ = binary.Append(append(b, header...), binary.LittleEndian, x.Data())
	os.WriteFile(strings.TrimSuffix(path, ".onnx")+".npy", b, 0o666)
	out, err := exec.Command(python, "../onnx/testdata/run_onnx.py", filepath.Dir(path)).Output()
	words, want := strings.Fields(string(out)), m.Probabilities(x).Data()
	if err != nil || len(words) != 1+len(want) {
		t.Fatalf("%v: %q", err, out)
	}
	for i, p := range want {
		got, err := strconv.ParseFloat(words[i+1], 64)
		if err != nil || !(math.Abs(got-float64(p)) <= 1e-5) {
			t.Errorf("probability %d: %v, onnxruntime's %v", i, p, got)
		}
	}
}

// Another program gets the same probabilities from the ONNX file: package onnx tests that for all operations.
func TestSaveONNX(t *testing.T) {
	digits, _ := dataset.Glyphs(1)
	data := classify.Set(digits.Slice(0, 100))
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	trained := fit(t, data, classify.Config{Epochs: 1})
	if err := trained.SaveONNX(path); err != nil {
		t.Error(err)
	}
	onnxruntime(t, trained, path, digits.X.Slice(0, 3))
	m := fit(t, data, classify.Config{Epochs: 1, Steps: transform.Pipeline{&transform.Contrast{}}})
	if err := m.SaveONNX(path); err == nil || !strings.Contains(err.Error(), "Contrast is not exported") {
		t.Errorf("%v", err)
	}
	s := m.Summary(digits.X.Slice(0, 10))
	if s.Params() != 16*10+32*(16*9+1)+128*(32*49+1)+10*129 || math.IsNaN(s.Layers[0].Active) {
		t.Errorf("%v", s)
	}
}

// The ONNX file of a classifier for tables fills in missing cells as the model does.
func TestSaveONNXWithMissingCells(t *testing.T) {
	text := "a,b,y\n"
	for i := range 40 {
		text += fmt.Sprintf("%d,%d,%c\n", i%20, 100*i, "xz"[i/20])
	}
	dir := t.TempDir()
	csv, path := filepath.Join(dir, "t.csv"), filepath.Join(dir, "t.onnx")
	os.WriteFile(csv, []byte(text), 0o666)
	data, err := classify.CSV(csv, "y")
	if err != nil {
		t.Fatal(err)
	}
	m := fit(t, data, classify.Config{Epochs: 1})
	if err := m.SaveONNX(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := onnx.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	nodes := fmt.Sprint(file.Graph.Nodes[:2])
	if want := "[{IsNaN IsNaN [input] [IsNaN] []} {Where Where [IsNaN fill input] [Where] []}]"; nodes != want {
		t.Errorf("the file begins with %s, want %s", nodes, want)
	}
	fill := file.Graph.Tensors[0]
	if want := m.Pipeline[0].(*transform.Columns).Fill.Data(); fill.Name != "fill" || !slices.Equal(fill.Floats, want) {
		t.Errorf("missing cells become %v, want %v", fill, want)
	}
	nan := float32(math.NaN())
	onnxruntime(t, m, path, tensor.From([]float32{1, 2000, nan, 100, 7, nan, nan, nan}, 4, 2))
}
