// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// CIFAR10 loads the 50,000 training and 10,000 test photographs in ten classes, [N, 3, 32, 32] with the channels red,
// green and blue, pixels in [0, 1].
//
// It reads the canonical binary files (data_batch_1.bin to data_batch_5.bin and test_batch.bin, plain or .gz) or their
// archive (cifar-10-binary.tar.gz) from dir, its sub-folder cifar10, or the archive's folder cifar-10-batches-bin in
// either. If dir is empty, it searches $LATERAL_DATA and then the cache (see CacheDir). If neither has the files, it
// downloads them into the cache, with progress on standard error.
//
// A set in the same format is accepted from dir and from $LATERAL_DATA if none of its files is the original, by
// SHA-256; an example is a set rebuilt from recompressed images. Its Name and Source say that it is a copy. The cache
// holds originals only. If only some of the files are original, the others are damaged, and CIFAR10 returns an error.
func CIFAR10(dir string) (train, test *Set, err error) { return cifar10.load(dir) }

// CIFAR100 loads the 50,000 training and 10,000 test photographs in a hundred classes, as CIFAR10 does. The files are
// train.bin and test.bin, their archive cifar-100-binary.tar.gz, its folder cifar-100-binary, and the sub-folder
// cifar100. Y holds the fine labels; Superclasses turns them into the twenty coarse ones.
func CIFAR100(dir string) (train, test *Set, err error) { return cifar100.load(dir) }

// Superclasses returns a set of CIFAR-100, or a part of one, labelled with the 20 superclasses, of five classes each.
// It shares the images. It panics if the classes are not those of CIFAR-100.
func Superclasses(s *Set) *Set {
	if !slices.Equal(s.Classes, cifar100Classes) {
		panic(fmt.Sprintf("dataset: Superclasses: %s has %d classes, not the 100 of CIFAR-100", s.Name, len(s.Classes)))
	}
	c := *s
	c.Classes, c.Y = cifar100Superclasses(), make([]int, len(s.Y))
	for i, y := range s.Y {
		c.Y[i] = superclassOf[y]
	}
	return &c
}

// A cifar describes one of the two sets and its format. A record is the labels, one byte each, followed by an image:
// 1024 bytes each of red, green and blue, row by row.
type cifar struct {
	id      string   // in the manifest
	classes []string // names for the last label
	coarse  []int    // for each class, the label before it; nil without such a label
}

var (
	cifar10  = cifar{id: "cifar10", classes: cifar10Classes}
	cifar100 = cifar{id: "cifar100", classes: cifar100Classes, coarse: superclassOf}
)

const (
	cifarSide   = 32
	cifarPixels = 3 * cifarSide * cifarSide
)

func (c cifar) labels() int {
	if c.coarse != nil {
		return 2
	}
	return 1
}

func (c cifar) load(dir string) (train, test *Set, err error) {
	set := manifest(c.id)
	place, err := locate(set, dir)
	if err != nil {
		return nil, nil, err
	}
	return c.read(set, place)
}

// read loads the training set from all files except the last, and the test set from the last.
func (c cifar) read(set data.Set, place Place) (train, test *Set, err error) {
	if err := place.complete(set); err != nil {
		return nil, nil, err
	}
	files, copied, err := c.files(set, place)
	if err != nil {
		return nil, nil, place.damaged(set, err)
	}
	last := len(files) - 1
	train, test = c.set(files[:last]), c.set(files[last:])
	name, note := set.Name, ""
	if copied {
		name, note = name+" (copy)", ", whose bytes are not the original's"
	}
	for _, s := range []*Set{train, test} {
		s.Name = name
		s.Source = fmt.Sprintf("%s from %s (%s + %s images%s)", name, place.Label, group(int64(train.Len())),
			group(int64(test.Len())), note)
	}
	return train, test, nil
}

// files returns the content of the files, and whether they are a copy. Errors name the file.
func (c cifar) files(set data.Set, place Place) (content [][]byte, copied bool, err error) {
	content, changed := make([][]byte, len(set.Files)), make([]error, len(set.Files))
	err = place.each(set, func(i int, r io.Reader) error {
		b := bytes.NewBuffer(make([]byte, 0, set.Files[i].Size))
		err := copyChecked(b, r, set.Files[i])
		if err != nil {
			err = fmt.Errorf("%s %w", place.Paths[i], err)
		}
		if other := new(sumError); errors.As(err, &other) {
			changed[i] = c.mistaken(set, place.Paths[i], i, other, err)
			err = c.check(place.Paths[i], b.Bytes())
		}
		content[i] = b.Bytes()
		return err
	})
	if err != nil {
		return nil, false, err
	}
	original := slices.Index(changed, nil) >= 0
	for i, err := range changed {
		if err != nil && (original || place.Cache || !errors.As(err, new(*sumError))) {
			return nil, false, err
		}
		if at := slices.IndexFunc(content[:i], func(b []byte) bool { return bytes.Equal(b, content[i]) }); at >= 0 {
			return nil, false, fmt.Errorf("%s and %s have the same content", place.Paths[at], place.Paths[i])
		}
	}
	return content, !original, nil
}

// mistaken returns the error for a file with another check sum: if it is another file of the set under a wrong name the
// error says so, otherwise it is err.
func (c cifar) mistaken(set data.Set, path string, i int, other *sumError, err error) error {
	for _, f := range set.Files {
		if f.SHA256 == other.sum {
			return fmt.Errorf("%s holds %s where %s belongs: the files are swapped", path, f.Name, set.Files[i].Name)
		}
	}
	return err
}

// check returns an error if records have labels that the set does not have.
func (c cifar) check(path string, content []byte) error {
	n, record := c.labels(), c.labels()+cifarPixels
	if len(content)%record != 0 {
		return fmt.Errorf("%s is not a file of records of %d bytes: it has %s bytes", path, record,
			group(int64(len(content))))
	}
	for at := 0; at < len(content); at += record {
		y := int(content[at+n-1])
		if y >= len(c.classes) {
			return fmt.Errorf("%s is not in the format: record %s has label %d, the last is %d", path, group(int64(at/record)),
				y, len(c.classes)-1)
		}
		if n == 2 && int(content[at]) != c.coarse[y] {
			return fmt.Errorf("%s is not in the format: record %s is of class %s and superclass %d, which belongs to "+
				"superclass %d", path, group(int64(at/record)), c.classes[y], content[at], c.coarse[y])
		}
	}
	return nil
}

// set returns the images and labels of checked files.
func (c cifar) set(files [][]byte) *Set {
	n, record, images, h := c.labels(), c.labels()+cifarPixels, 0, sha256.New()
	for _, b := range files {
		h.Write(b)
		images += len(b) / record
	}
	s := &Set{X: tensor.New(images, 3, cifarSide, cifarSide), Classes: slices.Clone(c.classes), Sum: hexSum(h)}
	x := s.X.Data()
	var workers sync.WaitGroup
	for _, b := range files {
		part := x[:len(b)/record*cifarPixels]
		x = x[len(part):]
		workers.Go(func() {
			for at := 0; at < len(b); at += record {
				for i, v := range b[at+n : at+record] {
					part[i] = unit[v]
				}
				part = part[cifarPixels:]
			}
		})
		for at := 0; at < len(b); at += record {
			s.Y = append(s.Y, int(b[at+n-1]))
		}
	}
	workers.Wait()
	return s
}
