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

// A HammingBlock is a block of codes that many queries are compared with, kept in the order that the kernel wants. The
// zero value holds no codes. One goroutine at a time may use it.
type HammingBlock struct {
	words, n int
	lanes    []uint64 // [ceil(n/64)][words][64 codes]
	amx      *amxBlock
}

// Load makes codes of some words, one after the other, the block's own. It panics if words does not divide their
// number.
func (b *HammingBlock) Load(codes []uint64, words int) {
	if words < 1 || len(codes)%words != 0 {
		panic(fmt.Sprintf("simd: HammingBlock: Load: codes of %d words in %d words", words, len(codes)))
	}
	b.words, b.n = words, len(codes)/words
	if active.amx && b.n > 0 {
		if b.amx == nil {
			b.amx = new(amxBlock)
		}
		b.amx.load(codes, words)
		return
	}
	b.amx = nil
	b.lanes = resize(b.lanes, (b.n+63)/64*64*words)
	for first := 0; first < b.n; first += 64 {
		group := b.lanes[first*words:][:64*words]
		for i := range min(64, b.n-first) {
			for j, w := range codes[(first+i)*words:][:words] {
				group[64*j+i] = w
			}
		}
	}
}

// Below finds the codes that lie nearer to a query than its limit: bit c%64 of below[q*m+c/64] is set if query q and
// code c differ in fewer than limits[q] bits, where m is the number of codes divided by 64, rounded up. Bits beyond the
// codes are 0. It panics if the lengths do not fit.
func (b *HammingBlock) Below(below, queries []uint64, limits []int32) {
	row := (b.n + 63) / 64
	if len(queries) != len(limits)*b.words || len(below) != len(limits)*row {
		panic(fmt.Sprintf("simd: HammingBlock: Below: %d limits, queries of %d words in %d words, "+
			"%d words for the %d of each of them",
			len(limits), b.words, len(queries), len(below), row))
	}
	if len(below) == 0 {
		return
	}
	if b.amx != nil {
		b.amx.below(below, queries, limits)
	} else {
		q := 0
		for ; q+4 <= len(limits); q += 4 {
			active.hammingBelow4(below[q*row:(q+4)*row], row, queries[q*b.words:(q+4)*b.words], b.lanes, limits[q:q+4])
		}
		for ; q < len(limits); q++ {
			active.hammingBelow(below[q*row:(q+1)*row], queries[q*b.words:(q+1)*b.words], b.lanes, int64(limits[q]))
		}
	}
	if tail := b.n % 64; tail != 0 {
		for q := range limits {
			below[(q+1)*row-1] &= 1<<tail - 1
		}
	}
}

// goHammingBelow sets a bit of dst for each of the codes, in lanes, that differs from query in fewer bits than limit.
func goHammingBelow(dst, query, codes []uint64, limit int64) {
	for g := range dst {
		group := codes[g*64*len(query):][:64*len(query)]
		var sums [64]int64
		for j, q := range query {
			for i, w := range group[64*j : 64*j+64] {
				sums[i] += int64(bits.OnesCount64(q ^ w))
			}
		}
		dst[g] = 0
		for i, sum := range sums {
			if sum < limit {
				dst[g] |= 1 << i
			}
		}
	}
}

// fourTimes makes the kernel for four queries of the one for one: dst has a row for each.
func fourTimes(below func(dst, query, codes []uint64, limit int64)) func(dst []uint64, row int, queries, codes []uint64,
	limits []int32) {
	return func(dst []uint64, row int, queries, codes []uint64, limits []int32) {
		words := len(queries) / 4
		for q, limit := range limits {
			below(dst[q*row:(q+1)*row], queries[q*words:(q+1)*words], codes, int64(limit))
		}
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
