// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/transform"
)

var nan = float32(math.NaN())

func TestColumnsAndStandardize(t *testing.T) {
	x := tensor.From([]float32{1, 0, nan, 1, 3, nan}, 3, 2) // a number, and a word of two
	p := transform.Pipeline{&transform.Columns{Words: []int{0, 2}}, &transform.Standardize{}}
	y, err := p.Fit(x)
	if err != nil {
		t.Fatal(err)
	}
	// The number is 1, 2 (filled in), 3 with standard deviation sqrt(2/3); the words are 1 0, 0 1, 0 0.
	root, third := math.Sqrt(1.5), math.Sqrt(2)/3
	want := []float64{
		-root, (1 - 1./3) / third, -1. / 3 / third,
		0, -1. / 3 / third, (1 - 1./3) / third,
		root, -1. / 3 / third, -1. / 3 / third,
	}
	for i, v := range y.Data() {
		if !(math.Abs(float64(v)-want[i]) < 1e-6) {
			t.Errorf("element %d: %v, want %v", i, v, want[i])
		}
	}
	if x.At(0, 0) != 1 {
		t.Error("Fit wrote to its argument")
	}
	// An unknown word and a missing number.
	z := p[:1].Apply(tensor.From([]float32{nan, 7}, 1, 2))
	if !slices.Equal(z.Data(), []float32{2, 0, 0}) {
		t.Errorf("%v", z)
	}
}

// Per channel; a constant channel becomes 0.
func TestStandardizeImages(t *testing.T) {
	x := tensor.From([]float32{0, 2, 5, 5, 4, 6, 5, 5}, 2, 2, 1, 2)
	y, err := transform.Pipeline{&transform.Standardize{}}.Fit(x)
	if err != nil {
		t.Fatal(err)
	}
	s := float32(math.Sqrt(5)) // mean 3, deviations 3, 1, 1, 3
	for i, want := range []float32{-3 / s, -1 / s, 0, 0, 1 / s, 3 / s, 0, 0} {
		if !(math.Abs(float64(y.Data()[i]-want)) < 1e-6) {
			t.Errorf("element %d: %v, want %v", i, y.Data()[i], want)
		}
	}
	if _, err := (transform.Pipeline{&transform.Standardize{}}).Fit(tensor.From([]float32{1, nan}, 2, 1)); err == nil ||
		!strings.Contains(err.Error(), "feature 1 of training sample 2 is NaN") {
		t.Errorf("NaN: %v", err)
	}
	columns := transform.Pipeline{&transform.Columns{Words: []int{0}}}
	if _, err := columns.Fit(tensor.From([]float32{nan}, 1, 1)); err == nil {
		t.Error("a column without numbers")
	}
}

// What a copy learns does not change the original, not even if a step overwrites its tensors.
func TestClone(t *testing.T) {
	x := tensor.From([]float32{1, 2, 3, 5}, 2, 2)
	p := transform.Pipeline{&transform.Standardize{}, &transform.Contrast{Scale: 3}}
	want, err := p.Fit(x)
	if err != nil {
		t.Fatal(err)
	}
	c := p.Clone()
	if !slices.Equal(c.Apply(x).Data(), want.Data()) {
		t.Error("the copy has other results")
	}
	c[0].(*transform.Standardize).Mean.Fill(7)
	c[1].(*transform.Contrast).Scale = 5
	if !slices.Equal(p.Apply(x).Data(), want.Data()) {
		t.Error("the copy shares memory with the original")
	}
}

// A pipeline does the same after Save and Restore, and damaged tensors are an error.
func TestRestore(t *testing.T) {
	x := tensor.New(40, 2, 3, 3)
	tensor.Stream(1, "x").Normal(x.Data(), 1, 2)
	p := transform.Pipeline{&transform.Standardize{}, &transform.Contrast{Scale: 3}, &transform.Whiten{Bias: 0.1}}
	want, err := p.Fit(x)
	if err != nil {
		t.Fatal(err)
	}
	settings, tensors, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	q, err := transform.Restore(settings, tensors)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Apply(x); !slices.Equal(got.Data(), want.Data()) || !tensor.SameShape(got, want) {
		t.Error("the restored pipeline gives other samples")
	}
	for i := range tensors {
		if _, err := transform.Restore(settings, slices.Delete(slices.Clone(tensors), i, i+1)); err == nil {
			t.Errorf("without %s: no error", tensors[i].Name)
		}
	}
	for _, bad := range []string{"{", `[{"kind":"magic"}]`, `[{"kind":"contrast","settings":{"Scale":"x"}}]`} {
		if _, err := transform.Restore([]byte(bad), nil); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	for _, words := range []string{"20000000", "0,16000000,1000000", "9000000000000000000,9000000000000000000"} {
		settings := fmt.Sprintf(`[{"kind":"columns","settings":{"Words":[%s]}}]`, words)
		fill := tensor.Named{Name: "0.fill", Tensor: tensor.New(1 + strings.Count(words, ","))}
		_, err := transform.Restore([]byte(settings), []tensor.Named{fill})
		if err == nil || !strings.Contains(err.Error(), "more than 16777216 numbers") {
			t.Errorf("%s words: %v", words, err)
		}
	}
}

// doubled is a step of another package.
type doubled struct{ Factor float32 }

func (d *doubled) Fit(*tensor.Tensor) error { return nil }
func (d *doubled) Apply(x *tensor.Tensor) *tensor.Tensor {
	for i := range x.Data() {
		x.Data()[i] *= d.Factor
	}
	return x
}

func TestRegister(t *testing.T) {
	p := transform.Pipeline{&doubled{2}}
	if _, _, err := p.Save(); err == nil {
		t.Error("a step that is not registered was saved")
	}
	transform.Register("doubled", func() transform.Step { return new(doubled) })
	settings, tensors, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	q, err := transform.Restore(settings, tensors)
	if err != nil || q.Apply(tensor.From([]float32{3}, 1, 1)).At(0, 0) != 6 {
		t.Errorf("%v, %v", q, err)
	}
}

// Data that is prepared batch by batch equals the set that is prepared at once; its fingerprint covers the pipeline.
func TestData(t *testing.T) {
	x := tensor.New(10, 3)
	tensor.Stream(1, "x").Normal(x.Data(), 1, 2)
	set := &dataset.Set{X: x, Y: make([]int, 10)}
	p := transform.Pipeline{&transform.Standardize{}}
	want, err := p.Fit(x)
	if err != nil {
		t.Fatal(err)
	}
	d := &transform.Data{Samples: set, Pipeline: p}
	var b dataset.Batch
	d.Gather(&b, []int{7, 2})
	if !slices.Equal(b.X.Row(0), want.Row(7)) || !slices.Equal(b.X.Row(1), want.Row(2)) || len(b.Y) != 2 {
		t.Errorf("%v", &b.X)
	}
	other := &transform.Data{Samples: set, Pipeline: transform.Pipeline{&transform.Contrast{}}}
	if dataset.Fingerprint(d) == dataset.Fingerprint(other) || dataset.Fingerprint(d) != d.Fingerprint() {
		t.Error("the fingerprint ignores the pipeline")
	}
}

func Example() {
	train := tensor.From([]float32{10, 1, 20, 1, 30, 1}, 3, 2)
	p := transform.Pipeline{&transform.Standardize{}}
	if _, err := p.Fit(train); err != nil {
		fmt.Println(err)
	}
	fmt.Println(p.Apply(tensor.From([]float32{20, 1}, 1, 2)).Data())
	// Output: [0 0]
}
