// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packing emits the kernels that pack a panel, and the one that fetches a tile of C ahead of time.
func (v isa) packing() {
	v.copyRows()
	v.transpose()
	v.prefetch()
}

// prefetch asks for the cache lines of rows of C, as wide as a tile.
func (v isa) prefetch() {
	v.text("Prefetch", "func(c []float32, ldc, rows int)")
	c := base("c")
	ldc, rows := Load(Param("ldc"), GP64()).(gp), Load(Param("rows"), GP64()).(gp)
	SHLQ(operand.U8(2), ldc)
	Label("rows")
	for line := 0; line < 2*v.size(); line += 64 {
		PREFETCHT0(operand.Mem{Base: c, Disp: line})
	}
	ADDQ(ldc, c)
	DECQ(rows)
	JNZ(operand.LabelRef("rows"))
	RET()
}

// copyRows copies k rows of n elements, n at most two vectors, and fills the last vector of each with zeros.
func (v isa) copyRows() {
	v.text("CopyRows", "func(dst []float32, dstStride int, src []float32, stride, k, n int)")
	dst, src := base("dst"), base("src")
	dstStride, stride := Load(Param("dstStride"), GP64()).(gp), Load(Param("stride"), GP64()).(gp)
	SHLQ(operand.U8(2), dstStride)
	SHLQ(operand.U8(2), stride)
	k, n := Load(Param("k"), GP64()).(gp), Load(Param("n"), GP64()).(gp)
	masks := v.masks(n, 2)
	loop := func(name string, vectors int) {
		Label(name)
		for j := range vectors {
			x := v.loadMasked(operand.Mem{Base: src, Disp: j * v.size()}, masks[j])
			VMOVUPS(x, operand.Mem{Base: dst, Disp: j * v.size()})
		}
		ADDQ(stride, src)
		ADDQ(dstStride, dst)
		DECQ(k)
		JNZ(operand.LabelRef(name))
	}
	CMPQ(n, operand.U8(uint8(v.lanes)))
	JLE(operand.LabelRef("one"))
	loop("two", 2)
	v.end()
	loop("one", 1)
	v.end()
}

// transpose turns n rows of src, n at most one vector, into columns of dst, four elements of each row at a time.
// k is a multiple of four. Rows past the last are the last one again.
//
// Four registers collect 128-bit pieces: lane l of register j is from row 4*l+j. Transposing 4 x 4 within the lanes
// then gives four complete vectors of the result.
func (v isa) transpose() {
	v.text("Transpose", "func(dst []float32, dstStride int, src []float32, stride, k, n int)")
	dst, src := base("dst"), base("src")
	dstStride, stride := Load(Param("dstStride"), GP64()).(gp), Load(Param("stride"), GP64()).(gp)
	SHLQ(operand.U8(2), dstStride)
	SHLQ(operand.U8(2), stride)
	k, n := Load(Param("k"), GP64()).(gp), Load(Param("n"), GP64()).(gp)
	zero := GP64()
	XORQ(zero, zero)

	// columns transposes 4*groups elements of each row.
	columns := func(groups int) {
		row, down := GP64(), GP64()
		MOVQ(src, row)
		parts := make([][4]vec, groups)
		for r := range v.lanes {
			for g := range parts {
				piece := operand.Mem{Base: row, Disp: 16 * g}
				lane, j := r/4, r%4
				if lane == 0 {
					parts[g][j] = v.vec()
				}
				v.insert(piece, lane, parts[g][j])
			}
			if r+1 < v.lanes {
				MOVQ(stride, down)
				CMPQ(n, operand.U8(uint8(r+1)))
				CMOVQLE(zero, down)
				ADDQ(down, row)
			}
		}
		for g := range parts {
			for _, column := range v.transpose4(parts[g]) {
				VMOVUPS(column, operand.Mem{Base: dst})
				ADDQ(dstStride, dst)
			}
		}
		ADDQ(operand.U8(uint8(16*groups)), src)
		SUBQ(operand.U8(uint8(4*groups)), k)
	}
	// A cache line of each row at a time, as far as the registers go.
	groups := v.regs / 8
	Label("blocks")
	CMPQ(k, operand.U8(uint8(4*groups)))
	JLT(operand.LabelRef("rest"))
	columns(groups)
	JMP(operand.LabelRef("blocks"))
	Label("rest")
	TESTQ(k, k)
	JZ(operand.LabelRef("done"))
	columns(1)
	JMP(operand.LabelRef("rest"))
	Label("done")
	v.end()
}

// insert sets one 128-bit lane of x; the first one sets all lanes, so that x depends on nothing before.
func (v isa) insert(piece operand.Mem, lane int, x vec) {
	switch {
	case lane == 0 && v.wide():
		VBROADCASTF32X4(piece, x)
	case lane == 0:
		VBROADCASTF128(piece, x)
	case v.wide():
		VINSERTF32X4(operand.U8(uint8(lane)), piece, x, x)
	default:
		VINSERTF128(operand.U8(uint8(lane)), piece, x, x)
	}
}

// transpose4 transposes 4 x 4 floats within each 128-bit lane of four registers.
func (v isa) transpose4(x [4]vec) [4]reg.Register {
	low01, high01, low23, high23 := v.vec(), v.vec(), v.vec(), v.vec()
	VUNPCKLPS(x[1], x[0], low01)
	VUNPCKHPS(x[1], x[0], high01)
	VUNPCKLPS(x[3], x[2], low23)
	VUNPCKHPS(x[3], x[2], high23)
	c := [4]vec{v.vec(), v.vec(), v.vec(), v.vec()}
	VUNPCKLPD(low23, low01, c[0])
	VUNPCKHPD(low23, low01, c[1])
	VUNPCKLPD(high23, high01, c[2])
	VUNPCKHPD(high23, high01, c[3])
	return [4]reg.Register{c[0], c[1], c[2], c[3]}
}
