// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// atPageEnd returns n floats that end where a page without access begins: reading past them crashes the test.
func atPageEnd(t *testing.T, n int) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|
		syscall.MAP_PRIVATE)
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
		for n := range 258 {
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
					a, b, c := atPageEnd(t, m*k), atPageEnd(t, k*n), atPageEnd(t, m*n)
					l.gemm(m, n, k, a, lda, b, ldb, c, n, true)
					fillSparse(rand.New(rand.NewPCG(1, 2)), a, 0.5)
					SparseProduct{TransA: l.transA, TransB: l.transB}.Gemm(m, n, k, a, lda, b, ldb, c, n)
					SparseProduct{TransA: l.transA, TransB: l.transB, TransC: true}.Gemm(m, n, k, a, lda, b, ldb, c, m)
				}
			})
		}
	})
}

// TestConvolutionReadsNothingPastTheEnd does the same for stencils and windows.
func TestConvolutionReadsNothingPastTheEnd(t *testing.T) {
	eachImplementation(t, func(t *testing.T) {
		for _, s := range stencils() {
			const m, runs = 7, 6
			filters, ld, ldw := atPageEnd(t, PackedFilters(m, s.taps)), RowLen(runs), GradLen(s.taps)
			PackFilters(filters, atPageEnd(t, m*s.taps), m, s.taps)
			x, y := atPageEnd(t, s.Span()), atPageEnd(t, m*ld)
			Correlate(y, ld, filters, m, x, s, runs)
			CorrelateGrad(atPageEnd(t, m*ldw), ldw, y, ld, m, x, s, runs)
		}
		for cols := 1; cols < 70; cols++ {
			w := PoolWindow{Rows: 2, Cols: cols, Step: 2, H: 2, W: 3, Pitch: 2*cols + 1}
			w.RowStep = w.Pitch
			x := atPageEnd(t, w.RowStep+w.Pitch+2*(cols-1)+w.W)
			MaxPool(atPageEnd(t, 2*cols), make([]int32, 2*cols), cols, x, 0, w)
		}
		for words := 1; words < 20; words++ {
			codes := unsafe.Slice((*uint64)(unsafe.Pointer(&atPageEnd(t, 2*9*words)[0])), 9*words)
			Hamming(make([]int32, 9), codes[8*words:], codes)
		}
	})
}
