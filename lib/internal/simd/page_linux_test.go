// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"syscall"
	"testing"
	"unsafe"
)

// atPageEnd returns n floats that end where a page without access begins: reading past them crashes the test.
func atPageEnd(t *testing.T, n int) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(memory) })
	if err := syscall.Mprotect(memory[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[size-4*n])), n)
}

// TestNothingIsReadPastTheEnd runs every kernel on slices that end at the edge of accessible memory.
func TestNothingIsReadPastTheEnd(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for n := range 131 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				everyKernel(n, func(n int) []float32 { return atPageEnd(t, n) })
				for _, l := range layouts {
					m, n, k := 1+n%17, 1+n%35, 1+n
					lda, ldb := k, n
					if l.transA {
						lda = m
					}
					if l.transB {
						ldb = k
					}
					l.gemm(m, n, k, atPageEnd(t, m*k), lda, atPageEnd(t, k*n), ldb, atPageEnd(t, m*n), n, true)
				}
			})
		}
	})
}
