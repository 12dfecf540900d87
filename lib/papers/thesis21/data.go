// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"crypto/sha256"
	"fmt"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Data is what networks learn from, are watched on while they learn, and are measured on in the end.
type Data struct{ Train, Valid, Test *dataset.Set }

// DataNames are the names that Load knows, for people.
const DataNames = "mnist, cifar10 or glyphs"

// Load returns the named data, split once and for all: "mnist" into 50,000, 10,000 and 10,000 images as in
// [Thesis21, section 2.2.4], "cifar10" into 40,000, 10,000 and 10,000 (the thesis does not say), "glyphs", the embedded
// stand-in, into 8,333, 1,667 and 2,000. The empty name is MNIST if its files are found, else Glyphs, and does not
// download; "mnist" and "cifar10" do.
func Load(name string) (*Data, error) {
	var all, test *dataset.Set
	var err error
	share := 5.0 / 6
	switch name {
	case "":
		all, test, err = dataset.Digits(1)
	case "mnist":
		all, test, err = dataset.MNIST("")
	case "cifar10":
		all, test, err = dataset.CIFAR10("")
		share = 4.0 / 5
	case "glyphs":
		all, test = dataset.Glyphs(1)
	default:
		return nil, fmt.Errorf("thesis21: there are no data %q: use %s", name, DataNames)
	}
	if err != nil {
		return nil, err
	}
	train, valid := all.Split(share, tensor.Stream(1, "split"))
	return &Data{train, valid, test}, nil
}

// Part returns the first n images to learn from, and the same share of the validation and of the test images: a quicker
// experiment on the same problem. It panics unless 1 <= n <= d.Train.Len().
func (d *Data) Part(n int) *Data {
	all := d.Train.Len()
	if n < 1 || n > all {
		panic(fmt.Sprintf("thesis21: Part: %d of %d images", n, all))
	}
	if n == all {
		return d
	}
	share := func(s *dataset.Set) *dataset.Set { return s.Slice(0, (n*s.Len()+all-1)/all) }
	return &Data{share(d.Train), share(d.Valid), share(d.Test)}
}

// Name returns the name of the data set, such as "MNIST".
func (d *Data) Name() string { return d.Train.Name }

// Sum identifies the data and their split: 16 hexadecimal digits.
func (d *Data) Sum() string {
	sum := sha256.Sum256([]byte(d.Train.Sum + " " + d.Valid.Sum + " " + d.Test.Sum))
	return fmt.Sprintf("%x", sum[:8])
}

// sampleSize is the number of test images behind the measures that the thesis takes of fewer images.
const sampleSize = 1000

// sample returns test images, the same number of each class [Thesis21, figs. 3.3, 3.4, 3.7]: 1000 or, of smaller
// sets, all that make classes equal.
func (d *Data) sample() *dataset.Set {
	counts := make([]int, len(d.Test.Classes))
	for _, y := range d.Test.Y {
		counts[y]++
	}
	each := sampleSize / len(counts)
	for _, n := range counts {
		each = min(each, n)
	}
	return d.Test.Balanced(each, tensor.Stream(1, "activity/sample"))
}
