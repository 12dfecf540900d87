// SPDX-License-Identifier: Apache-2.0

package main

func yourJudge(similarity []float64) float64 {
	ties := 0.0
	for _, s := range similarity {
		if s > similarity[0] {
			return 0
		}
		if s == similarity[0] {
			ties++
		}
	}
	return 1 / ties
}
