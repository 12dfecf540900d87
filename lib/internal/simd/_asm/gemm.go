// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// tileRows is the largest number of rows of a tile: its sums (two vectors a row), two vectors of B and one element
// of A fill the registers.
func (v isa) tileRows() int {
	if v.wide() {
		return 14
	}
	return 6
}

// tiles emits the matrix product's kernels for every number of rows, one and two vectors of columns, and A as it is
// or transposed.
func (v isa) tiles() {
	for rows := 1; rows <= v.tileRows(); rows++ {
		for vectors := 1; vectors <= 2; vectors++ {
			v.tile(rows, vectors, false)
			v.tile(rows, vectors, true)
		}
	}
}

// tileName is the name of a tile kernel, the table in package simd is made of them.
func tileName(rows, vectors int, transposed bool) string {
	if transposed {
		return fmt.Sprintf("TileT%dx%d", rows, vectors)
	}
	return fmt.Sprintf("TileN%dx%d", rows, vectors)
}

// tile emits one kernel: rows x vectors registers hold the tile of C while k passes by; each step loads a row of the
// B panel, and for every row of the tile broadcasts an element of A and multiplies and adds. Every four steps two cache
// lines of what will be needed later are asked for, a stride of step floats further on each time until last: a few at a
// time, since a burst of them would hold up the kernel's own loads.
func (v isa) tile(rows, vectors int, transposed bool) {
	v.text(tileName(rows, vectors, transposed),
		"func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool, ahead *float32, step int, last *float32)")
	k := Load(Param("k"), GP64()).(gp)
	b := base("b")
	lda, ldb := v.stride("lda"), v.stride("ldb")
	a := rowAddresses(base("a"), rows, lda, transposed)

	sums := make([][]vec, rows)
	for i := range sums {
		for range vectors {
			sums[i] = append(sums[i], v.zero())
		}
	}
	acc := GP8()
	Load(Param("acc"), acc)
	TESTB(acc, acc)
	JZ(operand.LabelRef("begin"))
	row, ldc := base("c"), v.stride("ldc")
	// Masks and addresses are made anew at the end: there are not enough registers to keep them in.
	masks := v.masks(Load(Param("cols"), GP64()).(gp), vectors)
	for i := range sums {
		for j := range sums[i] {
			v.loadMaskedInto(operand.Mem{Base: row, Disp: j * v.size()}, masks[j], sums[i][j])
		}
		if i+1 < rows {
			ADDQ(ldc, row)
		}
	}

	Label("begin")
	ahead, step, last := Load(Param("ahead"), GP64()).(gp), v.stride("step"), Load(Param("last"), GP64()).(gp)
	const unroll = 4
	SUBQ(operand.U8(unroll), k)
	JLT(operand.LabelRef("rest"))
	Label("blocks")
	PREFETCHT0(operand.Mem{Base: ahead})
	PREFETCHT0(operand.Mem{Base: ahead, Disp: 64})
	ADDQ(step, ahead)
	CMPQ(ahead, last)
	CMOVQHI(last, ahead)
	for s := range unroll {
		v.tileStep(sums, a, b, s)
		ADDQ(ldb, b)
		if transposed {
			ADDQ(lda, a.bases[0])
		}
	}
	if !transposed {
		a.advance(unroll)
	}
	SUBQ(operand.U8(unroll), k)
	JGE(operand.LabelRef("blocks"))

	Label("rest")
	ADDQ(operand.U8(unroll), k)
	JZ(operand.LabelRef("store"))
	Label("steps")
	v.tileStep(sums, a, b, 0)
	ADDQ(ldb, b)
	if transposed {
		ADDQ(lda, a.bases[0])
	} else {
		a.advance(1)
	}
	DECQ(k)
	JNZ(operand.LabelRef("steps"))

	Label("store")
	zero := v.zero()
	row, ldc = base("c"), v.stride("ldc")
	masks = v.masks(Load(Param("cols"), GP64()).(gp), vectors)
	for i := range sums {
		for j := range sums[i] {
			VADDPS(zero, sums[i][j], sums[i][j]) // -0 becomes +0
			v.storeMasked(sums[i][j], masks[j], operand.Mem{Base: row, Disp: j * v.size()})
		}
		if i+1 < rows {
			ADDQ(ldc, row)
		}
	}
	v.end()
}

// addresses finds the elements of a column of the tile of A.
type addresses struct {
	bases []gp
	at    func(row, step int) operand.Mem
}

// rowAddresses prepares the addresses of the rows of A. Transposed, a column is consecutive in memory. Otherwise
// every third row has a base register, from which the next two are reached by lda and 2*lda.
func rowAddresses(a gp, rows int, lda gp, transposed bool) addresses {
	if transposed {
		return addresses{[]gp{a}, func(row, _ int) operand.Mem { return operand.Mem{Base: a, Disp: 4 * row} }}
	}
	bases := []gp{a}
	for row := 3; row < rows; row += 3 {
		next := GP64()
		LEAQ(operand.Mem{Base: bases[len(bases)-1], Index: lda, Scale: 2}, next)
		ADDQ(lda, next)
		bases = append(bases, next)
	}
	return addresses{bases, func(row, step int) operand.Mem {
		m := operand.Mem{Base: bases[row/3], Disp: 4 * step}
		if row%3 > 0 {
			m.Index, m.Scale = lda, uint8(row%3)
		}
		return m
	}}
}

// advance moves all rows of A on by some steps.
func (a addresses) advance(steps int) {
	for _, base := range a.bases {
		ADDQ(operand.U8(uint8(4*steps)), base)
	}
}

// tileStep multiplies one column of the tile of A with one row of the panel of B.
func (v isa) tileStep(sums [][]vec, a addresses, b gp, step int) {
	row := make([]vec, len(sums[0]))
	for j := range row {
		row[j] = v.copy(operand.Mem{Base: b, Disp: j * v.size()})
	}
	for i := range sums {
		x := v.vec()
		VBROADCASTSS(a.at(i, step), x)
		for j := range row {
			VFMADD231PS(row[j], x, sums[i][j])
		}
	}
}
