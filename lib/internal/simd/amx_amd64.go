// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "math/bits"

// AMX multiplies tiles of 16 rows of 64 bytes. With -1 for a bit of the query that is set, +1 for one that is not, and
// the bits of the code as 0 and 1, the inner product is
//
//	sum = |code| - 2 |query AND code| = distance - |query|
//
// where |x| counts the bits of x. A spread word has 64 bytes, one for each bit; their order is that of amxByte and
// amxBit in the assembly, in which a tile of codes needs no transposition.

// An amxPanel is the argument of amxBelow: 32 queries and groups of 32 codes, both spread. The assembly knows where
// the fields lie.
type amxPanel struct {
	queries *int8   // [words][32 queries][64]
	codes   *int8   // [groups][2][words][16][64]: row r holds the bytes 4r to 4r+3 of 16 codes
	words   int     // of a code
	groups  int     // at least 1
	below   *uint64 // 32 bits for each group, in 32 rows
	stride  int     // bytes from one row of below to the next
	_       [2]int
	config  [64]byte
	limits  [32]int32        // for the sums
	_       [4][16][16]int32 // for the sums
}

// newAMXPanel returns a panel whose tiles all have 16 rows of 64 bytes.
func newAMXPanel() *amxPanel {
	p := new(amxPanel)
	p.config[0] = 1 // palette
	for tile := range 8 {
		p.config[16+2*tile] = 64
		p.config[48+tile] = 16
	}
	return p
}

// amxBelow sets bit c of a row of below to whether the sum of its query and code c is less than the query's limit.
//
//go:noescape
func amxBelow(a *amxPanel)

// amxSpreadQuery spreads one query of a panel.
//
//go:noescape
func amxSpreadQuery(dst *int8, query *uint64, words int)

// amxSpreadCodes spreads 16 codes.
//
//go:noescape
func amxSpreadCodes(dst *int8, codes *uint64, words int)

// An amxBlock is a HammingBlock in tiles.
type amxBlock struct {
	panel   *amxPanel
	queries []int8   // 32, spread
	codes   []int8   // in groups of 32, spread
	found   []uint64 // the bits of 32 queries
}

func (b *amxBlock) load(codes []uint64, words int) {
	n := len(codes) / words
	groups := (n + 31) / 32
	b.codes = resize(b.codes, groups*words*2048)
	half := words * 1024
	for first := 0; first < 32*groups; first += 16 {
		from := codes[min(first, n)*words : min(first+16, n)*words]
		if len(from) < 16*words {
			from = append(make([]uint64, 0, 16*words), from...)[:16*words]
		}
		amxSpreadCodes(&b.codes[first/16*half], &from[0], words)
	}
	if b.panel == nil {
		b.panel = newAMXPanel()
	}
	*b.panel = amxPanel{codes: &b.codes[0], words: words, groups: groups, config: b.panel.config}
}

func (b *amxBlock) below(dst, queries []uint64, limits []int32) {
	p := b.panel
	words, row := p.words, len(dst)/len(limits)
	b.queries = resize(b.queries, words*2048)
	b.found = resize(b.found, 32*row)
	p.queries, p.below, p.stride = &b.queries[0], &b.found[0], 8*row
	for len(limits) > 0 {
		n := min(32, len(limits))
		for i := range n {
			query := queries[i*words : (i+1)*words]
			amxSpreadQuery(&b.queries[64*i], &query[0], words)
			size := 0
			for _, w := range query {
				size += bits.OnesCount64(w)
			}
			p.limits[i] = max(limits[i], 0) - int32(size)
		}
		amxBelow(p) // of the queries past the end there is only what was there before, and nobody looks
		copy(dst, b.found[:n*row])
		dst, queries, limits = dst[n*row:], queries[n*words:], limits[n:]
	}
}
