// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// hamming emits the kernel that compares one code with many.
func (v isa) hamming() {
	v.text("Hamming", "func(dst []int32, query, codes []uint64)")
	if v.wide() {
		v.hammingWide()
	} else {
		v.hammingNarrow()
	}
}

// hammingWide takes eight codes at a time, then one: eight words of each code pass by, those past the end masked out.
func (v isa) hammingWide() {
	dst, n := base("dst"), length("dst")
	query, words := base("query"), length("query")
	codes := base("codes")
	size := GP64() // of a code, in bytes
	MOVQ(words, size)
	SHLQ(operand.U8(3), size)
	tail, bits := K(), GP64()
	MOVQ(words, bits)
	ANDQ(operand.U8(7), bits)
	ones := GP64()
	MOVQ(operand.I64(-1), ones)
	BZHIQ(bits, ones, bits)
	KMOVW(bits.As32(), tail)
	ANDQ(operand.I8(-8), words) // those in whole vectors

	block := func(name, after string, count int) {
		Label(name)
		CMPQ(n, operand.U8(uint8(count)))
		JLT(operand.LabelRef(after))
		sums := make([]vec, count)
		address := make([]gp, count)
		for i := range sums {
			sums[i], address[i] = v.zero(), GP64()
			if i == 0 {
				MOVQ(codes, address[i])
			} else {
				LEAQ(operand.Mem{Base: address[i-1], Index: size, Scale: 1}, address[i])
			}
		}
		j := GP64()
		XORQ(j, j)
		compare := func(q vec, k mask) {
			for i := range sums {
				x := v.vec()
				m := operand.Mem{Base: address[i], Index: j, Scale: 8}
				if k == nil {
					VPXORQ(m, q, x)
				} else {
					VPXORQ_Z(m, q, k, x)
				}
				VPOPCNTQ(x, x)
				VPADDQ(x, sums[i], sums[i])
			}
		}
		Label(name + "Words")
		CMPQ(j, words)
		JGE(operand.LabelRef(name + "Tail"))
		compare(v.copy(operand.Mem{Base: query, Index: j, Scale: 8}), nil)
		ADDQ(operand.U8(8), j)
		JMP(operand.LabelRef(name + "Words"))
		Label(name + "Tail")
		KTESTW(tail, tail)
		JZ(operand.LabelRef(name + "Store"))
		q := v.vec()
		VMOVDQU64_Z(operand.Mem{Base: query, Index: j, Scale: 8}, tail, q)
		compare(q, tail)
		Label(name + "Store")
		if count == 8 {
			VPMOVQD(foldWords(sums), operand.Mem{Base: dst})
		} else {
			total := v.fold(sums, func(src, dst reg.Register) { VPADDQ(src, dst, dst) })
			VMOVD(total, operand.Mem{Base: dst})
		}
		LEAQ(operand.Mem{Base: address[count-1], Index: size, Scale: 1}, codes)
		ADDQ(operand.U8(uint8(4*count)), dst)
		SUBQ(operand.U8(uint8(count)), n)
		JMP(operand.LabelRef(name))
	}
	block("eight", "one", 8)
	block("one", "done", 1)
	Label("done")
	v.end()
}

// foldWords returns the sums of eight vectors of eight words, one word each.
func foldWords(x []vec) vec {
	// Pairs of words, then quarters of a vector, then halves.
	var pairs [4]vec
	for i := range pairs {
		even, odd := ZMM(), ZMM()
		VPUNPCKLQDQ(x[2*i+1], x[2*i], even)
		VPUNPCKHQDQ(x[2*i+1], x[2*i], odd)
		VPADDQ(odd, even, even)
		pairs[i] = even
	}
	join := func(a, b vec) vec {
		even, odd := ZMM(), ZMM()
		VSHUFI64X2(operand.U8(0x88), b, a, even)
		VSHUFI64X2(operand.U8(0xdd), b, a, odd)
		VPADDQ(odd, even, even)
		return even
	}
	return join(join(pairs[0], pairs[1]), join(pairs[2], pairs[3]))
}

// hammingNarrow takes one code at a time, four words of it, then one. The bits of a nibble are looked up in a table.
func (v isa) hammingNarrow() {
	dst, n := base("dst"), length("dst")
	query, words := base("query"), length("query")
	codes := base("codes")
	count := bitCounter(v)

	Label("codes")
	SUBQ(operand.U8(1), n)
	JLT(operand.LabelRef("done"))
	sum, j, next, total := v.zero(), GP64(), GP64(), GP64()
	XORQ(j, j)
	XORQ(total, total)
	Label("vectors")
	LEAQ(operand.Mem{Base: j, Disp: 4}, next)
	CMPQ(next, words)
	JGT(operand.LabelRef("fold"))
	x := v.copy(operand.Mem{Base: query, Index: j, Scale: 8})
	VPXOR(operand.Mem{Base: codes, Index: j, Scale: 8}, x, x)
	VPADDQ(count(x), sum, sum)
	MOVQ(next, j)
	JMP(operand.LabelRef("vectors"))
	Label("fold")
	half := XMM()
	VEXTRACTI128(operand.U8(1), sum, half)
	VPADDQ(half, sum.AsX(), sum.AsX())
	VPSHUFD(operand.U8(0b1110), sum.AsX(), half)
	VPADDQ(half, sum.AsX(), sum.AsX())
	VMOVQ(sum.AsX(), total)
	Label("words")
	CMPQ(j, words)
	JGE(operand.LabelRef("store"))
	word := GP64()
	MOVQ(operand.Mem{Base: query, Index: j, Scale: 8}, word)
	XORQ(operand.Mem{Base: codes, Index: j, Scale: 8}, word)
	POPCNTQ(word, word)
	ADDQ(word, total)
	INCQ(j)
	JMP(operand.LabelRef("words"))
	Label("store")
	MOVL(total.As32(), operand.Mem{Base: dst})
	ADDQ(operand.U8(4), dst)
	LEAQ(operand.Mem{Base: codes, Index: words, Scale: 8}, codes)
	JMP(operand.LabelRef("codes"))
	Label("done")
	v.end()
}

// hammingBelow emits the kernel that tells which of the codes, 64 at a time and in lanes, are near a query.
func (v isa) hammingBelow() {
	v.text("HammingBelow", "func(dst, query, codes []uint64, limit int64)")
	dst, groups := base("dst"), length("dst")
	query, words := base("query"), length("query")
	codes := base("codes")
	address, err := Param("limit").Resolve()
	if err != nil {
		panic(err)
	}
	limit := v.vec()
	VPBROADCASTQ(address.Addr, limit)
	lanes := v.lanes / 2
	sums := make([]vec, v.regs/4) // the codes that are compared at once: a group, or a quarter of it
	count := bitCounter(v)

	Label("groups")
	SUBQ(operand.U8(1), groups)
	JLT(operand.LabelRef("done"))
	below := GP64()
	XORQ(below, below)
	for part := 0; part < 64; part += lanes * len(sums) {
		for i := range sums {
			sums[i] = v.zero()
		}
		j, at := GP64(), GP64()
		XORQ(j, j)
		LEAQ(operand.Mem{Base: codes, Disp: 8 * part}, at)
		Label(label("words", part))
		q := v.vec()
		VPBROADCASTQ(operand.Mem{Base: query, Index: j, Scale: 8}, q)
		for i := range sums {
			x := v.vec()
			m := operand.Mem{Base: at, Disp: i * v.size()}
			if v.wide() {
				VPXORQ(m, q, x)
			} else {
				VPXOR(m, q, x)
			}
			VPADDQ(count(x), sums[i], sums[i])
		}
		ADDQ(operand.U32(512), at)
		INCQ(j)
		CMPQ(j, words)
		JLT(operand.LabelRef(label("words", part)))
		for i, sum := range sums {
			bits := GP64()
			if v.wide() {
				k := K()
				VPCMPQ(operand.U8(1), limit, sum, k)
				KMOVB(k, bits.As32())
			} else {
				VPCMPGTQ(sum, limit, sum)
				VMOVMSKPD(sum, bits.As32())
			}
			if shift := part + i*lanes; shift > 0 {
				SHLQ(operand.U8(uint8(shift)), bits)
			}
			ORQ(bits, below)
		}
	}
	MOVQ(below, operand.Mem{Base: dst})
	ADDQ(operand.U8(8), dst)
	size := GP64()
	MOVQ(words, size)
	SHLQ(operand.U8(9), size)
	ADDQ(size, codes)
	JMP(operand.LabelRef("groups"))
	Label("done")
	v.end()
}

// hammingBelow4 emits hammingBelow for four queries at once: the codes, which come from the second-level cache, are loaded
// once for all of them. The counting is then what takes the time: three operations, one of them on half of the pipes.
func (v isa) hammingBelow4() {
	v.text("HammingBelow4", "func(dst []uint64, row int, queries, codes []uint64, limits []int32)")
	const queries, vectors = 4, 4 // half a group
	groups := Load(Param("row"), GP64()).(gp)
	rowSize, size := GP64(), length("queries") // of a query's row of dst, of a query
	MOVQ(groups, rowSize)
	SHLQ(operand.U8(3), rowSize)
	SHLQ(operand.U8(1), size)
	dst, first, codes, limits := base("dst"), base("queries"), base("codes"), base("limits")
	last := GP64() // query
	LEAQ(operand.Mem{Base: size, Index: size, Scale: 2}, last)
	ADDQ(first, last)
	query := [queries]operand.Mem{{Base: first}, {Base: first, Index: size, Scale: 1}, {Base: first, Index: size, Scale: 2}, {Base: last}}

	var sums [queries][vectors]vec
	for q := range sums {
		for i := range sums[q] {
			sums[q][i] = v.vec()
		}
	}

	Label("groups")
	SUBQ(operand.U8(1), groups)
	JLT(operand.LabelRef("done"))
	for part := range 2 {
		for _, row := range sums {
			for _, sum := range row {
				VPXORD(sum, sum, sum)
			}
		}
		j, at := GP64(), GP64()
		XORQ(j, j)
		LEAQ(operand.Mem{Base: codes, Disp: part * vectors * v.size()}, at)
		Label(label("words", part))
		var code [vectors]vec
		for i := range code {
			code[i] = v.copy(operand.Mem{Base: at, Disp: i * v.size()})
		}
		for q := range sums {
			word := v.vec()
			VPBROADCASTQ(query[q], word)
			for i := range code {
				x := v.vec()
				VPXORQ(code[i], word, x)
				VPOPCNTQ(x, x)
				VPADDQ(x, sums[q][i], sums[q][i])
			}
		}
		ADDQ(operand.U8(8), first)
		ADDQ(operand.U8(8), last)
		ADDQ(operand.U32(512), at)
		ADDQ(operand.U8(8), j)
		CMPQ(j, size)
		JLT(operand.LabelRef(label("words", part)))
		SUBQ(size, first)
		SUBQ(size, last)
		row := GP64()
		MOVQ(dst, row)
		for q := range sums {
			limit, all := GP64(), v.vec()
			MOVLQSX(operand.Mem{Base: limits, Disp: 4 * q}, limit)
			VPBROADCASTQ(limit, all)
			for i, sum := range sums[q] {
				below := K()
				VPCMPQ(operand.U8(1), all, sum, below)
				KMOVB(below, operand.Mem{Base: row, Disp: part*vectors + i})
			}
			ADDQ(rowSize, row)
		}
	}
	ADDQ(operand.U8(8), dst)
	SHLQ(operand.U8(6), size)
	ADDQ(size, codes)
	SHRQ(operand.U8(6), size)
	JMP(operand.LabelRef("groups"))
	Label("done")
	v.end()
}

// bitCounter returns what emits the count of the bits of each word of x, for which it may overwrite x.
func bitCounter(v isa) func(x vec) vec {
	if v.wide() {
		return func(x vec) vec { VPOPCNTQ(x, x); return x }
	}
	counts, nibble, zero := v.copy(nibbles()), v.copy(v.memory(0x0f0f0f0f)), v.zero()
	return func(x vec) vec {
		high := v.vec()
		VPSRLW(operand.U8(4), x, high)
		VPAND(nibble, x, x)
		VPAND(nibble, high, high)
		VPSHUFB(x, counts, x)
		VPSHUFB(high, counts, high)
		VPADDB(high, x, x)
		VPSADBW(zero, x, x)
		return x
	}
}

// nibbleTable holds the number of bits of 0 to 15, twice.
var nibbleTable *operand.Mem

func nibbles() operand.Mem {
	if nibbleTable == nil {
		t := GLOBL("nibbles", attr.RODATA|attr.NOPTR)
		for i := range 4 {
			DATA(8*i, operand.U64([]uint64{0x0302020102010100, 0x0403030203020201}[i%2]))
		}
		nibbleTable = &t
	}
	return *nibbleTable
}

// multiplyAdds emits a loop of independent fused multiply-adds on registers: what the processor can do at best.
func (v isa) multiplyAdds() {
	v.text("MultiplyAdds", "func(n int)")
	n := Load(Param("n"), GP64()).(gp)
	x := v.zero()
	sums := make([]vec, v.regs/2)
	for i := range sums {
		sums[i] = v.zero()
	}
	Label("steps")
	SUBQ(operand.U8(1), n)
	JLT(operand.LabelRef("done"))
	for _, s := range sums {
		VFMADD231PS(x, x, s)
	}
	JMP(operand.LabelRef("steps"))
	Label("done")
	v.end()
}
