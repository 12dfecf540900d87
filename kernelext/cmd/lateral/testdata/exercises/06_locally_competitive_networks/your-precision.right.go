// SPDX-License-Identifier: Apache-2.0

package main

// yourPrecision returns the average precision of one query.
func yourPrecision(relevant []bool) float64 {
	found, sum := 0, 0.0
	for i, is := range relevant {
		if is {
			found++
			sum += float64(found) / float64(i+1)
		}
	}
	return sum / float64(max(found, 1))
}
