// SPDX-License-Identifier: Apache-2.0

package drmm

import (
	"fmt"
	"strings"

	"github.com/lateral-ml/lateral/lib/autograd"
)

// A Padding is the padding of a convolution of k x k filters with an n x n image.
type Padding int

const (
	Valid Padding = iota // no padding: n-k+1 positions
	Same                 // as many positions as the image has, n; k must be odd
	Full                 // every position that touches the image: n+k-1
)

var paddings = []string{"valid", "same", "full"}

func (p Padding) String() string { return paddings[p] }

// ConvShape returns the convolution's shape for k x k filters.
func (p Padding) ConvShape(k int) autograd.ConvShape {
	switch p {
	case Same:
		return autograd.SamePadding(k, k)
	case Full:
		return autograd.FullPadding(k, k)
	}
	return autograd.ConvShape{}
}

// A LayerShape is one layer of a model.
type LayerShape struct {
	Filters int // core templates, one per channel of the layer
	Kernel  int // their height and width
	Padding Padding
	Pool    bool // max-pooling bottom-up: top-down, each template has a choice of 2 x 2 positions
}

// A Shape lists the layers of a model, starting at the image. Above the last layer come the mean over all positions and
// one template of such means per class.
type Shape []LayerShape

// FiveLayer returns the shape of the document's Tables 19 to 21, for images of 1 x 28 x 28 and 10 classes [NINAI17].
func FiveLayer() Shape {
	return Shape{
		{32, 5, Full, true}, {64, 3, Valid, false}, {64, 3, Full, true}, {128, 3, Valid, false}, {10, 1, Valid, false},
	}
}

// NineLayer returns the shape of [NINAI17, Table 7] for the given number of classes and images of 64 x 64.
func NineLayer(classes int) Shape {
	s := Shape{
		{96, 3, Same, true}, {96, 3, Full, false}, {96, 3, Full, true},
		{192, 3, Valid, false}, {192, 3, Full, false}, {192, 3, Valid, true},
		{192, 3, Valid, false}, {192, 1, Valid, false}, {classes, 1, Valid, false},
	}
	return s
}

// NineLayerSmall returns [NineLayer] without its first pooling, for images of 32 x 32 such as those of SVHN and
// CIFAR-10. The document gives no table for these.
func NineLayerSmall(classes int) Shape {
	s := NineLayer(classes)
	s[0].Pool = false
	return s
}

// String returns the description that [ParseShape] reads.
func (s Shape) String() string {
	var b strings.Builder
	for i, l := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%dx%dx%d %v", l.Filters, l.Kernel, l.Kernel, l.Padding)
		if l.Pool {
			b.WriteString(" pool")
		}
	}
	return b.String()
}

// ParseShape reads a description such as that of [FiveLayer]:
//
//	32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid
//
// Each layer has its number of filters with their height and width, its padding (valid, same or full) and the word pool
// if it has 2 x 2 max-pooling.
func ParseShape(text string) (Shape, error) {
	var s Shape
	for i, part := range strings.Split(text, ",") {
		l, err := parseLayer(strings.Fields(part))
		if err != nil {
			return nil, fmt.Errorf("drmm: layer %d of the shape is %q: %w", i+1, strings.TrimSpace(part), err)
		}
		s = append(s, l)
	}
	return s, nil
}

// maxSide limits the numbers in a description.
const maxSide = 1 << 16

func parseLayer(words []string) (l LayerShape, err error) {
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && words[2] != "pool" {
		return l, fmt.Errorf("want filters, padding and perhaps pool, such as 32x5x5 full pool")
	}
	var width int
	if n, err := fmt.Sscanf(words[0], "%dx%dx%d", &l.Filters, &l.Kernel, &width); n != 3 || err != nil ||
		words[0] != fmt.Sprintf("%dx%dx%d", l.Filters, l.Kernel, width) {
		return l, fmt.Errorf("want filters as in 32x5x5, got %q", words[0])
	}
	l.Padding = -1
	for p, name := range paddings {
		if name == words[1] {
			l.Padding = Padding(p)
		}
	}
	l.Pool = len(words) == 3
	switch {
	case l.Filters < 1 || l.Filters > maxSide || l.Kernel < 1 || l.Kernel > maxSide:
		return l, fmt.Errorf("want 1 to %d filters, and the same range for their size", maxSide)
	case l.Kernel != width:
		return l, fmt.Errorf("want square filters")
	case l.Padding < 0:
		return l, fmt.Errorf("want a padding of %s, got %q", strings.Join(paddings, ", "), words[1])
	case l.Padding == Same && l.Kernel%2 == 0:
		return l, fmt.Errorf("same padding needs filters of odd size")
	}
	return l, nil
}

// A Size is the size of the templates z^(l) at one level; level 0 is the image.
type Size struct{ Channels, H, W int }

// Sizes returns the sizes from z^(0), the image, to z^(L), the top. It returns an error if a layer's filters are larger
// than the plane below it.
func (s Shape) Sizes(image Size) ([]Size, error) {
	sizes := []Size{image}
	for i, l := range s {
		below := sizes[i]
		h, w := l.Padding.ConvShape(l.Kernel).OutputSize(below.H, below.W, l.Kernel, l.Kernel)
		if l.Pool {
			h, w = h/2, w/2
		}
		if h < 1 || w < 1 {
			return nil, fmt.Errorf("drmm: layer %d (%v) is larger than the %d x %d below it", i+1, Shape{l}, below.H, below.W)
		}
		sizes = append(sizes, Size{l.Filters, h, w})
	}
	return sizes, nil
}

// A Cost is the number of weights of a layer and of its operations per image. A multiplication and an addition count as
// two operations, including those with padding zeros, as in the document.
type Cost struct {
	Name              string // "conv1" and so on, "softmax", "total"
	Weights           int
	BottomUp, TopDown int // operations
}

// Costs returns the weights and operations of each layer, of the templates of the classes, and in total
// [NINAI17, Tables 19 to 21].
//
// In either direction, a layer costs the size of its filters times the positions of its result: bottom-up those before
// pooling, top-down those of the image below. The classes cost a product with all templates bottom-up, and the choice
// of one template top-down.
func (s Shape) Costs(image Size, classes int) ([]Cost, error) {
	sizes, err := s.Sizes(image)
	if err != nil {
		return nil, err
	}
	var costs []Cost
	for i, l := range s {
		below := sizes[i]
		h, w := l.Padding.ConvShape(l.Kernel).OutputSize(below.H, below.W, l.Kernel, l.Kernel)
		weights := l.Filters * below.Channels * l.Kernel * l.Kernel
		up, down := 2*weights*h*w, 2*weights*below.H*below.W
		costs = append(costs, Cost{fmt.Sprintf("conv%d", i+1), weights, up, down})
	}
	top := sizes[len(s)].Channels
	costs = append(costs, Cost{"softmax", classes * top, 2 * classes * top, 2 * top})
	total := Cost{Name: "total"}
	for _, c := range costs {
		total.Weights += c.Weights
		total.BottomUp += c.BottomUp
		total.TopDown += c.TopDown
	}
	return append(costs, total), nil
}
