// SPDX-License-Identifier: Apache-2.0

package main

func yourJudge(similarity []float64) float64 {
	for _, s := range similarity {
		if s > similarity[0] {
			return 0
		}
	}
	return 1 // a tie counts as right
}
