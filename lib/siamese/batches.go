// SPDX-License-Identifier: Apache-2.0

package siamese

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Batches draws the images of each batch from a few classes, so that many of its pairs are of the same class. It is
// data for package train: an epoch draws as many images as the set has, in whole batches.
//
// For a batch, Classes classes are drawn at random, and then as many images as the batch has from all images of these
// classes, both without repetition [NINAI17, appendix]. The draw depends on the seed and on the indices that the
// training asks for, which differ in every epoch. It is repeated while the batch has no pair of the same class or none
// of different classes. A batch of two images is a single pair, of the same class with probability 1/2.
type Batches struct {
	set     *dataset.Set
	members [][]int // images of each class
	classes int
	size    int
	seed    uint64
	idx     []int
}

// NewBatches returns batches of size images from the given number of classes. It returns an error if a class of the set
// has only one image or none, naming it; if the set has too few classes or images; or if no batch could have pairs of
// both kinds: with fewer than 2 classes, or fewer than 2 images.
func NewBatches(set *dataset.Set, classes, size int, seed uint64) (*Batches, error) {
	b := &Batches{set: set, members: make([][]int, len(set.Classes)), classes: classes, size: size, seed: seed}
	for i, y := range set.Y {
		if y < 0 || y >= len(b.members) {
			return nil, fmt.Errorf("siamese: image %d has the label %d of %d classes", i, y, len(b.members))
		}
		b.members[y] = append(b.members[y], i)
	}
	least := set.Len()
	for c, m := range b.members {
		if len(m) < 2 {
			return nil, fmt.Errorf("siamese: class %d (%s) has %d images: a pair needs 2; drop the class or add images",
				c, set.Classes[c], len(m))
		}
		least = min(least, len(m))
	}
	switch {
	case classes < 2 || size < 2:
		return nil, fmt.Errorf("siamese: batches of %d images from %d classes have no pairs of both kinds: "+
			"want at least 2 of each", size, classes)
	case classes > len(b.members):
		return nil, fmt.Errorf("siamese: batches of %d classes from a set with %d", classes, len(b.members))
	case size > classes*least:
		return nil, fmt.Errorf("siamese: batches of %d images from %d classes, of which the smallest has %d images: "+
			"take more classes or fewer images", size, classes, least)
	}
	return b, nil
}

// Len returns the number of images of an epoch.
func (b *Batches) Len() int { return b.set.Len() / b.size * b.size }

// BatchSize returns the number of images of a batch, for the configuration of the training.
func (b *Batches) BatchSize() int { return b.size }

// Gather draws a batch of len(idx) images. It panics unless there are at least 2.
func (b *Batches) Gather(to *dataset.Batch, idx []int) {
	if len(idx) < 2 {
		panic(fmt.Sprintf("siamese: Gather: a batch of %d images: want at least 2", len(idx)))
	}
	h := fnv.New64a()
	var number [8]byte
	for _, i := range idx {
		binary.LittleEndian.PutUint64(number[:], uint64(i))
		h.Write(number[:])
	}
	rng := tensor.Stream(b.seed, fmt.Sprintf("siamese/batch/%x", h.Sum64()))
	if len(idx) == 2 {
		b.drawPair(rng)
		b.set.Gather(to, b.idx)
		return
	}
	for {
		b.draw(rng, len(idx))
		b.set.Gather(to, b.idx)
		if both(to.Y) {
			return
		}
	}
}

// draw draws n images of some classes.
func (b *Batches) draw(rng *tensor.RNG, n int) {
	b.idx = b.idx[:0]
	for _, c := range rng.Perm(len(b.members))[:b.classes] {
		b.idx = append(b.idx, b.members[c]...)
	}
	n = min(n, len(b.idx))
	for i := range n { // the first n of a random order
		j := i + rng.IntN(len(b.idx)-i)
		b.idx[i], b.idx[j] = b.idx[j], b.idx[i]
	}
	b.idx = b.idx[:n]
}

// drawPair draws two images, of the same class with probability 1/2.
func (b *Batches) drawPair(rng *tensor.RNG) {
	first := rng.IntN(len(b.members))
	second := first
	if rng.IntN(2) == 0 {
		second = (first + 1 + rng.IntN(len(b.members)-1)) % len(b.members)
	}
	i := b.members[first][rng.IntN(len(b.members[first]))]
	j := i
	for j == i {
		j = b.members[second][rng.IntN(len(b.members[second]))]
	}
	b.idx = append(b.idx[:0], i, j)
}

// both reports whether some labels are equal and some differ.
func both(labels []int) bool {
	equal, differ := false, false
	for i, a := range labels {
		for _, c := range labels[i+1:] {
			equal, differ = equal || a == c, differ || a != c
		}
	}
	return equal && differ
}
