// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Augmented is data of images, such as a [Set] or a [Stream], with random augmentation in every batch: each image is
// padded with Pad zeros on each side, cropped to its original size at a random offset and, with Flip, mirrored left to
// right with probability 1/2.
//
// It is training data like a Set. Also put RNG into a field of the model: checkpoints then save its state, and a
// resumed run sees the same images as one that never stopped.
type Augmented struct {
	Set  Samples // images [N, C, H, W]
	Pad  int     // zeros on each side
	Flip bool
	RNG  *tensor.RNG

	image []float32 // an image before its augmentation
}

// Samples are data as in train.Data.
type Samples interface {
	Len() int
	Gather(b *Batch, idx []int)
}

// Len returns the number of images.
func (a *Augmented) Len() int { return a.Set.Len() }

// Gather copies a random crop of each of the images idx into b.X [len(idx), C, H, W], and the labels into b.Y. It
// panics as [Set.Gather] does, and if the images are not of rank 4 or Pad is negative.
func (a *Augmented) Gather(b *Batch, idx []int) {
	a.Set.Gather(b, idx)
	if b.X.Len() == 0 { // a stream that failed, see Err
		return
	}
	shape := b.X.Shape()
	if len(shape) != 4 || a.Pad < 0 {
		panic(fmt.Sprintf("dataset: Augmented: images of shape %v with %d zeros around them", shape, a.Pad))
	}
	h, w := shape[2], shape[3]
	for k := range idx {
		dy, dx := a.RNG.IntN(2*a.Pad+1)-a.Pad, a.RNG.IntN(2*a.Pad+1)-a.Pad
		flip := a.Flip && a.RNG.IntN(2) == 1
		if dy == 0 && dx == 0 && !flip {
			continue
		}
		to := b.X.Row(k)
		a.image = append(a.image[:0], to...)
		from := a.image
		for c := range shape[1] {
			window(to[c*h*w:(c+1)*h*w], from[c*h*w:(c+1)*h*w], h, w, dy, dx, flip)
		}
	}
}

// Plan passes a plan on to the images; see [Stream.Plan].
func (a *Augmented) Plan(order []int, size int) {
	if p, ok := a.Set.(interface{ Plan(order []int, size int) }); ok {
		p.Plan(order, size)
	}
}

// Err returns the error of the images; see [Stream.Err].
func (a *Augmented) Err() error {
	if e, ok := a.Set.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Fingerprint identifies the images and their augmentation; see [Fingerprint]. It draws nothing from RNG.
func (a *Augmented) Fingerprint() string {
	return fmt.Sprintf("%s, %d zeros around, flipped: %t", Fingerprint(a.Set), a.Pad, a.Flip)
}

// window sets dst[r, c] to src[r+dy, c+dx], or 0 outside of src, and mirrors dst if flip is set.
func window(dst, src []float32, h, w, dy, dx int, flip bool) {
	clear(dst)
	left, right := max(0, -dx), min(w, w-dx)
	for r := max(0, -dy); r < min(h, h-dy) && left < right; r++ {
		row := dst[r*w : (r+1)*w]
		copy(row[left:right], src[(r+dy)*w+left+dx:(r+dy)*w+right+dx])
		if flip {
			for i, j := 0, w-1; i < j; i, j = i+1, j-1 {
				row[i], row[j] = row[j], row[i]
			}
		}
	}
}
