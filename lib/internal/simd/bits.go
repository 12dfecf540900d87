// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math/bits"
	"runtime"
)

// Hamming compares a code with many: dst[i] is the number of bits in which query and codes[i*w : (i+1)*w] differ,
// where w is the length of query. It panics if the lengths do not fit.
//
// The codes are read from wherever they lie: to compare many queries with many codes, let all queries meet some codes
// that fit into the first-level cache, then the next ones.
func Hamming(dst []int32, query, codes []uint64) {
	if len(codes) != len(dst)*len(query) {
		panic(fmt.Sprintf("simd: Hamming: %d codes of %d words in %d words", len(dst), len(query), len(codes)))
	}
	active.hamming(dst, query, codes)
}

func goHamming(dst []int32, query, codes []uint64) {
	for i := range dst {
		n := 0
		code := codes[i*len(query):][:len(query)]
		for j, q := range query {
			n += bits.OnesCount64(q ^ code[j])
		}
		dst[i] = int32(n)
	}
}

// MultiplyAdds carries out about n fused multiply-adds on registers, as fast as the processor does on one core, and
// returns how many it were: the measure of what a kernel could reach.
func MultiplyAdds(n int) int {
	each := active.multiplyAddsPerStep
	steps := (max(n, 0) + each - 1) / each
	active.multiplyAdds(steps)
	return steps * each
}

func goMultiplyAdds(n int) {
	var a, b, c, d float32
	x := float32(n)
	for range n {
		a += x * a
		b += x * b
		c += x * c
		d += x * d
	}
	runtime.KeepAlive(a + b + c + d) // or they would not be computed
}
