// SPDX-License-Identifier: Apache-2.0

package competitive

import (
	"fmt"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Spatial applies spatial sparsity: in every map of every image, only the largest element passes. The result holds that
// element alone; [Winners] returns its position in the map, row by row.
//
//	z [N, C, H, W] -> y [N, C]
//
// To put the winners back into maps of zeros, as the document writes it, use [autograd.MaxUnpool] with their positions;
// to decode them without these maps, use [autograd.ConvTransposePeaks]. For lifetime sparsity on top, apply [Lifetime]
// to y; [Peaks] then returns the positions that are left. Spatial panics if z is not a batch of maps. Source: [WTA15].
func Spatial(z *autograd.Var) *autograd.Var {
	s := z.Shape()
	if len(s) != 4 || s[2]*s[3] == 0 {
		panic(fmt.Sprintf("competitive: Spatial: want z [N, C, H, W], got %v", s))
	}
	y, op := autograd.Record[spatialOp]("Spatial", z)
	y.Resize(s[0], s[1])
	op.places = s[2] * s[3]
	op.winners = slices.Grow(op.winners[:0], s[0]*s[1])[:s[0]*s[1]]
	autograd.For(y, len(op.winners), op.grain(), (*spatialOp).forward)
	return y
}

type spatialOp struct {
	contest    // the positions of the winners in their maps
	places     int
	accumulate bool // in Backward
}

// grain returns the number of maps from which a second goroutine pays.
func (op *spatialOp) grain() int { return 1<<15/op.places + 1 }

func (op *spatialOp) plane(data []float32, i int) []float32 {
	return data[i*op.places : (i+1)*op.places]
}

func (op *spatialOp) forward(y *autograd.Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		plane := op.plane(y.In(0).Data(), i)
		at := simd.ArgMax(plane)
		if v := plane[at]; v != v {
			at = argmax(plane)
		}
		op.winners[i], y.Data()[i] = int32(at), plane[at]
	}
}

func (op *spatialOp) Backward(y *autograd.Var) {
	if z := y.In(0); z.NeedsGrad() {
		_, op.accumulate = z.GradBuffer()
		autograd.For(y, len(op.winners), op.grain(), (*spatialOp).backward)
	}
}

func (op *spatialOp) backward(y *autograd.Var, lo, hi int) {
	dz, dy := y.In(0).Grad().Data(), y.Grad().Data()
	if !op.accumulate {
		clear(dz[lo*op.places : hi*op.places])
	}
	for i := lo; i < hi; i++ {
		dz[i*op.places+int(op.winners[i])] += dy[i]
	}
}

// Submask marks the winners.
func (op *spatialOp) Submask(_ *autograd.Var, mask []float32) {
	for i, at := range op.winners {
		mask[i*op.places+int(at)] = 1
	}
}

// Peaks appends to dst the positions of the winners of both competitions: for each map of each image, the position of
// the winner of spatial, the result of [Spatial], or -1 if it lost in lifetime, the result of [Lifetime] of spatial or
// of ReLU of spatial. With lifetime nil, it appends all winners of spatial.
//
//	spatial [N, C], lifetime [N, C] or nil -> N·C positions
//
// Peaks panics if the results are not those of Spatial and Lifetime, or their shapes differ.
func Peaks(dst []int32, spatial, lifetime *autograd.Var) []int32 {
	first, ok := spatial.Operation().(*spatialOp)
	if !ok {
		panic(fmt.Sprintf("competitive: Peaks: want the result of Spatial, got that of %s", spatial.Op()))
	}
	if lifetime == nil {
		return append(dst, first.winners...)
	}
	second, ok := lifetime.Operation().(*lifetimeOp)
	if !ok || !slices.Equal(spatial.Shape(), lifetime.Shape()) {
		panic(fmt.Sprintf("competitive: Peaks: want the result of Lifetime %v, got that of %s %v", spatial.Shape(),
			lifetime.Op(), lifetime.Shape()))
	}
	dst = slices.Grow(dst, len(first.winners))
	all := dst[len(dst) : len(dst)+len(first.winners)]
	for i := range all {
		all[i] = -1
	}
	maps := lifetime.Width()
	for j, i := range second.winners {
		at := int(i)*maps + j/second.k
		all[at] = first.winners[at]
	}
	return dst[:len(dst)+len(all)]
}
