// SPDX-License-Identifier: Apache-2.0

package main

// yourSide returns the side of a feature map.
func yourSide(n, k, p, s int) int {
	return (n+2*p-k)/s + 1
}
