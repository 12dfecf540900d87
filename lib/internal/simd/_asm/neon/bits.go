// SPDX-License-Identifier: Apache-2.0

package main

// countBits sets total, four sums, to total plus the numbers of bits in which vectors of query and codes differ, and
// overwrites both. All their counts fit into bytes.
func (k *kernel) countBits(total V, query, codes []V) {
	for i, x := range codes {
		k.eor(x, x, query[i])
		k.cnt(x, x)
	}
	for h := len(codes) / 2; h > 0; h /= 2 {
		for i := range h {
			k.addB(codes[i], codes[i], codes[i+h])
		}
	}
	k.uaddlpB(codes[0], codes[0])
	k.uadalpH(total, codes[0])
}

// hamming emits the kernel that compares one code with many: eight words of a code at a time, then two, then one.
func (f *file) hamming() {
	f.kernel("Hamming", "func(dst []int32, query, codes []uint64)", func(k *kernel) {
		dst, n := k.base("dst"), k.length("dst")
		query, words, codes := k.base("query"), k.length("query"), k.base("codes")
		at, left := k.r(), k.r()
		total, q, x := k.v(), k.several(4), k.several(4)
		k.label("codes")
		k.do("SUBS $1, %v", n)
		k.do("BLT done")
		k.clear(total)
		k.do("MOVD %v, %v", query, at)
		k.do("SUBS $8, %v, %v", words, left)
		k.do("BLT pairs")
		k.label("eight")
		k.ld1(q, at)
		k.ld1(x, codes)
		k.countBits(total, q, x)
		k.do("SUBS $8, %v", left)
		k.do("BGE eight")
		k.label("pairs")
		k.do("ADDS $6, %v", left)
		k.do("BLT last")
		k.label("two")
		k.ld1(q[:1], at)
		k.ld1(x[:1], codes)
		k.countBits(total, q[:1], x[:1])
		k.do("SUBS $2, %v", left)
		k.do("BGE two")
		k.label("last")
		k.do("ADDS $1, %v", left)
		k.do("BLT store")
		k.loadD(q[0], at, 0)
		k.do("FMOVD.P 8(%v), F%d", codes, x[0])
		k.countBits(total, q[:1], x[:1])
		k.label("store")
		k.addv(total, total)
		k.do("FMOVS.P F%d, 4(%v)", total, dst)
		k.do("B codes")
		k.label("done")
	})
}

// hammingBelow emits the kernel that tells which of the codes, 64 at a time and in lanes, are near a query. A quarter
// of a group is counted at once, in bytes as long as these do not overflow.
func (f *file) hammingBelow() {
	const vectors, most = 8, 31 // words that are counted in bytes
	f.data("neonByteBits", []byte{1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128})
	f.kernel("HammingBelow", "func(dst, query, codes []uint64, limit int64)", func(k *kernel) {
		dst, groups := k.base("dst"), k.length("dst")
		query, words, codes := k.base("query"), k.length("query"), k.base("codes")
		counts, total, x := k.several(vectors), k.several(vectors), k.several(4)
		q, limit, weights := k.v(), k.v(), k.v()
		word, at, next, left, now, below := k.r(), k.r(), k.r(), k.r(), k.r(), k.r()
		k.load("limit", word)
		k.dupDouble(limit, word)
		k.do("MOVD $·neonByteBits(SB), %v", word)
		k.loadQ(weights, word, 0)

		k.label("groups")
		k.do("SUBS $1, %v", groups)
		k.do("BLT done")
		k.do("MOVD ZR, %v", below)
		for part := range 4 {
			k.do("ADD $%d, %v, %v", 16*vectors*part, codes, at)
			k.do("MOVD %v, %v", query, next)
			k.do("MOVD %v, %v", words, left)
			for _, sum := range total {
				k.clear(sum)
			}
			k.label(label("chunk", part))
			for _, sum := range counts {
				k.clear(sum)
			}
			k.do("MOVD $%d, %v", most, now)
			k.do("CMP %v, %v", now, left)
			k.do("CSEL LT, %v, %v, %v", left, now, now)
			k.do("SUB %v, %v", now, left)
			k.label(label("words", part))
			k.do("MOVD.P 8(%v), %v", next, word)
			k.dupDouble(q, word)
			for i := 0; i < vectors; i += 4 {
				k.loadPair(x[0], x[1], at, 16*i)
				k.loadPair(x[2], x[3], at, 16*i+32)
				for j, y := range x {
					k.eor(y, y, q)
					k.cnt(y, y)
					k.addB(counts[i+j], counts[i+j], y)
				}
			}
			k.do("ADD $512, %v", at)
			k.do("SUBS $1, %v", now)
			k.do("BNE %s", label("words", part))
			for i, sum := range counts {
				k.uaddlpB(sum, sum)
				k.uaddlpH(sum, sum)
				k.uadalpS(total[i], sum)
			}
			k.do("CBNZ %v, %s", left, label("chunk", part))

			// Sixteen words of all ones or zeros become bytes, those bits, and these one number.
			for _, sum := range total {
				k.cmgtD(sum, limit, sum)
			}
			for i := range 4 {
				k.uzp1S(total[i], total[2*i], total[2*i+1])
			}
			k.uzp1H(total[0], total[0], total[1])
			k.uzp1H(total[1], total[2], total[3])
			k.uzp1B(total[0], total[0], total[1])
			k.and(total[0], total[0], weights)
			for range 3 {
				k.addpB(total[0], total[0], total[0])
			}
			k.laneH(word, total[0])
			k.do("ORR %v<<%d, %v, %v", word, 2*vectors*part, below, below)
		}
		k.do("MOVD.P %v, 8(%v)", below, dst)
		k.do("ADD %v<<9, %v, %v", words, codes, codes)
		k.do("B groups")
		k.label("done")
	})
}

// multiplyAdds emits a loop of independent fused multiply-adds on registers: what the processor can do at best.
func (f *file) multiplyAdds() {
	f.kernel("MultiplyAdds", "func(n int)", func(k *kernel) {
		n, x, total := k.param("n"), k.zero(), k.zeros(24)
		k.label("steps")
		k.do("SUBS $1, %v", n)
		k.do("BLT done")
		for _, sum := range total {
			k.fmla(sum, x, x)
		}
		k.do("B steps")
		k.label("done")
	})
}
