// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"math"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// A quadtree divides a square with points into four squares, and these again, until each contains few points.
type quadtree struct {
	keys  []uint64 // of the points: position along the curve through all cells, and index
	cells []cell   // in depth-first order
	x, y  []float32
}

// A cell is a square with points in it, or one point.
type cell struct {
	x, y, mass float32 // centre of the points and their number
	side       float32
	next       int32 // index of the cell after all cells within this one
}

const (
	leafPoints = 4  // in an undivided cell
	depth      = 20 // of the smallest cells: points within one of them are handled individually
	maxPoints  = 1 << (64 - 2*depth)
)

// build builds the tree of the points (x, y). Points are sorted along the Z-shaped curve that visits the cells of every
// level one by one, so a cell is a range of points.
func (t *quadtree) build(x, y []float32) {
	t.x, t.y = x, y
	minX, minY, maxX, maxY := x[0], y[0], x[0], y[0]
	for i := range x {
		minX, maxX = min(minX, x[i]), max(maxX, x[i])
		minY, maxY = min(minY, y[i]), max(maxY, y[i])
	}
	side := max(maxX-minX, maxY-minY)
	scale := float32(0)
	if side > 0 {
		scale = (1<<depth - 1) / side
	}
	t.keys = t.keys[:0]
	for i := range x {
		place := spread(uint32((x[i]-minX)*scale)) | spread(uint32((y[i]-minY)*scale))<<1
		t.keys = append(t.keys, place<<(64-2*depth)|uint64(i))
	}
	slices.Sort(t.keys)
	t.cells = t.cells[:0]
	t.divide(t.keys, 0, side)
}

// spread inserts a zero before each of the lower bits of v.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

func index(key uint64) int { return int(key & (maxPoints - 1)) }

// divide appends the cell of some points at a level, with the cells within it, and returns the sums of the coordinates.
func (t *quadtree) divide(keys []uint64, level int, side float32) (sx, sy float64) {
	at := len(t.cells)
	t.cells = append(t.cells, cell{side: side})
	if len(keys) <= leafPoints || level == depth {
		for _, key := range keys {
			i := index(key)
			sx += float64(t.x[i])
			sy += float64(t.y[i])
			if len(keys) > 1 {
				t.cells = append(t.cells, cell{x: t.x[i], y: t.y[i], mass: 1, next: int32(len(t.cells) + 1)})
			}
		}
		if len(keys) == 1 {
			t.cells[at].side = 0
		}
	} else {
		shift := 64 - 2*(level+1)
		rest := keys
		for len(rest) > 0 {
			quarter := rest[0] >> shift
			n, _ := slices.BinarySearchFunc(rest, quarter+1, func(key, q uint64) int {
				if key>>shift < q {
					return -1
				}
				return 1
			})
			cx, cy := t.divide(rest[:n], level+1, side/2)
			sx += cx
			sy += cy
			rest = rest[n:]
		}
	}
	n := float64(len(keys))
	c := &t.cells[at]
	c.x, c.y, c.mass, c.next = float32(sx/n), float32(sy/n), float32(len(keys)), int32(len(t.cells))
	return sx, sy
}

// repulsion computes the repulsive forces on 32 points and holds the memory for it.
type repulsion struct {
	theta  float32
	points [2 * simd.RepelPoints]float32
	part   [3 * simd.RepelPoints]float32
	sums   [3 * simd.RepelPoints]float64 // see simd.Repel
	list   []float32
}

// of computes the repulsion on the points of keys, at most 32 that are consecutive in the tree's order.
//
// They share one list of cells. A cell replaces its points if its side is less than theta times its distance from the
// rectangle around the 32 points, and is opened otherwise. This is stricter than a test per point, and lets the sums
// over the list run on vectors of points.
func (r *repulsion) of(t *quadtree, keys []uint64) {
	clear(r.sums[:])
	minX, minY := float32(math.Inf(1)), float32(math.Inf(1))
	maxX, maxY := -minX, -minY
	for j := range simd.RepelPoints {
		i := index(keys[min(j, len(keys)-1)]) // missing points repeat the last one
		x, y := t.x[i], t.y[i]
		r.points[j], r.points[simd.RepelPoints+j] = x, y
		minX, maxX = min(minX, x), max(maxX, x)
		minY, maxY = min(minY, y), max(maxY, y)
	}
	r.list = r.list[:0]
	for c := 0; c < len(t.cells); {
		cell := &t.cells[c]
		dx, dy := max(minX-cell.x, cell.x-maxX, 0), max(minY-cell.y, cell.y-maxY, 0)
		if cell.side == 0 || cell.side*cell.side < r.theta*r.theta*(dx*dx+dy*dy) {
			r.list = append(r.list, cell.x, cell.y, cell.mass)
			if len(r.list) >= 3*1024 {
				r.add()
			}
			c = int(cell.next)
		} else {
			c++
		}
	}
	r.add()
}

// add sums over the list and empties it.
func (r *repulsion) add() {
	clear(r.part[:])
	simd.Repel(r.part[:], r.points[:], r.list)
	for i, v := range r.part {
		r.sums[i] += float64(v)
	}
	r.list = r.list[:0]
}
