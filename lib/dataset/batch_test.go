// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleSemiSupervised() {
	images, _ := Glyphs(1)
	labelled := images.Balanced(10, tensor.Stream(1, "labels")) // ten of each class
	data := &SemiSupervised{Labelled: labelled, Unlabelled: images, Ratio: 1, Size: images.Len()}
	var b Batch
	data.Gather(&b, Order(data.Len(), 1, 0)[:50])
	fmt.Println(len(b.Y), "labels for the first of", b.X.Rows(), "images")
	// Output: 50 labels for the first of 100 images
}

// Every unlabelled image is in an epoch, with the labelled image of its sample.
func TestSemiSupervised(t *testing.T) {
	labelled, unlabelled := counted(3, 0, 1, 2), counted(10, 0)
	d := &SemiSupervised{Labelled: labelled, Unlabelled: unlabelled, Ratio: 2, Size: 5}
	var b Batch
	seen := map[float32]int{}
	for _, idx := range [][]int{{4, 0}, {1, 2, 3}} {
		d.Gather(&b, idx)
		if len(b.Y) != len(idx) || !slices.Equal(b.X.Shape(), []int{3 * len(idx), 1, 1, 2}) {
			t.Fatalf("%d labels for images %v", len(b.Y), b.X.Shape())
		}
		for n, i := range idx {
			if b.X.Row(n)[0] != float32(i%3) || b.Y[n] != i%3 {
				t.Errorf("sample %d is image %v with label %d", i, b.X.Row(n)[0], b.Y[n])
			}
		}
		for n := len(idx); n < b.X.Rows(); n++ {
			seen[b.X.Row(n)[0]]++
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d unlabelled images were seen, want 10", len(seen))
	}
	d.Ratio, d.Unlabelled = 0, nil
	d.Gather(&b, []int{2})
	if b.X.Rows() != 1 || len(b.Y) != 1 {
		t.Errorf("without unlabelled images a sample has %d", b.X.Rows())
	}
	defer func() {
		if got := recover(); got != "dataset: Gather: index 5 of 5 samples" {
			t.Errorf("panicked with %v", got)
		}
	}()
	d.Gather(&b, []int{5})
}

// A fingerprint changes with every element, and with nothing else.
func TestFingerprint(t *testing.T) {
	set := func(change func(s *Set)) *Set {
		s := counted(230, 0, 1)
		s.Target, s.Weight = tensor.New(230, 3), make([]float32, 230)
		change(s)
		return s
	}
	same := func(*Set) {}
	seen := map[string]string{Fingerprint(set(same)): "the set"}
	if again := set(func(s *Set) { s.Sum, s.Name = "another", "other" }); seen[Fingerprint(again)] == "" {
		t.Error("a copy has another fingerprint")
	}
	for name, data := range map[string]interface {
		Len() int
		Gather(b *Batch, idx []int)
	}{
		"an image":    set(func(s *Set) { s.X.Row(229)[1]++ }),
		"a label":     set(func(s *Set) { s.Y[105] = 1 - s.Y[105] }),
		"a target":    set(func(s *Set) { s.Target.Row(3)[2] = 1 }),
		"a weight":    set(func(s *Set) { s.Weight[4] = 1 }),
		"no weights":  set(func(s *Set) { s.Weight = nil }),
		"no labels":   set(func(s *Set) { s.Y = nil }),
		"the order":   set(same).Subset(Order(230, 1, 0)),
		"fewer":       set(same).Slice(0, 229),
		"the shape":   set(func(s *Set) { s.X = s.X.Reshape(230, 2) }),
		"augmented":   &Augmented{Set: set(same), Pad: 1, RNG: tensor.Stream(1, "a")},
		"more padded": &Augmented{Set: set(same), Pad: 2, RNG: tensor.Stream(1, "a")},
		"flipped":     &Augmented{Set: set(same), Pad: 1, Flip: true, RNG: tensor.Stream(1, "a")},
	} {
		print := Fingerprint(data)
		if other := seen[print]; other != "" {
			t.Errorf("%s: the fingerprint of %s", name, other)
		}
		seen[print] = name
	}
	rng := tensor.Stream(1, "a")
	Fingerprint(&Augmented{Set: set(same), Pad: 1, RNG: rng})
	if rng.Uint64() != tensor.Stream(1, "a").Uint64() {
		t.Error("the fingerprint has drawn from the stream")
	}
}
