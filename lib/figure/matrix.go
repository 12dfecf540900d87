// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// A Matrix is the data of image grids, heat maps, rasters and ScatterClasses: rows of numbers. A tensor's rows are
// those of its first dimension, and an image tensor [N,C,H,W] defines its own height and width. A flat slice is a
// single row, which image grids cut into tiles of Tiles.H x Tiles.W.
type Matrix interface {
	*tensor.Tensor | [][]float64 | [][]float32 | []float64 | []float32
}

// numbers holds any Matrix in one form.
type numbers struct {
	rows  [][]float64
	shape []int // of one row, if known
}

func numbersOf[M Matrix](op string, m M) numbers {
	var n numbers
	switch m := any(m).(type) {
	case *tensor.Tensor:
		if m.Rank() < 2 {
			panic(fmt.Sprintf("figure: %s: a tensor of shape %v has no rows", op, m.Shape()))
		}
		n.shape = m.Shape()[1:]
		for i := range m.Rows() {
			n.rows = append(n.rows, widen(m.Row(i)))
		}
	case [][]float64:
		n.rows = m
	case []float64:
		n.rows = [][]float64{m}
	case []float32:
		n.rows = [][]float64{widen(m)}
	case [][]float32:
		for _, row := range m {
			n.rows = append(n.rows, widen(row))
		}
	}
	if len(n.rows) == 0 || len(n.rows[0]) == 0 {
		panic("figure: " + op + ": no values")
	}
	for i, row := range n.rows {
		if len(row) != len(n.rows[0]) {
			panic(fmt.Sprintf("figure: %s: row %d has %d values, row 0 has %d", op, i, len(row), len(n.rows[0])))
		}
	}
	return n
}

func widen(row []float32) []float64 {
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = float64(v)
	}
	return out
}

// width returns the number of values in a row.
func (n numbers) width() int { return len(n.rows[0]) }

// span returns the range of all finite values.
func (n numbers) span() span {
	s := emptySpan()
	for _, row := range n.rows {
		s.add(false, row...)
	}
	return s
}
