// SPDX-License-Identifier: Apache-2.0

package main

func yourCompetition(peaks [][]float32, k int) [][]bool {
	stays := make([][]bool, len(peaks))
	for n := range peaks {
		stays[n] = make([]bool, len(peaks[n]))
		for c, p := range peaks[n] {
			better := 0
			for _, q := range peaks[n] { // against the other maps of the image
				if q > p {
					better++
				}
			}
			stays[n][c] = better < k
		}
	}
	return stays
}
