// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// A PoolWindow says how a window moves over a plane: to Rows x Cols places, RowStep elements from one row of places to
// the next and Step from one place to the next in a row. The window has H x W elements, rows of it lie Pitch apart.
type PoolWindow struct {
	Rows, Cols, RowStep, Step int
	H, W, Pitch               int
}

// MaxPool finds the largest element of x in each place of a window that begins at element first: its value in dst, its
// position in x in index, both with rows of places stride apart. Of equal elements the first wins, row by row of the
// window; a NaN counts as larger than all numbers.
func MaxPool(dst []float32, index []int32, stride int, x []float32, first int, w PoolWindow) {
	if min(w.Rows, w.Cols, w.H, w.W, w.Step) < 1 || min(w.RowStep, w.Pitch, first) < 0 || stride < w.Cols ||
		len(dst) < (w.Rows-1)*stride+w.Cols || len(index) < (w.Rows-1)*stride+w.Cols ||
		len(x) < first+(w.Rows-1)*w.RowStep+(w.Cols-1)*w.Step+(w.H-1)*w.Pitch+w.W {
		panic(fmt.Sprintf("simd: MaxPool: window %+v from element %d of %d to %d and %d elements with stride %d",
			w, first, len(x), len(dst), len(index), stride))
	}
	if w.Step == 2 {
		active.maxPool2(dst, index, stride, w.Rows, w.Cols, x, first, w.RowStep, w.H, w.W, w.Pitch)
	} else {
		goMaxPool(dst, index, stride, x, first, w)
	}
}

// A maxPoolKernel is MaxPool for windows that begin two elements apart.
type maxPoolKernel func(dst []float32, index []int32, stride, rows, cols int, x []float32, first, rowStep,
	height, width, pitch int)

func goMaxPool2(dst []float32, index []int32, stride, rows, cols int, x []float32, first, rowStep,
	height, width, pitch int) {
	w := PoolWindow{Rows: rows, Cols: cols, RowStep: rowStep, Step: 2, H: height, W: width, Pitch: pitch}
	goMaxPool(dst, index, stride, x, first, w)
}

func goMaxPool(dst []float32, index []int32, stride int, x []float32, first int, w PoolWindow) {
	for r := range w.Rows {
		d, i := dst[r*stride:][:w.Cols], index[r*stride:][:w.Cols]
		for j := range d {
			at := first + r*w.RowStep + j*w.Step
			best, from := x[at], at
			for u := range w.H {
				row := at + u*w.Pitch
				for v, c := range x[row : row+w.W] {
					if c > best || c != c && best == best {
						best, from = c, row+v
					}
				}
			}
			d[j], i[j] = best, int32(from)
		}
	}
}
