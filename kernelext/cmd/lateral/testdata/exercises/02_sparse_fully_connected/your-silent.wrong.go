// SPDX-License-Identifier: Apache-2.0

package main

// yourSilent takes units for dead that are inactive for the first image.
func yourSilent(activities [][]float64) (active float64, dead []int) {
	for i := range activities[0] {
		for _, row := range activities {
			if row[i] > 0 {
				active += 1 / float64(len(activities))
			}
		}
		if activities[0][i] == 0 {
			dead = append(dead, i)
		}
	}
	return active, dead
}
