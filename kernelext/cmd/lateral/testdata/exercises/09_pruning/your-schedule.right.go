// SPDX-License-Identifier: Apache-2.0

package main

func yourSchedule(epochs int, seconds, keep, budget float64) int {
	for at := epochs; at >= 0; at-- {
		if float64(at)*seconds+float64(epochs-at)*seconds*keep <= budget {
			return at
		}
	}
	return -1
}
