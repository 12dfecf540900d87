// SPDX-License-Identifier: Apache-2.0

package main

// yourSoftmax returns no probability at all.
func yourSoftmax(z []float64) []float64 { return []float64{} }
