// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// maxPool emits the kernel for rows of windows that begin two elements apart. A vector of windows meets the elements
// of the window in turn; each time the elements are picked from twice as many consecutive floats.
func (v isa) maxPool() {
	v.text("MaxPool2", "func(dst []float32, index []int32, stride, rows, cols int, x []float32, first, rowStep, "+
		"height, width, pitch int)")
	x, evens, r := base("x"), v.evens(), GP64()
	XORQ(r, r)

	Label("lines")
	n, down := Load(Param("cols"), GP64()).(gp), Load(Param("stride"), GP64()).(gp)
	IMULQ(r, down)
	dst, index := base("dst"), base("index")
	LEAQ(operand.Mem{Base: dst, Index: down, Scale: 4}, dst)
	LEAQ(operand.Mem{Base: index, Index: down, Scale: 4}, index)
	first := Load(Param("rowStep"), GP64()).(gp)
	IMULQ(r, first)
	start := Load(Param("first"), GP64()).(gp)
	ADDQ(start, first)

	Label("blocks")
	TESTQ(n, n)
	JZ(operand.LabelRef("next"))
	// count windows, which see 2*count-1 floats of each row.
	count, floats := GP64(), GP64()
	MOVQ(operand.I32(int32(v.lanes)), count)
	CMPQ(n, count)
	CMOVQLT(n, count)
	LEAQ(operand.Mem{Base: count, Index: count, Scale: 1, Disp: -1}, floats)
	windows, seen := v.masks(count, 1)[0], v.masks(floats, 2)

	best, from := v.vec(), v.zero() // the largest so far and where it is in the window
	row, offset := GP64(), GP64()
	LEAQ(operand.Mem{Base: x, Index: first, Scale: 4}, row)
	XORQ(offset, offset)
	VMOVAPS(v.everySecond(operand.Mem{Base: row}, seen, evens), best)
	rows := Load(Param("height"), GP64()).(gp)
	Label("rows")
	j, width := GP64(), Load(Param("width"), GP64()).(gp)
	XORQ(j, j)
	Label("elements")
	candidate := v.everySecond(operand.Mem{Base: row, Index: j, Scale: 4}, seen, evens)
	at := v.broadcastInt(offset)
	// A larger one wins, and a NaN over all numbers.
	wins := v.both(v.compare(candidate, greaterOrNaN, best), v.compare(best, ordered, best))
	VMOVAPS(v.choose(wins, candidate, best), best)
	VMOVAPS(v.choose(wins, at, from), from)
	INCQ(offset)
	INCQ(j)
	CMPQ(j, width)
	JLT(operand.LabelRef("elements"))
	pitch := Load(Param("pitch"), GP64()).(gp)
	LEAQ(operand.Mem{Base: row, Index: pitch, Scale: 4}, row)
	ADDQ(pitch, offset)
	SUBQ(width, offset)
	DECQ(rows)
	JNZ(operand.LabelRef("rows"))

	v.storeMasked(best, windows, operand.Mem{Base: dst})
	position := v.addInt(v.addInt(from, evens), v.broadcastInt(first))
	v.storeMasked(position, windows, operand.Mem{Base: index})
	ADDQ(operand.U8(uint8(v.size())), dst)
	ADDQ(operand.U8(uint8(v.size())), index)
	ADDQ(operand.U8(uint8(2*v.lanes)), first)
	SUBQ(count, n)
	JMP(operand.LabelRef("blocks"))
	Label("next")
	INCQ(r)
	last := Load(Param("rows"), GP64()).(gp)
	CMPQ(r, last)
	JLT(operand.LabelRef("lines"))
	v.end()
}

// evens returns the integers 0, 2, 4, ...
func (v isa) evens() vec {
	table := GLOBL("evens", attr.RODATA|attr.NOPTR)
	for i := range v.lanes {
		DATA(4*i, operand.U32(uint32(2*i)))
	}
	return v.copy(table)
}

// everySecond loads two vectors and returns their elements 0, 2, 4, ...
func (v isa) everySecond(m operand.Mem, k []mask, evens vec) vec {
	low, high := v.loadMasked(m, k[0]), v.loadMasked(m.Offset(v.size()), k[1])
	if v.wide() {
		VPERMT2PS(high, evens, low)
		return low
	}
	VSHUFPS(operand.U8(0x88), high, low, low)
	VPERMPD(operand.U8(0xd8), low, low)
	return low
}

// broadcastInt returns a vector of the low half of an integer.
func (v isa) broadcastInt(i gp) vec {
	x, r := XMM(), v.vec()
	VMOVD(i.As32(), x)
	VPBROADCASTD(x, r)
	return r
}

// both returns where two masks hold.
func (v isa) both(a, b mask) mask {
	if v.wide() {
		k := K()
		KANDW(a, b, k)
		return k
	}
	r := YMM()
	VANDPS(a, b, r)
	return r
}
