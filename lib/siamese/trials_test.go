// SPDX-License-Identifier: Apache-2.0

package siamese

import (
	"math"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// kinds returns images of nine classes in three superclasses, four of each.
func kinds() (class, super []int) {
	for k := range 9 {
		super = append(super, k/3)
		for range 4 {
			class = append(class, k)
		}
	}
	return class, super
}

// Each condition has the targets and distractors that its name says, all classes are asked about, and images differ.
func TestTrials(t *testing.T) {
	class, super := kinds()
	for _, c := range Conditions() {
		trials, err := Trials(c, class, super, 500, 3, tensor.Stream(1, "trials"))
		if err != nil {
			t.Fatal(err)
		}
		asked := map[int]bool{}
		for _, tr := range trials {
			reference := class[tr.Reference]
			asked[reference] = true
			target := class[tr.Choices[0]]
			if tr.Choices[0] == tr.Reference || len(tr.Choices) != 3 {
				t.Fatalf("%s: %+v", c, tr)
			}
			if c == SameSuperclass != (target != reference) || super[target] != super[reference] {
				t.Fatalf("%s: reference of class %d, target of class %d", c, reference, target)
			}
			used := map[int]bool{}
			for _, i := range tr.Choices[1:] {
				if class[i] == reference || c != DifferentClass && super[class[i]] == super[reference] || used[class[i]] {
					t.Fatalf("%s: reference of class %d, distractor of class %d", c, reference, class[i])
				}
				used[class[i]] = true
			}
		}
		if len(asked) != 9 {
			t.Errorf("%s: %d of 9 classes are asked about", c, len(asked))
		}
	}
}

func TestTrialErrors(t *testing.T) {
	rng := tensor.Stream(1, "x")
	for want, c := range map[string]struct {
		condition    Condition
		class, super []int
		choices      int
	}{
		"need as many classes or superclasses":   {DifferentClass, []int{0, 0, 1}, []int{0, 1}, 3},
		"but there are 1":                        {DifferentSuperclass, []int{0, 0, 1}, []int{0, 0}, 2},
		"no class has two images":                {DifferentClass, []int{0, 1}, []int{0, 1}, 2},
		"no superclass has two classes":          {SameSuperclass, []int{0, 0, 1, 1}, []int{0, 1}, 2},
		"want at least 2 choices":                {DifferentClass, []int{0, 0, 1}, []int{0, 1}, 1},
		"image 2 is of class 5 of 2":             {DifferentClass, []int{0, 0, 5}, []int{0, 1}, 2},
		`no condition "no class": use one of ["`: {"no class", []int{0, 0, 1}, []int{0, 1}, 2},
	} {
		_, err := Trials(c.condition, c.class, c.super, 5, c.choices, rng)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Features that hold the class answer every question about classes; those that hold the superclass, every question
// about superclasses; random ones, by chance.
func TestPlantedEmbeddings(t *testing.T) {
	class, super := kinds()
	planted := func(spread float32, of func(i int) int) *tensor.Tensor {
		x := tensor.New(len(class), 9)
		tensor.Stream(2, "noise").Normal(x.Data(), 0, spread)
		for i := range class {
			if k := of(i); k >= 0 {
				x.Row(i)[k] += 1
			}
		}
		return x
	}
	classes := planted(0.05, func(i int) int { return class[i] })
	supers := planted(0.05, func(i int) int { return super[class[i]] })
	noise := planted(1, func(int) int { return -1 })
	for _, c := range []struct {
		name      string
		condition Condition
		x         *tensor.Tensor
		lo, hi    float64
	}{
		{"classes", DifferentClass, classes, 0.99, 1}, {"classes", DifferentSuperclass, classes, 0.99, 1},
		{"classes", SameSuperclass, classes, 0.2, 0.47}, {"superclasses", SameSuperclass, supers, 0.99, 1},
		{"superclasses", DifferentSuperclass, supers, 0.99, 1}, {"superclasses", DifferentClass, supers, 0.5, 0.95},
		{"noise", DifferentClass, noise, 0.2, 0.47}, {"noise", SameSuperclass, noise, 0.2, 0.47},
	} {
		trials, err := Trials(c.condition, class, super, 2000, 3, tensor.Stream(1, "trials"))
		if err != nil {
			t.Fatal(err)
		}
		for name, alike := range map[string]func(i, j int) float64{"cosine": Cosine(c.x), "Euclidean": Euclidean(c.x)} {
			if a := Accuracy(trials, alike); !(a >= c.lo && a <= c.hi) {
				t.Errorf("%s, %s, %s: %g, want %g to %g", c.name, c.condition, name, a, c.lo, c.hi)
			}
		}
	}
}

// Ties count as a choice by chance; NaN never wins.
func TestAccuracyOfTies(t *testing.T) {
	trials := []Trial{{0, []int{1, 2, 3}}, {0, []int{2, 1, 3}}, {0, []int{3, 1, 2}}}
	similarity := []float64{0, 5, 5, 1}
	alike := func(_, j int) float64 { return similarity[j] }
	if a := Accuracy(trials, alike); a != (0.5+0.5+0)/3 {
		t.Errorf("accuracy %g", a)
	}
	zero := Cosine(tensor.New(4, 3)) // rows of zeros are alike to none
	if a := Accuracy(trials[:1], zero); math.Abs(a-1./3) > 1e-12 {
		t.Errorf("accuracy %g of zeros", a)
	}
	similarity[1] = math.NaN()
	if a := Accuracy(trials, alike); a != (0+1+0)/3. {
		t.Errorf("accuracy %g with NaN", a)
	}
	if a := Accuracy(nil, alike); !math.IsNaN(a) {
		t.Errorf("accuracy %g of no trials", a)
	}
}
