// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

func yourRows(data []float32, width int) ([][]float32, error) {
	if width <= 0 || len(data)%width != 0 {
		return nil, fmt.Errorf("%d numbers do not fill rows of %d", len(data), width)
	}
	var rows [][]float32
	for lo := 0; lo < len(data); lo += width {
		rows = append(rows, append([]float32(nil), data[lo:lo+width]...))
	}
	return rows, nil
}
