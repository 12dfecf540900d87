// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// RepelPoints is how many points of a map Repel takes at once.
const RepelPoints = 32

// Repel adds to sums what cells of mass m at (u, v) contribute to 32 points (x, y) of a map, with
// q = 1/(1 + (x-u)² + (y-v)²):
//
//	sums [3, 32]: m q, m q² (x-u), m q² (y-v)    points [2, 32]: x, y    cells [n, 3]: u, v, m
//
// q is within some units in the last place. Repel panics if the lengths do not fit.
func Repel(sums, points, cells []float32) {
	if len(sums) != 3*RepelPoints || len(points) != 2*RepelPoints || len(cells)%3 != 0 {
		panic(fmt.Sprintf("simd: Repel: %d sums, %d coordinates, %d numbers of cells", len(sums), len(points), len(cells)))
	}
	active.repel(sums, points, cells)
}

func goRepel(sums, points, cells []float32) {
	for i := range RepelPoints {
		x, y := points[i], points[RepelPoints+i]
		var z, fx, fy float32
		for c := 0; c+3 <= len(cells); c += 3 {
			dx, dy := x-cells[c], y-cells[c+1]
			q := 1 / (1 + dx*dx + dy*dy)
			w := cells[c+2] * q
			z += w
			w *= q
			fx += w * dx
			fy += w * dy
		}
		sums[i] += z
		sums[RepelPoints+i] += fx
		sums[2*RepelPoints+i] += fy
	}
}
