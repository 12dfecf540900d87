// SPDX-License-Identifier: Apache-2.0

package render

import "math"

// A corner is a point of a face in the coordinates of a raster: the position in cells, and the depth, which is linear
// over a face.
type corner struct{ x, y, depth float64 }

// A raster keeps, for each cell of a grid, the nearest face over the cell's centre.
type raster struct {
	side  int
	depth []float32 // the largest so far; greater is nearer
	face  []int32   // index of that face, -1 for none; nil if only depths are kept
}

func newRaster(side int, faces bool) raster {
	r := raster{side: side, depth: make([]float32, side*side)}
	if faces {
		r.face = make([]int32, side*side)
	}
	return r
}

func (r *raster) clear(depth float32) {
	for i := range r.depth {
		r.depth[i] = depth
	}
	for i := range r.face {
		r.face[i] = -1
	}
}

// draw draws a face. Both of its sides are visible. A cell keeps the face with the smaller index if depths are equal.
func (r *raster) draw(index int, a, b, c corner) {
	abx, aby, acx, acy := b.x-a.x, b.y-a.y, c.x-a.x, c.y-a.y
	area := abx*acy - aby*acx
	if area == 0 {
		return
	}
	last := float64(r.side - 1)
	x0, x1 := max(0, math.Ceil(min(a.x, b.x, c.x)-0.5)), min(last, math.Floor(max(a.x, b.x, c.x)-0.5))
	y0, y1 := max(0, math.Ceil(min(a.y, b.y, c.y)-0.5)), min(last, math.Floor(max(a.y, b.y, c.y)-0.5))
	if !(x0 <= x1 && y0 <= y1) {
		return
	}
	// Weights of b and c at the centre of cell (x0, y0), and their changes per cell.
	inv := 1 / area
	ub, vb := acy*inv, -acx*inv
	uc, vc := -aby*inv, abx*inv
	px, py := x0+0.5-a.x, y0+0.5-a.y
	wb, wc := px*ub+py*vb, px*uc+py*vc
	db, dc := b.depth-a.depth, c.depth-a.depth
	columns := int(x1-x0) + 1
	for row := int(y0) * r.side; row <= int(y1)*r.side; row += r.side {
		first := row + int(x0)
		depth := r.depth[first : first+columns]
		wb0, wc0 := wb, wc
		for i := range depth {
			if wb0 >= 0 && wc0 >= 0 && wb0+wc0 <= 1 {
				if d := float32(a.depth + wb0*db + wc0*dc); d > depth[i] {
					depth[i] = d
					if r.face != nil {
						r.face[first+i] = int32(index)
					}
				}
			}
			wb0, wc0 = wb0+ub, wc0+uc
		}
		wb, wc = wb+vb, wc+vc
	}
}

// weights returns the weights of the corners b and c at the point (x, y) of a face.
func weights(x, y float64, a, b, c *corner) (wb, wc float64) {
	abx, aby, acx, acy := b.x-a.x, b.y-a.y, c.x-a.x, c.y-a.y
	inv := 1 / (abx*acy - aby*acx)
	x, y = x-a.x, y-a.y
	return (x*acy - y*acx) * inv, (y*abx - x*aby) * inv
}
