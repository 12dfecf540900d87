// SPDX-License-Identifier: Apache-2.0

package siamese

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Condition says which images a trial takes as its target and its distractors.
type Condition string

// The conditions of the document's benchmark [NINAI17, section 4], from easy to difficult. The target is the image that
// should be chosen.
const (
	// DifferentSuperclass: the target is of the reference's class, the distractors are of other superclasses.
	DifferentSuperclass Condition = "different superclass"
	// DifferentClass: the target is of the reference's class, the distractors are of any other class.
	DifferentClass Condition = "different class"
	// SameSuperclass: the target is of the reference's superclass but of another class, the distractors are of other
	// superclasses.
	SameSuperclass Condition = "same superclass"
)

// Conditions returns all conditions.
func Conditions() []Condition {
	return []Condition{DifferentClass, DifferentSuperclass, SameSuperclass}
}

// A Trial asks which of several images is most like a reference: the first of the choices is right. All are indices of
// images.
type Trial struct {
	Reference int
	Choices   []int // the target, then the distractors
}

// Trials draws n trials with the given number of choices. class holds the class of each image, super the superclass of
// each class. The reference's class is drawn first, then the images; the distractors of a trial have different classes,
// in the conditions about superclasses different superclasses. It returns an error if no class fits the condition: if
// it needs two images of a class, or two classes of a superclass, or more classes or superclasses than there are.
func Trials(c Condition, class, super []int, n, choices int, rng *tensor.RNG) ([]Trial, error) {
	if choices < 2 || n < 0 {
		return nil, fmt.Errorf("siamese: %d trials with %d choices: want at least 2 choices", n, choices)
	}
	d := drawer{rng: rng, super: super, images: make([][]int, len(super))}
	for i, k := range class {
		if k < 0 || k >= len(super) {
			return nil, fmt.Errorf("siamese: image %d is of class %d of %d", i, k, len(super))
		}
		d.images[k] = append(d.images[k], i)
	}
	var groups int
	switch c {
	case DifferentClass:
		groups = d.prepare(func(k int) int { return k })
	case DifferentSuperclass, SameSuperclass:
		groups = d.prepare(func(k int) int { return super[k] })
	default:
		return nil, fmt.Errorf("siamese: no condition %q: use one of %q", c, Conditions())
	}
	if groups < choices {
		return nil, fmt.Errorf("siamese: trials of %q with %d choices need as many classes or superclasses with images, "+
			"but there are %d", c, choices, groups)
	}
	var references []int // classes that can be asked about
	for k, images := range d.images {
		if c == SameSuperclass && len(images) > 0 && d.relatives(k) > 0 || c != SameSuperclass && len(images) > 1 {
			references = append(references, k)
		}
	}
	if len(references) == 0 {
		what := "no class has two images"
		if c == SameSuperclass {
			what = "no superclass has two classes with images"
		}
		return nil, fmt.Errorf("siamese: trials of %q cannot be drawn: %s", c, what)
	}
	trials := make([]Trial, n)
	for i := range trials {
		trials[i] = d.draw(c, references[rng.IntN(len(references))], choices)
	}
	return trials, nil
}

// A drawer draws trials.
type drawer struct {
	rng    *tensor.RNG
	super  []int
	images [][]int // of each class
	groups [][]int // classes that no two distractors share
	group  []int   // of each class
}

// prepare sets the groups of classes that have images and returns their number.
func (d *drawer) prepare(group func(class int) int) int {
	index := map[int]int{}
	d.group = make([]int, len(d.images))
	for k, images := range d.images {
		if len(images) == 0 {
			continue
		}
		g, known := index[group(k)]
		if !known {
			g = len(d.groups)
			index[group(k)], d.groups = g, append(d.groups, nil)
		}
		d.group[k], d.groups[g] = g, append(d.groups[g], k)
	}
	return len(d.groups)
}

// relatives returns the number of other classes in the group of a class.
func (d *drawer) relatives(class int) int { return len(d.groups[d.group[class]]) - 1 }

func (d *drawer) draw(c Condition, class, choices int) Trial {
	one := func(list []int) int { return list[d.rng.IntN(len(list))] }
	t := Trial{Reference: one(d.images[class])}
	target := t.Reference
	if c == SameSuperclass {
		other := class
		for other == class {
			other = one(d.groups[d.group[class]])
		}
		target = one(d.images[other])
	}
	for target == t.Reference {
		target = one(d.images[class])
	}
	t.Choices = append(t.Choices, target)
	used := map[int]bool{d.group[class]: true}
	for len(t.Choices) < choices {
		g := d.rng.IntN(len(d.groups))
		if !used[g] {
			used[g] = true
			t.Choices = append(t.Choices, one(d.images[one(d.groups[g])]))
		}
	}
	return t
}

// Accuracy returns the share of trials whose target has the largest similarity to the reference. If several choices
// have it, the target counts as chosen with one chance in as many. A similarity of NaN is below all others. It is NaN
// without trials.
func Accuracy(trials []Trial, similarity func(reference, choice int) float64) float64 {
	sum := 0.0
	for _, t := range trials {
		target, ties := similarity(t.Reference, t.Choices[0]), 1
		if target != target {
			continue
		}
		for _, c := range t.Choices[1:] {
			if s := similarity(t.Reference, c); s > target {
				ties = 0
				break
			} else if s == target {
				ties++
			}
		}
		if ties > 0 {
			sum += 1 / float64(ties)
		}
	}
	return sum / float64(len(trials))
}

// Cosine returns the similarity of the rows of features x [N, ...] by the cosine of their angle, from -1 to 1. It is 0
// for a row of zeros.
func Cosine(x *tensor.Tensor) func(i, j int) float64 {
	u := tensor.New(x.Rows(), x.Width())
	for n := range x.Rows() {
		unit(u.Row(n), x.Row(n))
	}
	return func(i, j int) float64 {
		a, b, sum := u.Row(i), u.Row(j), 0.0
		for k, v := range a {
			sum += float64(v) * float64(b[k])
		}
		return sum
	}
}

// Euclidean returns the similarity of the rows of features x [N, ...] by their squared distance, negative: 0 for equal
// rows.
func Euclidean(x *tensor.Tensor) func(i, j int) float64 {
	return func(i, j int) float64 { return -float64(squaredDistance(x.Row(i), x.Row(j))) }
}
