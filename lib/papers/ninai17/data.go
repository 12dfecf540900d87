// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Data are the images of an experiment.
type Data struct{ Train, Test *dataset.Set }

// DataNames are the names that Load knows, for people.
const DataNames = "mnist, cifar10, svhn or glyphs"

// Load returns the named images: "mnist" or "cifar10", downloaded if need be, "svhn", which has to be there, or "glyphs",
// the embedded stand-in. The empty name is MNIST if its files are found, else Glyphs, and does not download.
func Load(name string) (*Data, error) {
	var d Data
	var err error
	switch name {
	case "":
		d.Train, d.Test, err = dataset.Digits(1)
	case "mnist":
		d.Train, d.Test, err = dataset.MNIST("")
	case "cifar10":
		d.Train, d.Test, err = dataset.CIFAR10("")
	case "svhn":
		d.Train, d.Test, err = dataset.SVHN("")
	case "glyphs":
		d.Train, d.Test = dataset.Glyphs(1)
	default:
		return nil, fmt.Errorf("ninai17: there are no data %q: use %s", name, DataNames)
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Images returns the number of training images in the data that Load knows, by the name that they carry; 0 for others.
func Images(name string) int {
	return map[string]int{"MNIST": 60000, "CIFAR-10": 50000, "SVHN": 73257, "Glyphs": 10000}[name]
}

// Name returns the name of the data set, such as "MNIST".
func (d *Data) Name() string { return d.Train.Name }

// Sum returns what identifies the images of both sets.
func (d *Data) Sum() string { return d.Train.Sum + " " + d.Test.Sum }

// A Mix is training data of which a part is labelled: sample i is a labelled image and Share unlabelled ones. The
// labelled set is replicated as often as there are samples: with a share of 1, to the size of the unlabelled set
// [NINAI17, section 7].
type Mix struct {
	Labelled   *dataset.Set
	Unlabelled *dataset.Set // its labels are not looked at; nil for none
	Share      int          // unlabelled images of a sample; 0 for none
	Size       int          // samples of an epoch

	scratch []int
	idx     []int
	part    tensor.Tensor
}

// NewMix draws the labelled and unlabelled images of a setting from a training set, the former with the same number of
// each class. Labelled images are among the unlabelled ones too, if these are all.
func NewMix(s Setting, set *dataset.Set) (*Mix, error) {
	classes := len(set.Classes)
	if s.Labels%classes != 0 {
		return nil, fmt.Errorf("ninai17: %d labels cannot be shared equally by %d classes", s.Labels, classes)
	}
	for c, name := range set.Classes {
		if n := count(set.Y, c); n < s.Labels/classes {
			return nil, fmt.Errorf("ninai17: class %s has %d images, fewer than the %d that are to be labelled", name, n, s.Labels/classes)
		}
	}
	if s.Unlabelled > set.Len() {
		return nil, fmt.Errorf("ninai17: there are %d images, fewer than the %d to be used without labels", set.Len(), s.Unlabelled)
	}
	m := &Mix{Labelled: set.Balanced(s.Labels/classes, tensor.Stream(s.Seed, "labels")), Share: s.Share, Size: s.samples()}
	if s.Unlabelled > 0 {
		m.Unlabelled = set
		if s.Unlabelled < set.Len() {
			idx := tensor.Stream(s.Seed, "unlabelled").Perm(set.Len())[:s.Unlabelled]
			slices.Sort(idx)
			m.Unlabelled = set.Subset(idx)
		}
	}
	return m, nil
}

func count(y []int, c int) (n int) {
	for _, v := range y {
		if v == c {
			n++
		}
	}
	return n
}

// Len returns the number of samples of an epoch.
func (m *Mix) Len() int { return m.Size }

// Gather copies the labelled images of samples idx to the first rows of x and the unlabelled ones to the others, and the
// labels of the former into y. Of the last sample some unlabelled images may be the first ones again.
func (m *Mix) Gather(x *tensor.Tensor, y, idx []int) {
	m.idx = m.idx[:0]
	for _, i := range idx {
		m.idx = append(m.idx, i%m.Labelled.Len())
	}
	m.Labelled.Gather(&m.part, y, m.idx)
	n, s := len(idx), m.part.Shape()
	x.Resize((1+m.Share)*n, s[1], s[2], s[3])
	copy(x.Data(), m.part.Data())
	if m.Share == 0 {
		return
	}
	m.idx = m.idx[:0]
	for j := range m.Share { // a sample's images lie far apart, and those of a sample after it beside them
		for _, i := range idx {
			m.idx = append(m.idx, (i+j*m.Size)%m.Unlabelled.Len())
		}
	}
	m.scratch = slices.Grow(m.scratch[:0], len(m.idx))[:len(m.idx)]
	m.Unlabelled.Gather(&m.part, m.scratch, m.idx)
	copy(x.Data()[n*x.Width():], m.part.Data())
}
