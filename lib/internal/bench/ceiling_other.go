// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package main

import "github.com/lateral-ml/lateral/lib/internal/simd"

// fastestFMA returns the loop of the kernels in use, or the scalar one: the best that a program without assembly can
// reach.
func fastestFMA() fmaLoop {
	if simd.Name() == "go" {
		return scalarFMA
	}
	const each = 96 // multiply-adds in a round
	return fmaLoop{"multiply-add of " + simd.Name(), func(n int) { simd.MultiplyAdds(n * each) }, 2 * each}
}
