// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"testing"
	"unsafe"
)

// What a product looks ahead at belongs to it: a worker that touched the lines which another one writes would take them
// away from it.
func TestProductsLookOnlyAtTheirOwn(t *testing.T) {
	for _, shape := range [][3]int{{1, 1, 4}, {64, 784, 100}, {100, 64, 784}, {3, 40, 1000}, {300, 500, 300}} {
		for layout := range 4 {
			m, n, k := shape[0], shape[1], shape[2]
			transA, transB := layout&1 != 0, layout&2 != 0
			lda, ldb := k, n
			if transA {
				lda = m
			}
			if transB {
				ldb = k
			}
			a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
			looks := 0
			kernel := func(k int, _ []float32, _ int, _ []float32, _ int, _ []float32, _, _ int, _ bool, ahead *float32,
				step int, last *float32) {
				at, end := uintptr(unsafe.Pointer(ahead)), uintptr(unsafe.Pointer(last))
				for range k / 4 {
					if looks++; !within(at, b) && !within(at, c) {
						t.Fatalf("m=%d n=%d k=%d, transposed %v, %v: a look outside B and C", m, n, k, transA, transB)
					}
					at = min(at+uintptr(4*step), end)
				}
			}
			kernels := active.gemm
			kernels.normal, kernels.transposed = nil, nil
			for range kernels.rows {
				kernels.normal = append(kernels.normal, [2]tileKernel{kernel, kernel})
			}
			kernels.transposed = kernels.normal
			p := product{&kernels, transA, transB, m, n, k, a, lda, b, ldb, c, n, false, scout{}}
			p.run()
			if looks == 0 {
				t.Errorf("m=%d n=%d k=%d: no look was taken", m, n, k)
			}
		}
	}
}

func within(at uintptr, x []float32) bool {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	return at >= start && at < start+uintptr(4*len(x))
}
