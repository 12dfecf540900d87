// SPDX-License-Identifier: Apache-2.0

package main

// yourSilent counts active units along rows, and dead ones along columns.
func yourSilent(activities [][]float64) (active float64, dead []int) {
	for i := range activities[0] {
		images := 0
		for _, row := range activities {
			if row[i] > 0 {
				images++
			}
		}
		active += float64(images) / float64(len(activities))
		if images == 0 {
			dead = append(dead, i)
		}
	}
	return active, dead
}
