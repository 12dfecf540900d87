// SPDX-License-Identifier: Apache-2.0

package main

// yourError returns the squared distance of an image and its rendering.
func yourError(image, rendered []float32) (sum float64) {
	for i, v := range image {
		d := float64(v) - float64(rendered[i])
		sum += d * d
	}
	return sum
}
