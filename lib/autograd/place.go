// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// Place puts each element of a plane at a place of a larger plane of zeros, or nowhere:
//
//	y[n, c, at[n,c,i]] = x[n, c, i] where at[n,c,i] >= 0
//
//	x [N, C, H, W], at of as many elements, each below h·w -> y [N, C, h, w]
//
// With the switches of [MaxPool2D], counted within the plane, it undoes pooling: each element returns to where it was
// found, and the others are 0. at is copied. Place panics if it has not one place for each element, or one lies outside
// the plane; elements of a plane must have different places.
func Place(x *Var, at []int32, h, w int) *Var {
	s := x.Shape()
	if len(s) != 4 || len(at) != x.value.Len() || h < 1 || w < 1 {
		panic(fmt.Sprintf("autograd: Place: %d places in planes %d x %d for x %v", len(at), h, w, s))
	}
	y := tapeOf("Place", x).Op("Place", func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			_, y.acc = x.GradBuffer()
			y.tape.For(y, planes(y), placeGrain(y), placeGrad)
		}
	}, x)
	y.Resize(s[0], s[1], h, w)
	copy(y.Index(len(at)), at)
	y.tape.For(y, planes(y), placeGrain(y), placeRange)
	return y
}

func placeGrain(y *Var) int { return elementsWorthSharing*planes(y)/max(y.in[0].value.Len(), 1) + 1 }

// placed returns the elements of the input and the result that belong to plane i.
func placed(y *Var, i int) (x, out, size int) {
	s, in := y.Shape(), y.in[0].Shape()
	return i * in[2] * in[3], i * s[2] * s[3], in[2] * in[3]
}

func placeRange(y *Var, lo, hi int) {
	plane := y.Shape()[2] * y.Shape()[3]
	clear(y.Data()[lo*plane : hi*plane])
	for i := lo; i < hi; i++ {
		from, to, n := placed(y, i)
		x, out := y.in[0].Data()[from:from+n], y.Data()[to:to+plane]
		// What is nowhere goes to place 0, which gets what belongs there in the end. To add zeros there instead would make
		// each wait for the one before.
		var first uint32
		for j, at := range y.index[from : from+n] {
			v := x[j]
			out[max(at, 0)] = v
			first |= math.Float32bits(v) & uint32(((at-1)&^at)>>31) // if at is 0
		}
		out[0] = math.Float32frombits(first)
	}
}

func placeGrad(y *Var, lo, hi int) {
	plane := y.Shape()[2] * y.Shape()[3]
	for i := lo; i < hi; i++ {
		from, to, n := placed(y, i)
		dx, dy := y.in[0].grad.Data()[from:from+n], y.grad.Data()[to:to+plane]
		places := y.index[from : from+n]
		if y.acc {
			for j, at := range places {
				dx[j] += where(at, dy[max(at, 0)])
			}
			continue
		}
		for j, at := range places {
			dx[j] = where(at, dy[max(at, 0)])
		}
	}
}

// where returns v where at >= 0, and 0 elsewhere. Which it is nobody can predict, least of all a processor: there is no
// branch.
func where(at int32, v float32) float32 {
	return math.Float32frombits(math.Float32bits(v) &^ uint32(at>>31))
}

// Repeat2D fills a plane with each element of x.
//
//	x [N, C] -> y [N, C, h, w] with y[n, c, i, j] = x[n, c]
//
// It is h·w times the transpose of [MeanPool2D] over the whole plane. Repeat2D panics if x is no matrix or the plane
// is empty.
func Repeat2D(x *Var, h, w int) *Var {
	if len(x.Shape()) != 2 || h < 1 || w < 1 {
		panic(fmt.Sprintf("autograd: Repeat2D: planes %d x %d of x %v, want x [N, C]", h, w, x.Shape()))
	}
	y := tapeOf("Repeat2D", x).Op("Repeat2D", func(y *Var) {
		if x := y.in[0]; x.needsGrad {
			dx, plane := x.GradSum(), y.Shape()[2]*y.Shape()[3]
			for i := range dx {
				dx[i] += simd.Sum(y.grad.Data()[i*plane : (i+1)*plane])
			}
		}
	}, x)
	y.Resize(x.Rows(), x.Width(), h, w)
	for i, v := range x.Data() {
		out := y.Data()[i*h*w : (i+1)*h*w]
		for j := range out {
			out[j] = v
		}
	}
	return y
}
