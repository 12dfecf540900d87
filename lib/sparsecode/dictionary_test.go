// SPDX-License-Identifier: Apache-2.0

package sparsecode_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestDictionary(t *testing.T) {
	not := float32(math.NaN())
	for _, c := range []struct {
		atoms *tensor.Tensor
		want  string
	}{
		{tensor.New(4), "atoms of shape [4]"},
		{tensor.New(0, 4), "atoms of shape [0 4]"},
		{tensor.From([]float32{1, 2, 0, 0}, 2, 2), "atom 1 is zero"},
		{tensor.From([]float32{1, 2, 3, not}, 2, 2), "atom 1: pixel 1 is NaN"},
		{tensor.From([]float32{1, 2, 3, 1, 2, 4}, 3, 2), "atoms 0 and 2 are equal up to a factor"},
		{tensor.From([]float32{1, 2, 3, 1, -6, -2}, 3, 2), "atoms 1 and 2 are equal up to a factor"},
	} {
		if _, err := NewDictionary(c.atoms); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.atoms, err, c.want)
		}
	}
	// The lengths of the smallest and the largest atoms neither vanish nor overflow.
	d, err := NewDictionary(tensor.From([]float32{3e-40, 4e-40, 3e38, -2e38}, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	if a := d.Atoms(); math.Abs(float64(a.At(0, 0))-0.6) > 1e-4 || math.Abs(float64(a.At(1, 0))-3/math.Sqrt(13)) > 1e-6 {
		t.Errorf("atoms %v", a)
	}
}

func TestDictionaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.safetensors")
	d := RandomDictionary(30, 1, 5, 6)
	d.Gains()[3] = 1.25
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	e, err := LoadDictionary(path, 5, 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2][]float32{
		{d.Atoms().Data(), e.Atoms().Data()}, {d.Gram().Data(), e.Gram().Data()}, {d.Gains(), e.Gains()},
	} {
		if !slices.Equal(c[0], c[1]) {
			t.Error("another dictionary comes back")
		}
	}
	_, err = LoadDictionary(path, 6, 5)
	if err == nil || !strings.Contains(err.Error(), "atoms of 5x6 pixels, want 6x5") {
		t.Errorf("another shape: %v", err)
	}
	atoms := tensor.Named{Name: "atoms", Tensor: d.Atoms()}
	for _, c := range []struct {
		named []tensor.Named
		want  string
	}{
		{[]tensor.Named{{Name: "weights", Tensor: d.Atoms()}}, `no tensor "atoms"`},
		{[]tensor.Named{{Name: "atoms", Tensor: tensor.New(2, 3)}}, "atom 0 is zero"},
		{[]tensor.Named{atoms, {Name: "gains", Tensor: tensor.New(29)}}, "gains of shape [29] for 30 atoms"},
		{[]tensor.Named{atoms, {Name: "gains", Tensor: tensor.New(30)}}, "the gain of atom 0 is 0"},
	} {
		if err := tensor.SaveSafetensors(path, c.named, nil); err != nil {
			t.Fatal(err)
		}
		_, err := LoadDictionary(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestReconstructPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("codes of another width: no panic")
		}
	}()
	RandomDictionary(4, 1, 9).Reconstruct(tensor.New(2, 5))
}
