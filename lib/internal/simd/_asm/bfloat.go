// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Products of bfloat16 numbers. Go's assembler does not know their instructions, so they are written as numbers
// (encodings.go), which takes registers that are known here: the kernels choose their vector registers themselves.

// A block is what a tile's instruction takes: 32 steps of k, in 16 words of two steps each. See bfloat.go of package
// simd for the layout.
const (
	blockWords = 16
	wordBytes  = 4
	panelA     = 16 // rows that a packed panel of A has room for
	panelB     = 32 // columns of a packed panel of B
)

var zmm = [32]reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// bfloat emits the kernels of products of bfloat16 numbers, which come with AVX-512 and with tiles.
func (v isa) bfloat() {
	v.bfloatPairs("BfloatChains", [4]int{2, 0, 3, 1})
	v.bfloatPairs("BfloatPairs", [4]int{0, 1, 2, 3})
	v.bfloatLines()
	for rows := 1; rows <= bfloatRows; rows++ {
		for vectors := 1; vectors <= 2; vectors++ {
			v.bfloatTile(rows, vectors)
		}
	}
	v.bfloatTiles()
}

// bfloatRows is the largest number of rows of a tile: two sums for each vector of it, two vectors of B, a word of A and
// a vector of C fill the registers.
const bfloatRows = 7

// bfloatPairs rounds a block of steps of 16 or 32 columns. Of four steps it makes two words: the first of the steps
// order[0], in its lower half, and order[1], the second of order[2] and order[3].
func (v isa) bfloatPairs(name string, order [4]int) {
	v.text(name, "func(hi, lo []uint32, src []float32, width int)")
	hi, lo, src := base("hi"), base("lo"), base("src")
	row := v.stride("width")
	vectors, parts := Load(Param("width"), GP64()).(gp), length("lo")
	SHRQ(operand.U8(4), vectors)
	steps := func(label string, both bool) {
		Label(label)
		from, to, rest, count, third := GP64(), GP64(), GP64(), GP64(), GP64()
		MOVQ(src, from)
		MOVQ(hi, to)
		MOVQ(lo, rest)
		MOVQ(operand.U32(blockWords/2), count)
		Label(label + "Four")
		LEAQ(operand.Mem{Base: from, Index: row, Scale: 2}, third)
		rows := [4]operand.Mem{{Base: from}, {Base: from, Index: row, Scale: 1}, {Base: third}, {Base: third, Index: row, Scale: 1}}
		for word := range 2 {
			lower := v.rounded(0, rows[order[2*word]], both)
			upper := v.rounded(4, rows[order[2*word+1]], both)
			VPORD(lower.words, upper.high, upper.high)
			VMOVUPS(upper.high, operand.Mem{Base: to})
			ADDQ(row, to)
			if both {
				VPSLLD(operand.U8(16), upper.rest, upper.rest)
				VPORD(lower.rest, upper.rest, upper.rest)
				VMOVUPS(upper.rest, operand.Mem{Base: rest})
				ADDQ(row, rest)
			}
		}
		LEAQ(operand.Mem{Base: third, Index: row, Scale: 2}, from)
		DECQ(count)
		JNZ(operand.LabelRef(label + "Four"))
		ADDQ(operand.U8(64), src)
		ADDQ(operand.U8(64), hi)
		ADDQ(operand.U8(64), lo)
		DECQ(vectors)
		JNZ(operand.LabelRef(label))
	}
	TESTQ(parts, parts)
	JZ(operand.LabelRef("one"))
	steps("two", true)
	v.end()
	steps("one", false)
	v.end()
}

// A roundedVector is a vector rounded to bfloat16: in the lower half of each word and in the upper one; and the rounded
// rest, in the lower half.
type roundedVector struct{ words, high, rest reg.VecPhysical }

// rounded uses the four registers from first on.
func (v isa) rounded(first int, x op, both bool) roundedVector {
	r := roundedVector{zmm[first], zmm[first+1], zmm[first+2]}
	VMOVUPS(x, zmm[first+3])
	roundToBfloat(zmm[first+3], r.words)
	VPMOVZXWD(r.words.AsY(), r.words)
	VPSLLD(operand.U8(16), r.words, r.high)
	if both {
		VSUBPS(r.high, zmm[first+3], r.rest)
		roundToBfloat(r.rest, r.rest)
		VPMOVZXWD(r.rest.AsY(), r.rest)
	}
	return r
}

// bfloatLines rounds 32 rows of 32 steps, which stay in their order.
func (v isa) bfloatLines() {
	v.text("BfloatLines", "func(hi, lo []uint32, src []float32)")
	hi, lo, src, parts := base("hi"), base("lo"), base("src"), length("lo")
	lines := func(label string, both bool) {
		Label(label)
		count := GP64()
		MOVQ(operand.U32(32), count)
		Label(label + "Row")
		for half := range 2 {
			x, h, high, rest := zmm[0], zmm[1], zmm[2], zmm[3]
			VMOVUPS(operand.Mem{Base: src, Disp: 64 * half}, x)
			roundToBfloat(x, h)
			VMOVUPS(h.AsY(), operand.Mem{Base: hi, Disp: 32 * half})
			if both {
				VPMOVZXWD(h.AsY(), high)
				VPSLLD(operand.U8(16), high, high)
				VSUBPS(high, x, rest)
				roundToBfloat(rest, rest)
				VMOVUPS(rest.AsY(), operand.Mem{Base: lo, Disp: 32 * half})
			}
		}
		ADDQ(operand.U32(128), src)
		ADDQ(operand.U8(64), hi)
		ADDQ(operand.U8(64), lo)
		DECQ(count)
		JNZ(operand.LabelRef(label + "Row"))
		v.end()
	}
	TESTQ(parts, parts)
	JZ(operand.LabelRef("one"))
	lines("two", true)
	lines("one", false)
}

// bfloatTile emits a kernel for a tile of rows x vectors: passes over a block of A and a block of B, phases of them for
// each block of the product. After the first of three passes, A is read again, after the second, B is: phases is 2 then.
// There is one phase, 0, if each pass reads the next block of both.
//
// VDPBF16PS multiplies and adds the upper halves of its words first and then the lower ones. A tile's instruction has a
// chain of sums for each half of its words; here each word belongs to one chain, its upper half being the earlier step.
func (v isa) bfloatTile(rows, vectors int) {
	v.text(fmt.Sprintf("BfloatTile%dx%d", rows, vectors),
		"func(passes, phases int, a, b []uint32, c []float32, ldc, cols int, acc bool)")
	saved := AllocLocal(8)
	STMXCSR(saved)
	MOVL(operand.U32(0x9fc0), saved.Offset(4)) // small numbers are zero, nothing traps
	LDMXCSR(saved.Offset(4))

	sum := func(chain, i, j int) reg.VecPhysical { return zmm[chain*rows*vectors+i*vectors+j] }
	passes, phases := Load(Param("passes"), GP64()).(gp), Load(Param("phases"), GP64()).(gp)
	a, b, c, ldc := base("a"), base("b"), base("c"), v.stride("ldc")
	masks := v.masks(Load(Param("cols"), GP64()).(gp), vectors)
	acc, old := GP8(), make([]reg.Register, vectors)
	for j := range old {
		old[j] = K()
		KXORW(old[j], old[j], old[j])
	}
	Load(Param("acc"), acc)
	TESTB(acc, acc)
	JZ(operand.LabelRef("begin"))
	for j := range old {
		KMOVW(masks[j], old[j])
	}
	Label("begin")
	phase, count, row := GP64(), GP64(), GP64()
	MOVQ(phases, phase)

	Label("pass")
	for i := range 2 * rows * vectors {
		VPXORD(zmm[i], zmm[i], zmm[i])
	}
	MOVQ(operand.U32(blockWords/2), count)
	Label("words")
	for chain := range 2 {
		for j := range vectors {
			VMOVUPS(operand.Mem{Base: b, Disp: wordBytes*panelB*chain + 64*j}, zmm[28+j])
		}
		for i := range rows {
			VPBROADCASTD(operand.Mem{Base: a, Disp: wordBytes * (panelA*chain + i)}, zmm[30])
			for j := range vectors {
				multiplyBfloats(zmm[28+j], zmm[30], sum(chain, i, j))
			}
		}
	}
	ADDQ(operand.U32(2*wordBytes*panelA), a)
	ADDQ(operand.U32(2*wordBytes*panelB), b)
	DECQ(count)
	JNZ(operand.LabelRef("words"))

	MOVQ(c, row)
	for i := range rows {
		for j := range vectors {
			at := operand.Mem{Base: row, Disp: 64 * j}
			VADDPS(sum(1, i, j), sum(0, i, j), sum(0, i, j))
			VMOVUPS_Z(at, old[j], zmm[31])
			VADDPS(sum(0, i, j), zmm[31], zmm[31])
			VMOVUPS(zmm[31], masks[j], at)
		}
		if i+1 < rows {
			ADDQ(ldc, row)
		}
	}
	for j := range old {
		KMOVW(masks[j], old[j])
	}
	CMPQ(phase, operand.U8(1))
	JGT(operand.LabelRef("first"))
	JEQ(operand.LabelRef("second"))
	MOVQ(phases, phase)
	JMP(operand.LabelRef("next"))
	Label("first")
	SUBQ(operand.U32(blockWords*wordBytes*panelA), a)
	DECQ(phase)
	JMP(operand.LabelRef("next"))
	Label("second")
	SUBQ(operand.U32(blockWords*wordBytes*panelB), b)
	DECQ(phase)
	Label("next")
	DECQ(passes)
	JNZ(operand.LabelRef("pass"))
	LDMXCSR(saved)
	v.end()
}

// bfloatTiles emits the kernel for panels of 32 rows of A and tiles: registers T0 to T3 hold 32 x 32 elements of C, T4
// and T5 32 rows of A, T6 and T7 32 columns of B. The configuration of the tiles comes with the arguments; three says
// whether there are three products for each block; the distance of rows of C is in bytes.
func (v isa) bfloatTiles() {
	TEXT("amxBfloatTiles", attr.NOSPLIT,
		"func(config *byte, a, b []uint32, c []float32, stride, panels, blocks, acc, three int)")
	Pragma("noescape")
	const (
		half   = blockWords * wordBytes * 16 // 16 of the rows of a block of A
		blockA = 2 * half
		blockB = blockWords * wordBytes * panelB
	)
	Load(Param("config"), reg.RAX)
	loadTileConfig()
	Load(Param("a").Base(), reg.RSI)
	Load(Param("c").Base(), reg.RDI)
	Load(Param("stride"), reg.RAX)
	Load(Param("panels"), reg.R10)
	MOVQ(operand.U32(64), reg.RDX)

	a, b := tileRow{rsi, rdx, 1}, tileRow{rbx, rdx, 2}
	c := [2]tileRow{{rdi, rax, 1}, {rcx, rax, 1}}
	eachC := func(do func(t int, m tileRow, disp int)) {
		for t := range 4 {
			do(t, c[t/2], 64*(t%2))
		}
	}
	loadA := func(disp int) { loadTile(4, a, disp); loadTile(5, a, disp+half) }
	loadB := func(disp int) { loadTile(6, b, disp); loadTile(7, b, disp+64) }
	multiply := func() {
		for t := range 4 {
			multiplyTiles(t, 4+t/2, 6+t%2)
		}
	}
	unless := func(param, label string) {
		Load(Param(param), reg.R11)
		TESTQ(reg.R11, reg.R11)
		JZ(operand.LabelRef(label))
	}
	next := func(label string, parts int) {
		ADDQ(operand.U32(uint32(parts*blockA)), reg.RSI)
		ADDQ(operand.U32(uint32(parts*blockB)), reg.RBX)
		DECQ(reg.R9)
		JNZ(operand.LabelRef(label))
	}

	Label("panel")
	Load(Param("b").Base(), reg.RBX)
	Load(Param("blocks"), reg.R9)
	MOVQ(reg.RAX, reg.RCX)
	SHLQ(operand.U8(4), reg.RCX)
	ADDQ(reg.RDI, reg.RCX)
	unless("acc", "zero")
	eachC(loadTile)
	JMP(operand.LabelRef("begin"))
	Label("zero")
	eachC(func(t int, _ tileRow, _ int) { zeroTile(t) })
	Label("begin")
	unless("three", "one")

	Label("three")
	loadA(0)
	loadB(0)
	multiply()
	loadB(blockB)
	multiply()
	loadA(blockA)
	multiply()
	next("three", 2)
	JMP(operand.LabelRef("store"))

	Label("one")
	loadA(0)
	loadB(0)
	multiply()
	next("one", 1)

	Label("store")
	eachC(storeTile)
	MOVQ(reg.RAX, reg.RCX)
	SHLQ(operand.U8(5), reg.RCX)
	ADDQ(reg.RCX, reg.RDI)
	DECQ(reg.R10)
	JNZ(operand.LabelRef("panel"))
	releaseTiles()
	RET()
}
