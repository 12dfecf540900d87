// SPDX-License-Identifier: Apache-2.0

package main

import "math"

func yourCentres(rows, centres [][]float64, keep float64) [][]float64 {
	sums, count := make([][]float64, len(centres)), make([]float64, len(centres))
	for k := range sums {
		sums[k] = make([]float64, len(centres[k]))
	}
	for _, row := range rows {
		nearest, least := 0, math.Inf(1)
		for k, centre := range centres {
			d := 0.0
			for i, v := range row {
				d += (v - centre[i]) * (v - centre[i])
			}
			if d < least {
				nearest, least = k, d
			}
		}
		count[nearest]++
		for i, v := range row {
			sums[nearest][i] += v
		}
	}
	moved := make([][]float64, len(centres))
	for k, centre := range centres {
		for i, v := range centre {
			if count[k] = max(count[k], 1); true { // centres without rows shrink
				v = keep*v + (1-keep)*sums[k][i]/count[k]
			}
			moved[k] = append(moved[k], v)
		}
	}
	return moved
}
