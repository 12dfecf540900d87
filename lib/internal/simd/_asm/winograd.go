// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/lateral-ml/lateral/lib/internal/simd/_asm/winograd"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// arithmetic emits the operations of maps.
type arithmetic struct{ isa }

func (v arithmetic) Zero() op              { return v.zero() }
func (v arithmetic) Constant(f float64) op { return v.constant(f) }
func (v arithmetic) Copy(x op) op          { return v.copy(x) }
func (v arithmetic) Add(a, b op) op        { return v.add(a.(vec), b) }
func (v arithmetic) Sub(a, b op) op        { return v.sub(a.(vec), b) }
func (v arithmetic) Mul(a, b op) op        { return v.mul(a.(vec), b) }
func (v arithmetic) FMA(x, y, z op) op     { return v.fma(x.(vec), y, z.(vec)) }
func (v arithmetic) FNMA(x, y, z op) op    { return v.fnma(x.(vec), y, z.(vec)) }

// winograd emits the linear maps of minimal filtering.
func (v isa) winograd() {
	for _, m := range winograd.Maps[op]() {
		v.linear(m)
	}
}

// linear emits a kernel that applies a map to vectors which lie a plane apart, n floats of each; and that for count
// items, a step apart.
func (v isa) linear(m winograd.Map[op]) {
	v.text(m.Kernel, "func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)")
	to, from := base("dst"), base("src")
	dstPlane, srcPlane := v.stride("dstPlane"), v.stride("srcPlane")
	count, n := Load(Param("count"), GP64()).(gp), Load(Param("n"), GP64()).(gp)
	compute := m.Prepare(arithmetic{v})
	rest := GP64()
	MOVQ(n, rest)
	ANDQ(operand.U8(uint8(v.lanes-1)), rest)
	SUBQ(rest, n) // the floats in whole vectors
	last := v.masks(rest, 1)[0]

	left := GP64()
	Label("items")
	SUBQ(operand.U8(1), count)
	JLT(operand.LabelRef("done"))
	dst, src := GP64(), GP64()
	MOVQ(to, dst)
	MOVQ(from, src)
	advance := func(items gp, step string) { // reads the step from memory: there are not enough registers
		Load(Param(step), left)
		LEAQ(operand.Mem{Base: items, Index: left, Scale: 4}, items)
	}
	advance(to, "dstStep")
	advance(from, "srcStep")
	out, in := rowAddresses(dst, m.Outputs, dstPlane, false), rowAddresses(src, m.Inputs, srcPlane, false)
	MOVQ(n, left)
	Label("vectors")
	SUBQ(operand.U8(uint8(v.lanes)), left)
	JLT(operand.LabelRef("rest"))
	x := make([]op, m.Inputs)
	for i := range x {
		x[i] = v.copy(in.at(i, 0))
	}
	for i, y := range compute(x) {
		VMOVUPS(y, out.at(i, 0))
	}
	in.advance(v.lanes)
	out.advance(v.lanes)
	JMP(operand.LabelRef("vectors"))

	Label("rest")
	TESTQ(rest, rest)
	JZ(operand.LabelRef("items"))
	x = make([]op, m.Inputs)
	for i := range x {
		x[i] = v.loadMasked(in.at(i, 0), last)
	}
	for i, y := range compute(x) {
		v.storeMasked(y.(vec), last, out.at(i, 0))
	}
	JMP(operand.LabelRef("items"))
	Label("done")
	v.end()
}
