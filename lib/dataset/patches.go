// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A PatchConfig says which patches are cut out of images. Size and N are required.
type PatchConfig struct {
	Size     int    // height and width, in pixels
	N        int    // how many patches
	Seed     uint64 // of their places
	Border   int    // pixels at each edge of an image that no patch touches, such as 4
	KeepMean bool   // do not take off the mean of each channel of a patch
}

// Patches are square pieces of images at random places, and serve training as a [Set] does. They are copied when they
// are gathered, so that a million of them takes the memory of their places alone.
type Patches struct {
	images *tensor.Tensor // [I, C, H, W]
	config PatchConfig
	places []place // [N]
}

type place struct{ image, row, column int32 }

// NewPatches draws the places of patches in images [I, C, H, W], each image and each place in it equally likely. A
// patch of which a channel is constant, in which there is nothing to see, is drawn again.
//
// The error says that the images are too small for a patch within the border, which pixel is no finite number, or that
// hardly any patch is not constant. It panics if the images have another rank, or Size or N is not positive, or Border
// negative.
func NewPatches(images *tensor.Tensor, c PatchConfig) (*Patches, error) {
	if images.Rank() != 4 || c.Size < 1 || c.N < 1 || c.Border < 0 {
		panic(fmt.Sprintf("dataset: NewPatches: images of shape %v, Size %d, N %d, Border %d", images.Shape(), c.Size, c.N,
			c.Border))
	}
	h, w := images.Dim(2)-2*c.Border-c.Size+1, images.Dim(3)-2*c.Border-c.Size+1
	if images.Rows() == 0 || h < 1 || w < 1 {
		return nil, fmt.Errorf("dataset: NewPatches: patches of %dx%d pixels, %d off the edge, do not fit into images %v",
			c.Size, c.Size, c.Border, images.Shape())
	}
	if err := checkImages(images); err != nil {
		return nil, fmt.Errorf("dataset: NewPatches: %w", err)
	}
	p := &Patches{images: images, config: c, places: make([]place, c.N)}
	rng, draws := tensor.Stream(c.Seed, "dataset/patches"), 0
	for i := range p.places {
		for {
			at := place{int32(rng.IntN(images.Rows())), int32(c.Border + rng.IntN(h)), int32(c.Border + rng.IntN(w))}
			if p.places[i] = at; !p.constant(at) {
				break
			}
			if draws++; draws > 100*(i+100) {
				return nil, fmt.Errorf("dataset: NewPatches: %d of %d patches of %dx%d pixels are constant: make them larger",
					draws, draws+i, c.Size, c.Size)
			}
		}
	}
	return p, nil
}

// constant reports whether a channel of a patch is.
func (p *Patches) constant(at place) bool {
	size := p.config.Size
	for c := range p.images.Dim(1) {
		first, same := p.row(at, c, 0)[0], true
		for y := 0; y < size && same; y++ {
			for _, v := range p.row(at, c, y) {
				same = same && v == first
			}
		}
		if same {
			return true
		}
	}
	return false
}

// row returns a row of a channel of a patch.
func (p *Patches) row(at place, channel, y int) []float32 {
	c, h, w := p.images.Dim(1), p.images.Dim(2), p.images.Dim(3)
	from := ((int(at.image)*c+channel)*h+int(at.row)+y)*w + int(at.column)
	return p.images.Data()[from : from+p.config.Size]
}

// Len returns the number of patches.
func (p *Patches) Len() int { return len(p.places) }

// Gather copies the patches idx into b.X [len(idx), C, Size, Size]. It panics if an index is outside the patches.
func (p *Patches) Gather(b *Batch, idx []int) {
	size, channels := p.config.Size, p.images.Dim(1)
	b.X.Resize(len(idx), channels, size, size)
	for k, i := range idx {
		to := b.X.Row(k)
		for c := range channels {
			part := to[c*size*size : (c+1)*size*size]
			sum := 0.0
			for y := range size {
				row := p.row(p.places[i], c, y)
				copy(part[y*size:], row)
				for _, v := range row {
					sum += float64(v)
				}
			}
			if p.config.KeepMean {
				continue
			}
			mean := sum / float64(size*size)
			for j, v := range part {
				part[j] = float32(float64(v) - mean)
			}
		}
	}
}

// Tensor returns a copy of the patches from up to (not including) to, [to-from, C, Size, Size].
func (p *Patches) Tensor(from, to int) *tensor.Tensor {
	var b Batch
	idx := make([]int, to-from)
	for i := range idx {
		idx[i] = from + i
	}
	p.Gather(&b, idx)
	return &b.X
}
