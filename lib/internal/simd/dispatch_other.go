// SPDX-License-Identifier: Apache-2.0

//go:build (!amd64 && !arm64) || purego

package simd

// available lists the implementations that run here, best first.
func available() []*kernels { return []*kernels{&goKernels} }
