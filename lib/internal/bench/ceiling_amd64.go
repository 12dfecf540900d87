// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package main

import "golang.org/x/sys/cpu"

// fmaAVX512 and fmaAVX2 do n > 0 rounds of independent fused multiply-adds.
//
//go:noescape
func fmaAVX512(n int)

//go:noescape
func fmaAVX2(n int)

// fastestFMA returns the loop with the widest fused multiply-add of the processor.
func fastestFMA() fmaLoop {
	switch x := &cpu.X86; {
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL: // the requirements of lib/internal/simd
		return fmaLoop{"AVX-512 FMA", fmaAVX512, 2 * 16 * 16}
	case x.HasAVX2 && x.HasFMA:
		return fmaLoop{"AVX2 FMA", fmaAVX2, 2 * 12 * 8}
	}
	return scalarFMA
}
