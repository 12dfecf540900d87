// SPDX-License-Identifier: Apache-2.0

package main

func yourFLOPs(in, out, n, k int, kept float64) float64 {
	positions := (n - k + 1) * (n - k + 1)
	return 2 * kept * float64(in*out*k*k*positions)
}
