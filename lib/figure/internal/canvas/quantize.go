// SPDX-License-Identifier: Apache-2.0

package canvas

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
)

// encodePNG writes an opaque raster as PNG. It uses a palette if 256 colours represent the image well, which takes less
// than half of the bytes and the time. A photo keeps all its colours.
func encodePNG(w io.Writer, img *image.RGBA, photo bool) error {
	if !photo {
		if indexed, ok := withPalette(img); ok {
			return png.Encode(w, indexed)
		}
	}
	return png.Encode(w, img)
}

// A tint is a colour and the number of its pixels.
type tint struct {
	rgb    [3]uint8
	pixels int
	slot   int // in the palette
}

const (
	paletteSize = 256
	exactTints  = 24 // the most frequent colours stay exact: background, ink, grid, classes
	tintError   = 75 // largest mean squared distance over the other pixels, summed over red, green and blue
)

// withPalette reduces an image to a palette; ok is false if the reduction would be visible.
func withPalette(img *image.RGBA) (out *image.Paletted, ok bool) {
	tints, index := tintsOf(img)
	if len(tints) > 50000 {
		return nil, false
	}
	order := make([]int, len(tints)) // most frequent first; ties by value, to give the same bytes always
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := tints[i], tints[j]
		return cmp.Or(b.pixels-a.pixels, cmp.Compare(a.key(), b.key()))
	})
	var palette color.Palette
	add := func(c [3]uint8, members ...int) {
		for _, i := range members {
			tints[i].slot = len(palette)
		}
		palette = append(palette, color.RGBA{c[0], c[1], c[2], 255})
	}
	exact := len(order)
	if len(order) > paletteSize {
		exact = exactTints
	}
	for _, i := range order[:exact] {
		add(tints[i].rgb, i)
	}
	if exact < len(order) {
		wrong, pixels := 0.0, 0
		for _, b := range splitBoxes(tints, order[exact:], paletteSize-exact) {
			mean := b.center()
			add(mean, b.members...)
			for _, i := range b.members {
				wrong += float64(tints[i].pixels) * distance(tints[i].rgb, mean)
				pixels += tints[i].pixels
			}
		}
		if wrong > tintError*float64(pixels) {
			return nil, false
		}
	}
	out = image.NewPaletted(img.Bounds(), palette)
	for i := range out.Pix {
		out.Pix[i] = uint8(tints[index[i]].slot)
	}
	return out, true
}

func (t tint) key() uint32 { return uint32(t.rgb[0])<<16 | uint32(t.rgb[1])<<8 | uint32(t.rgb[2]) }

func distance(a, b [3]uint8) float64 {
	d := 0.0
	for k := range a {
		x := float64(a[k]) - float64(b[k])
		d += x * x
	}
	return d
}

// tintsOf lists the colours of an image, and the index of each pixel's colour.
func tintsOf(img *image.RGBA) (tints []tint, index []uint32) {
	seen := map[uint32]uint32{}
	index = make([]uint32, len(img.Pix)/4)
	last, at := ^uint32(0), uint32(0)
	for i := range index {
		p := img.Pix[4*i : 4*i+3 : 4*i+3]
		key := uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2])
		if key != last {
			n, ok := seen[key]
			if !ok {
				n = uint32(len(tints))
				seen[key] = n
				tints = append(tints, tint{rgb: [3]uint8{p[0], p[1], p[2]}})
			}
			last, at = key, n
		}
		tints[at].pixels++
		index[i] = at
	}
	return tints, index
}

// A tintBox is a set of colours that will share one palette entry.
type tintBox struct {
	tints   []tint
	members []int
	mean    [3]float64
	spread  [3]float64 // weighted sum of squares around the mean
}

// weigh computes mean and spread. A colour has the square root of its pixel count as weight, which keeps the edges of
// letters smooth.
func (b *tintBox) weigh() {
	var sum, squares [3]float64
	total := 0.0
	for _, i := range b.members {
		w := math.Sqrt(float64(b.tints[i].pixels))
		total += w
		for k, v := range b.tints[i].rgb {
			sum[k] += w * float64(v)
			squares[k] += w * float64(v) * float64(v)
		}
	}
	for k := range sum {
		b.mean[k] = sum[k] / total
		b.spread[k] = max(squares[k]-sum[k]*b.mean[k], 0)
	}
}

func (b *tintBox) center() (c [3]uint8) {
	for k, m := range b.mean {
		c[k] = uint8(math.Round(m))
	}
	return c
}

func (b *tintBox) error() float64 { return b.spread[0] + b.spread[1] + b.spread[2] }

// splitBoxes divides colours into boxes: it repeatedly splits the one with the largest spread at its mean.
func splitBoxes(tints []tint, members []int, most int) []*tintBox {
	first := &tintBox{tints: tints, members: slices.Clone(members)}
	first.weigh()
	boxes := []*tintBox{first}
	for len(boxes) < most {
		worst := 0
		for i, b := range boxes {
			if b.error() > boxes[worst].error() {
				worst = i
			}
		}
		b := boxes[worst]
		axis := 0
		for k := range b.spread {
			if b.spread[k] > b.spread[axis] {
				axis = k
			}
		}
		var low, high []int
		for _, i := range b.members {
			if float64(tints[i].rgb[axis]) <= b.mean[axis] {
				low = append(low, i)
			} else {
				high = append(high, i)
			}
		}
		if len(low) == 0 || len(high) == 0 {
			break // every box holds one colour
		}
		b.members = low
		b.weigh()
		next := &tintBox{tints: tints, members: high}
		next.weigh()
		boxes = append(boxes, next)
	}
	return boxes
}
