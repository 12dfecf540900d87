// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleSet_Gather() {
	train, _ := Glyphs(1)
	var b Batch
	order := Order(train.Len(), 1, 0) // epoch 0 of seed 1
	train.Gather(&b, order[:4])
	fmt.Println(train.Source)
	fmt.Println(b.X.Shape(), b.Y)
	// Output:
	// Glyphs, made from seed 1 (10,000 training images)
	// [4 1 28 28] [3 8 0 5]
}

// counted returns a set of n images of 1x2 pixels that hold the image's number and its negative; labels repeat classes.
func counted(n int, classes ...int) *Set {
	s := &Set{X: tensor.New(n, 1, 1, 2), Y: make([]int, n), Classes: numbers(slices.Max(classes) + 1), Sum: "whole"}
	for i := range n {
		s.X.Row(i)[0], s.X.Row(i)[1] = float32(i), -float32(i)
		s.Y[i] = classes[i%len(classes)]
	}
	return s
}

// ids returns the numbers of a counted set's images and checks that labels and pixels stayed together.
func ids(t *testing.T, s *Set, classes ...int) []int {
	t.Helper()
	if len(s.Y) != s.Len() {
		t.Fatalf("%d labels for %d images", len(s.Y), s.Len())
	}
	got := make([]int, s.Len())
	for i := range got {
		got[i] = int(s.X.Row(i)[0])
		if s.X.Row(i)[1] != -float32(got[i]) || s.Y[i] != classes[got[i]%len(classes)] {
			t.Fatalf("image %d: pixels %v, label %d", i, s.X.Row(i), s.Y[i])
		}
	}
	return got
}

func TestSliceAndSubset(t *testing.T) {
	s := counted(10, 0, 1, 2)
	slice := s.Slice(3, 6)
	if got := ids(t, slice, 0, 1, 2); !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("Slice(3, 6) holds %v", got)
	}
	subset := s.Subset([]int{9, 0, 0, 4})
	if got := ids(t, subset, 0, 1, 2); !slices.Equal(got, []int{9, 0, 0, 4}) {
		t.Errorf("Subset holds %v", got)
	}
	slice.X.Row(0)[0] = 77
	if s.X.Row(3)[0] != 77 {
		t.Error("Slice does not share memory")
	}
	subset.X.Row(0)[0] = 77
	if s.X.Row(9)[0] != 9 {
		t.Error("Subset shares memory")
	}
	if f := s.Flat(); !slices.Equal(f.Shape(), []int{10, 2}) || &f.Data()[0] != &s.X.Data()[0] {
		t.Errorf("Flat is %v", f)
	}
	if s.Slice(4, 4).Len() != 0 || s.Subset(nil).Len() != 0 {
		t.Error("empty parts are not empty")
	}
}

func TestSumIdentifiesParts(t *testing.T) {
	s := counted(10, 0, 1)
	if s.Slice(2, 5).Sum != s.Subset([]int{2, 3, 4}).Sum {
		t.Error("the same images have different sums")
	}
	seen := map[string]bool{}
	for _, p := range []*Set{
		s, s.Slice(0, 5), s.Slice(0, 6), s.Subset([]int{1, 0}), s.Subset([]int{0, 1}), s.Slice(1, 3).Slice(0, 1),
	} {
		if seen[p.Sum] {
			t.Errorf("sum %s occurs twice", p.Sum)
		}
		seen[p.Sum] = true
	}
}

func TestGatherAllocatesNothing(t *testing.T) {
	s := counted(100, 0, 1, 2)
	s.Target, s.Weight = s.X.Clone(), make([]float32, 100)
	var b Batch
	idx := []int{5, 99, 0, 31}
	for _, i := range idx {
		s.Weight[i] = float32(i) / 100
	}
	if n := testing.AllocsPerRun(100, func() {
		s.Gather(&b, idx)
		s.Gather(&b, idx[:2])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	s.Gather(&b, idx)
	if !slices.Equal(b.X.Shape(), []int{4, 1, 1, 2}) || !slices.Equal(b.Y, []int{2, 0, 0, 1}) ||
		!slices.Equal(b.X.Data(), []float32{5, -5, 99, -99, 0, 0, 31, -31}) ||
		!slices.Equal(b.Target.Data(), b.X.Data()) || !slices.Equal(b.Weight.Data(), []float32{0.05, 0.99, 0, 0.31}) {
		t.Errorf("gathered %v with labels %v, targets %v, weights %v", &b.X, b.Y, &b.Target, &b.Weight)
	}
	part, slice := s.Subset(idx), s.Slice(31, 33)
	if !slices.Equal(part.Weight, b.Weight.Data()) || !slices.Equal(part.Target.Data(), b.Target.Data()) ||
		!slices.Equal(slice.Weight, []float32{0.31, 0}) || slice.Target.At(1, 0, 0, 0) != 32 {
		t.Errorf("parts have targets %v and %v, weights %v and %v",
			part.Target, slice.Target, part.Weight, slice.Weight)
	}
}

// Samples without labels can be divided and batched, too.
func TestSetWithoutLabels(t *testing.T) {
	s := &Set{X: tensor.From([]float32{1, 2, 3, 4}, 4, 1)}
	var b Batch
	s.Gather(&b, []int{3, 1})
	part := s.Slice(1, 3).Subset([]int{1})
	if len(b.Y) != 0 || b.X.Data()[0] != 4 || part.Y != nil || part.X.Data()[0] != 3 {
		t.Errorf("gathered %v with labels %v; a part has %v with labels %v", &b.X, b.Y, part.X, part.Y)
	}
}

func TestMistakesPanic(t *testing.T) {
	s := counted(10, 0, 1)
	rng := tensor.Stream(1, "test")
	for name, f := range map[string]func(){
		"dataset: Slice: [4:11] of 10 images":                     func() { s.Slice(4, 11) },
		"dataset: Slice: [-1:2] of 10 images":                     func() { s.Slice(-1, 2) },
		"dataset: Slice: [3:2] of 10 images":                      func() { s.Slice(3, 2) },
		"dataset: Gather: index 10 of 10 images":                  func() { s.Subset([]int{10}) },
		"dataset: Split: fraction 1.5 outside [0, 1]":             func() { s.Split(1.5, rng) },
		"dataset: Balanced: 6 images of class \"0\", which has 5": func() { s.Balanced(6, rng) },
		"dataset: Order: -1 samples":                              func() { Order(-1, 1, 0) },
	} {
		func() {
			defer func() {
				if got := recover(); got != name {
					t.Errorf("panicked with %v, want %s", got, name)
				}
			}()
			f()
		}()
	}
}

func TestSplitIsStratifiedAndExact(t *testing.T) {
	classes := []int{0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2} // three classes of unequal size
	s := counted(1001, classes...)
	for _, fraction := range []float64{0, 0.1, 1. / 3, 0.5, 5. / 6, 1} {
		a, b := s.Split(fraction, tensor.Stream(1, "split"))
		if want := int(fraction*1001 + 0.5); a.Len() != want {
			t.Errorf("%g: first part has %d images, want %d", fraction, a.Len(), want)
		}
		first, rest := ids(t, a, classes...), ids(t, b, classes...)
		if !slices.IsSorted(first) || !slices.IsSorted(rest) {
			t.Errorf("%g: the order of the set is lost", fraction)
		}
		all := slices.Concat(first, rest)
		slices.Sort(all)
		if len(slices.Compact(all)) != 1001 {
			t.Errorf("%g: the parts do not make up the set", fraction)
		}
		var n, total [3]float64
		for _, y := range a.Y {
			n[y]++
		}
		for _, y := range s.Y {
			total[y]++
		}
		for c := range n {
			if d := n[c] - fraction*total[c]; d > 1 || d < -1 {
				t.Errorf("%g: %v images of class %d, whose share is %.1f", fraction, n[c], c, fraction*total[c])
			}
		}
	}
	a, _ := s.Split(0.5, tensor.Stream(1, "split"))
	b, _ := s.Split(0.5, tensor.Stream(2, "split"))
	if slices.Equal(a.X.Data(), b.X.Data()) {
		t.Error("the seed does not matter")
	}
}

func TestBalanced(t *testing.T) {
	s := counted(120, 0, 1, 1, 2, 2, 2)
	b := s.Balanced(7, tensor.Stream(1, "balanced"))
	got := ids(t, b, 0, 1, 1, 2, 2, 2)
	if len(slices.Compact(slices.Sorted(slices.Values(got)))) != 21 {
		t.Errorf("%d images, some twice: %v", len(got), got)
	}
	var n [3]int
	for _, y := range b.Y {
		n[y]++
	}
	if n != [3]int{7, 7, 7} {
		t.Errorf("%v images of the classes", n)
	}
}

func TestOrder(t *testing.T) {
	a := Order(1000, 1, 3)
	if !slices.Equal(a, Order(1000, 1, 3)) {
		t.Error("two calls give two orders")
	}
	if slices.Equal(a, Order(1000, 1, 4)) || slices.Equal(a, Order(1000, 2, 3)) {
		t.Error("epoch or seed do not matter")
	}
	sorted := slices.Sorted(slices.Values(a))
	for i, v := range sorted {
		if i != v {
			t.Fatal("no permutation")
		}
	}
	// Resuming runs depends on this sequence: it must never change.
	if got := Order(8, 1, 0); !slices.Equal(got, []int{2, 4, 3, 1, 7, 0, 6, 5}) {
		t.Errorf("Order(8, 1, 0) is %v", got)
	}
}

func TestGlyphsSets(t *testing.T) {
	train, test := Glyphs(1)
	if train.Len() != 10_000 || test.Len() != 2_000 || len(train.Classes) != 10 {
		t.Errorf("%d and %d images, classes %v", train.Len(), test.Len(), train.Classes)
	}
	if !slices.Equal(train.X.Shape(), []int{10_000, 1, 28, 28}) {
		t.Errorf("shape %v", train.X.Shape())
	}
	if again, _ := Glyphs(1); len(train.Sum) != 64 || again.Sum != train.Sum || train.Sum == test.Sum {
		t.Errorf("sums %s and %s", train.Sum, test.Sum)
	}
}
