// SPDX-License-Identifier: Apache-2.0

package similarity

import (
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/dataset/objects"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// side is the side of the images, in pixels.
const side = 64

// sizes of the benchmark by name.
var sizes = map[string]struct {
	train, valid, test        int // solids of each kind
	views, validViews, sticks int // images of each solid; number of stick figures
	stickViews                int
}{
	"objects-small": {train: 5, valid: 2, test: 2, views: 12, validViews: 5, sticks: 60, stickViews: 6},
	"objects":       {train: 15, valid: 2, test: 5, views: 12, validViews: 10, sticks: 200, stickViews: 10},
	"objects-large": {train: 15, valid: 2, test: 5, views: 40, validViews: 10, sticks: 200, stickViews: 10},
	"objects-paper": {train: 15, valid: 2, test: 7, views: 100, validViews: 20, sticks: 2000, stickViews: 10},
}

// Load renders the benchmark: "objects-small" (4200 images), "objects" (14,000), "objects-large" (34,160: the same with
// more views of each training solid) or "objects-paper" (100,640). The name "" means "objects". [Omniglot] is read from
// files.
//
// Training, validation and test images are of different solids of the same kinds. Test images have other textures than
// training images, too, and the test set ends with stick figures, which are like no solid. The name of a class is its
// superclass and a number.
func Load(name string) (*experiment.Data, error) {
	if name == "" {
		name = "objects"
	}
	if name == Omniglot {
		return loadOmniglot()
	}
	size, ok := sizes[name]
	if !ok {
		return nil, fmt.Errorf("similarity: there are no images %q: use objects-small, objects, objects-large, "+
			"objects-paper or %s", name, Omniglot)
	}
	views := func(stream string, textures []int) objects.Views {
		return objects.Views{Side: side, Seed: 1, Stream: stream, Textures: textures}
	}
	set := func(stream string, textures []int, n, seen int) *dataset.Set {
		return NewSet(name, objects.Solids(n, 1, stream), seen, views(stream, textures))
	}
	test := objects.Solids(size.test, 1, "test")
	solids := NewSet(name, test, size.validViews, views("test", objects.TestTextures))
	v := views("sticks", objects.TestTextures)
	v.Tumble = true
	sticks := NewSet(name, objects.Sticks(size.sticks, 1, "test"), size.stickViews, v)
	return &experiment.Data{
		Train: set("train", objects.TrainTextures, size.train, size.views),
		Valid: set("valid", objects.TrainTextures, size.valid, size.validViews),
		Test:  join(solids, sticks),
	}, nil
}

// NewSet renders n images of each solid and returns them with the solids as classes.
func NewSet(name string, c *objects.Collection, n int, v objects.Views) *dataset.Set {
	s := &dataset.Set{Name: name, X: c.Render(n, v)}
	number := map[int]int{}
	for k, super := range c.Super {
		number[super]++
		s.Classes = append(s.Classes, fmt.Sprintf("%s %d", c.Names[super], number[super]))
		for range n {
			s.Y = append(s.Y, k)
		}
	}
	s.Source = fmt.Sprintf("rendered from seed %d: %d solids, %d images of each", v.Seed, len(c.Meshes), n)
	s.Sum = dataset.Fingerprint(s)
	return s
}

// join returns the images of two sets, the classes of b after those of a.
func join(a, b *dataset.Set) *dataset.Set {
	s := *a
	shape := a.X.Shape()
	s.X = tensor.New(a.Len()+b.Len(), shape[1], shape[2], shape[3])
	copy(s.X.Data(), a.X.Data())
	copy(s.X.Data()[a.X.Len():], b.X.Data())
	s.Y = append([]int{}, a.Y...)
	for _, y := range b.Y {
		s.Y = append(s.Y, y+len(a.Classes))
	}
	s.Classes = append(append([]string{}, a.Classes...), b.Classes...)
	s.Source = a.Source + "; " + b.Source
	s.Sum = dataset.Fingerprint(&s)
	return &s
}

// stickFigure is the name of the superclass of stick figures.
const stickFigure = "stick figure"

// Solids returns the images of a set that are not of stick figures, with their classes.
func Solids(s *dataset.Set) *dataset.Set { return part(s, false) }

// Sticks returns the images of stick figures.
func Sticks(s *dataset.Set) *dataset.Set { return part(s, true) }

func part(s *dataset.Set, sticks bool) *dataset.Set {
	first := len(s.Classes) // class of the first stick figure; they are the last
	for first > 0 && strings.HasPrefix(s.Classes[first-1], stickFigure) {
		first--
	}
	from := s.Len()
	for from > 0 && s.Y[from-1] >= first {
		from--
	}
	if !sticks {
		p := s.Slice(0, from)
		p.Classes = s.Classes[:first]
		return p
	}
	p := s.Slice(from, s.Len())
	p.Classes = s.Classes[first:]
	p.Y = append([]int{}, p.Y...)
	for i := range p.Y {
		p.Y[i] -= first
	}
	return p
}

// Super returns the superclass of each class, numbered in the order of their first class, and the names of the
// superclasses: the name of a class is that of its superclass and a number. Stick figures are superclasses of their
// own.
func Super(classes []string) (super []int, names []string) {
	index := map[string]int{}
	for _, c := range classes {
		name := c
		if i := strings.LastIndexByte(c, ' '); i >= 0 && !strings.HasPrefix(c, stickFigure) {
			name = c[:i]
		}
		k, known := index[name]
		if !known {
			k = len(names)
			index[name], names = k, append(names, name)
		}
		super = append(super, k)
	}
	return super, names
}
