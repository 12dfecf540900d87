// SPDX-License-Identifier: Apache-2.0

package main

func yourMean(x []float32) (float64, error) {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x)), nil
}
