// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Shrinking keeps the mean of an image and the places of its parts; images of the right size stay as they are.
func TestShrink(t *testing.T) {
	x := tensor.New(2, 1, 105, 105)
	tensor.Stream(1, "x").Uniform(x.Row(0), 0, 1)
	for i := range 105 { // the right half of the second is white
		for j := 53; j < 105; j++ {
			x.Row(1)[i*105+j] = 1
		}
	}
	small := shrink(x)
	mean := func(v []float32) (sum float64) {
		for _, p := range v {
			sum += float64(p) / float64(len(v))
		}
		return sum
	}
	for n := range 2 {
		if a, b := mean(x.Row(n)), mean(small.Row(n)); math.Abs(a-b) > 1e-5 {
			t.Errorf("mean %g becomes %g", a, b)
		}
	}
	covered := (33*105./64 - 53) / (105. / 64) // of pixel 32, from column 52.5 to 54.14, the part from 53 on
	if r := small.Row(1); r[31] != 0 || math.Abs(float64(r[32])-covered) > 1e-5 || math.Abs(float64(r[40])-1) > 1e-6 {
		t.Errorf("edge %v, want 0, %g, 1", r[31:34], covered)
	}
	same := tensor.New(1, 1, 64, 64)
	tensor.Stream(2, "x").Uniform(same.Data(), 0, 1)
	for i, v := range shrink(same).Data() {
		if math.Abs(float64(v-same.Data()[i])) > 1e-6 {
			t.Fatalf("pixel %d of an image of the right size changes from %g to %g", i, same.Data()[i], v)
		}
	}
}

// Test images that equal a training image are found; embeddings without information find one in n.
func TestOneShot(t *testing.T) {
	r := dataset.OneShotRun{Train: tensor.New(4, 1, 64, 64), Test: tensor.New(4, 1, 64, 64), Answer: []int{2, 0, 3, 1}}
	tensor.Stream(1, "x").Uniform(r.Train.Data(), 0, 1)
	for i, a := range r.Answer {
		copy(r.Test.Row(i), r.Train.Row(a))
	}
	runs := []dataset.OneShotRun{r}
	if a := OneShot(func(x *tensor.Tensor) *tensor.Tensor { return x }, runs); a != 1 {
		t.Errorf("accuracy %g with pixels of equal images", a)
	}
	constant := func(x *tensor.Tensor) *tensor.Tensor { return tensor.New(x.Rows(), 3) }
	if a := OneShot(constant, runs); a != 0.25 {
		t.Errorf("accuracy %g without information", a)
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	const solid = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
	for _, name := range []string{"1.obj", "2.obj"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(solid), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := LoadFiles(dir, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 6 || len(set.Classes) != 2 || set.Classes[1] != "2 1" {
		t.Errorf("%d images of %q", set.Len(), set.Classes)
	}
	if err := os.WriteFile(filepath.Join(dir, "3.obj"), []byte("v 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "3.obj:1: a point with 1 coordinates"
	if _, err := LoadFiles(dir, 3, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a broken file: %v", err)
	}
}
