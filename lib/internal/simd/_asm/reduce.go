// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// step adds one vector of each input to a vector of partial sums, in place. In the masked rest of a slice, k is the
// mask and the inputs are zero outside it; before, k is nil. at is where the vector lies in a slice.
type step func(in []vec, sum vec, k mask, at func(name string) operand.Mem)

// reduction emits a kernel that sums over slices of equal length in the order described at simd.lanes.
// Its step may also write to the outputs.
func (v isa) reduction(kernel, signature string, inputs, outputs []string, prepare func() step) {
	v.text(kernel, signature)
	address := map[string]gp{}
	for _, name := range slices.Concat(inputs, outputs) {
		address[name] = base(name)
	}
	n, i, next := length(inputs[0]), GP64(), GP64()
	at := func(vector int) func(name string) operand.Mem {
		return func(name string) operand.Mem {
			return operand.Mem{Base: address[name], Index: i, Scale: 4, Disp: vector * v.size()}
		}
	}
	add := prepare()
	sums := make([]vec, v.sums())
	for t := range sums {
		sums[t] = v.zero()
	}

	XORQ(i, i)
	Label("blocks")
	LEAQ(operand.Mem{Base: i, Disp: 64}, next)
	CMPQ(next, n)
	JGT(operand.LabelRef("rest"))
	for t := range sums {
		in := make([]vec, len(inputs))
		for j, name := range inputs {
			in[j] = v.copy(at(t)(name))
		}
		add(in, sums[t], nil, at(t))
	}
	MOVQ(next, i)
	JMP(operand.LabelRef("blocks"))

	Label("rest")
	SUBQ(i, n)
	masks := v.restMasks(n)
	for t := range sums {
		CMPQ(n, operand.U8(uint8(t*v.lanes)))
		JLE(operand.LabelRef("fold"))
		k := masks(t)
		in := make([]vec, len(inputs))
		for j, name := range inputs {
			in[j] = v.loadMasked(at(t)(name), k)
		}
		add(in, sums[t], k, at(t))
	}
	Label("fold")
	total := v.fold(sums, func(src, dst reg.Register) { VADDPS(src, dst, dst) })
	Store(total, ReturnIndex(0))
	v.end()
}

// restMasks returns a function that makes the mask of one vector of a rest of n floats when it is needed.
func (v isa) restMasks(n gp) func(vector int) mask {
	if v.wide() {
		all := v.masks(n, v.sums())
		return func(vector int) mask { return all[vector] }
	}
	table := v.maskAddress(n)
	return func(vector int) mask {
		m := YMM()
		VMOVUPS(table.Offset(vector*v.size()), m)
		return m
	}
}

// reductions emits the sums, the maximum, the search and the counts.
func (v isa) reductions() {
	x := []string{"x"}
	v.reduction("Sum", "func(x []float32) float32", x, nil, func() step {
		return func(in []vec, sum vec, _ mask, _ func(string) operand.Mem) { VADDPS(in[0], sum, sum) }
	})
	v.reduction("AbsSum", "func(x []float32) float32", x, nil, func() step {
		signless := v.signless()
		return func(in []vec, sum vec, _ mask, _ func(string) operand.Mem) {
			VADDPS(v.abs(in[0], signless), sum, sum)
		}
	})
	v.reduction("SumSquares", "func(x []float32) float32", x, nil, func() step {
		return func(in []vec, sum vec, _ mask, _ func(string) operand.Mem) { v.fma(in[0], in[0], sum) }
	})
	v.reduction("ZeroTimes", "func(x []float32) float32", x, nil, func() step {
		zero := v.zero()
		return func(in []vec, sum vec, _ mask, _ func(string) operand.Mem) { v.fma(in[0], zero, sum) }
	})
	v.reduction("Dot", "func(a, b []float32) float32", []string{"a", "b"}, nil, func() step {
		return func(in []vec, sum vec, _ mask, _ func(string) operand.Mem) { v.fma(in[0], in[1], sum) }
	})
	v.reduction("ExpSum", "func(dst, x []float32, shift float32) float32", x, []string{"dst"}, func() step {
		shift := v.param("shift")
		exp := v.exponential()
		return func(in []vec, sum vec, k mask, at func(string) operand.Mem) {
			y := exp(v.add(in[0], shift))
			if k == nil {
				VMOVUPS(y, at("dst"))
			} else {
				v.storeMasked(y, k, at("dst"))
				y = v.keep(k, y)
			}
			VADDPS(y, sum, sum)
		}
	})
	v.maximum()
	v.index()
	v.count("CountNonZero", "func(x []float32) int", notEqualOrNaN)
	v.count("CountPositive", "func(x []float32) int", greater)
	v.count("CountAtLeast", "func(x []float32, s float32) int", atLeast)
	v.sumRows()
}

// maximum keeps a running maximum that ignores NaN, and remembers whether it met one.
func (v isa) maximum() {
	v.text("Max", "func(x []float32) float32")
	x, n := base("x"), length("x")
	parts := make([]vec, 4)
	for t := range parts {
		parts[t] = v.vec()
		VBROADCASTSS(operand.Mem{Base: x}, parts[t])
	}
	var bad mask
	if v.wide() {
		bad = K()
		KXORW(bad, bad, bad)
	} else {
		bad = v.zero()
	}
	// meet takes a vector into part t; outside of k, which is nil for a whole vector, it holds zeros.
	meet := func(y vec, t int, k mask) {
		nan := v.compare(y, unordered, y)
		if v.wide() {
			KORW(nan, bad, bad)
		} else {
			VORPS(nan, bad, bad)
		}
		larger := v.max(y, parts[t])
		if k == nil {
			VMOVAPS(larger, parts[t])
		} else if v.wide() {
			VMOVAPS(larger, k, parts[t])
		} else {
			VBLENDVPS(k, larger, parts[t], parts[t])
		}
	}
	blocks := func(loop, after string, vectors int) {
		Label(loop)
		CMPQ(n, operand.U8(uint8(vectors*v.lanes)))
		JLT(operand.LabelRef(after))
		for t := range vectors {
			meet(v.copy(operand.Mem{Base: x, Disp: t * v.size()}), t, nil)
		}
		ADDQ(operand.U32(uint32(vectors*v.size())), x)
		SUBQ(operand.U8(uint8(vectors*v.lanes)), n)
		JMP(operand.LabelRef(loop))
	}
	blocks("blocks", "vectors", 4)
	blocks("vectors", "rest", 1)
	Label("rest")
	TESTQ(n, n)
	JZ(operand.LabelRef("fold"))
	k := v.masks(n, 1)[0]
	meet(v.loadMasked(operand.Mem{Base: x}, k), 0, k)

	Label("fold")
	total := v.fold(parts, func(src, dst reg.Register) { VMAXPS(src, dst, dst) })
	bits := v.maskBits(bad)
	TESTL(bits, bits)
	JZ(operand.LabelRef("number"))
	VBROADCASTSS(v.memory(0x7fc00000), total)
	Label("number")
	Store(total, ReturnIndex(0))
	v.end()
}

// index finds the first element equal to v.
func (v isa) index() {
	v.text("Index", "func(x []float32, v float32) int")
	x, n := base("x"), length("x")
	want := v.param("v")
	i, next := GP64(), GP64()
	XORQ(i, i)
	Label("vectors")
	LEAQ(operand.Mem{Base: i, Disp: v.lanes}, next)
	CMPQ(next, n)
	JGT(operand.LabelRef("rest"))
	found := v.maskBits(v.compare(v.copy(operand.Mem{Base: x, Index: i, Scale: 4}), equal, want))
	TESTL(found, found)
	JNZ(operand.LabelRef("found"))
	MOVQ(next, i)
	JMP(operand.LabelRef("vectors"))

	Label("rest")
	SUBQ(i, n)
	JZ(operand.LabelRef("none"))
	last := v.loadMasked(operand.Mem{Base: x, Index: i, Scale: 4}, v.masks(n, 1)[0])
	bits := v.maskBits(v.compare(last, equal, want))
	BZHIL(n.As32(), bits, found)
	TESTL(found, found)
	JZ(operand.LabelRef("none"))
	Label("found")
	TZCNTL(found, found)
	ADDQ(found.As64(), i)
	Store(i, ReturnIndex(0))
	v.end()
	Label("none")
	MOVQ(operand.I64(-1), i)
	Store(i, ReturnIndex(0))
	v.end()
}

// count counts the elements that stand in a relation to s, or to zero if there is no s.
func (v isa) count(kernel, signature string, relation uint8) {
	v.text(kernel, signature)
	x, n := base("x"), length("x")
	var other vec
	if relation == atLeast {
		other = v.param("s")
	} else {
		other = v.zero()
	}
	total := GP64()
	XORQ(total, total)
	tally := func(y vec, rest bool) {
		c := v.maskBits(v.compare(y, relation, other))
		if rest {
			BZHIL(n.As32(), c, c)
		}
		POPCNTL(c, c)
		ADDQ(c.As64(), total)
	}
	blocks := func(loop, after string, vectors int) {
		Label(loop)
		CMPQ(n, operand.U8(uint8(vectors*v.lanes)))
		JLT(operand.LabelRef(after))
		for t := range vectors {
			tally(v.copy(operand.Mem{Base: x, Disp: t * v.size()}), false)
		}
		ADDQ(operand.U32(uint32(vectors*v.size())), x)
		SUBQ(operand.U8(uint8(vectors*v.lanes)), n)
		JMP(operand.LabelRef(loop))
	}
	blocks("blocks", "vectors", 4)
	blocks("vectors", "rest", 1)
	Label("rest")
	TESTQ(n, n)
	JZ(operand.LabelRef("done"))
	tally(v.loadMasked(operand.Mem{Base: x}, v.masks(n, 1)[0]), true)
	Label("done")
	Store(total, ReturnIndex(0))
	v.end()
}

// sumRows adds rows from first to last, for four vectors of columns at a time, then one, then a masked one.
func (v isa) sumRows() {
	v.text("SumRows", "func(dst, x []float32, rows, stride int, acc bool)")
	dst, x, n := base("dst"), base("x"), length("dst")
	stride := Load(Param("stride"), GP64()).(gp)
	SHLQ(operand.U8(2), stride)
	rows, acc := GP64(), GP8()
	Load(Param("acc"), acc)

	// columns adds up count vectors of columns, or the masked one.
	columns := func(name string, count int, k mask) {
		sums := make([]vec, count)
		for t := range sums {
			sums[t] = v.zero()
		}
		TESTB(acc, acc)
		JZ(operand.LabelRef(name + "Begin"))
		for t := range sums {
			if k == nil {
				VMOVUPS(operand.Mem{Base: dst, Disp: t * v.size()}, sums[t])
			} else {
				VMOVAPS(v.loadMasked(operand.Mem{Base: dst}, k), sums[t])
			}
		}
		Label(name + "Begin")
		row := GP64()
		MOVQ(x, row)
		Load(Param("rows"), rows)
		Label(name + "Rows")
		SUBQ(operand.U8(1), rows)
		JLT(operand.LabelRef(name + "Store"))
		for t := range sums {
			if k == nil {
				VADDPS(operand.Mem{Base: row, Disp: t * v.size()}, sums[t], sums[t])
			} else {
				VADDPS(v.loadMasked(operand.Mem{Base: row}, k), sums[t], sums[t])
			}
		}
		ADDQ(stride, row)
		JMP(operand.LabelRef(name + "Rows"))
		Label(name + "Store")
		for t := range sums {
			if k == nil {
				VMOVUPS(sums[t], operand.Mem{Base: dst, Disp: t * v.size()})
			} else {
				v.storeMasked(sums[t], k, operand.Mem{Base: dst})
			}
		}
	}
	blocks := func(loop, after string, vectors int) {
		Label(loop)
		CMPQ(n, operand.U8(uint8(vectors*v.lanes)))
		JLT(operand.LabelRef(after))
		columns(loop, vectors, nil)
		ADDQ(operand.U32(uint32(vectors*v.size())), dst)
		ADDQ(operand.U32(uint32(vectors*v.size())), x)
		SUBQ(operand.U8(uint8(vectors*v.lanes)), n)
		JMP(operand.LabelRef(loop))
	}
	blocks("blocks", "vectors", 4)
	blocks("vectors", "rest", 1)
	Label("rest")
	TESTQ(n, n)
	JZ(operand.LabelRef("done"))
	columns("rest", 1, v.masks(n, 1)[0])
	Label("done")
	v.end()
}
