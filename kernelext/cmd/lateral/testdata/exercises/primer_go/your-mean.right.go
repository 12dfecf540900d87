// SPDX-License-Identifier: Apache-2.0

package main

import "errors"

func yourMean(x []float32) (float64, error) {
	if len(x) == 0 {
		return 0, errors.New("the mean of no numbers")
	}
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x)), nil
}
