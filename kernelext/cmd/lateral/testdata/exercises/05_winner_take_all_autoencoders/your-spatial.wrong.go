// SPDX-License-Identifier: Apache-2.0

package main

func yourPeak(rows [][]float32) (row, column int) {
	for r := range rows {
		for c, v := range rows[r] {
			if v >= rows[row][column] { // the last of equal elements
				row, column = r, c
			}
		}
	}
	return row, column
}
