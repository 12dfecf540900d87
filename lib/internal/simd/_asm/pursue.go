// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pursue emits the kernels of a step of a pursuit, for whole vectors. Registers hold a piece of the new direction while
// the older ones pass by.
func (v isa) pursue() {
	v.pursuit("Pursue", "func(next, row, older []float32, ld int, weights, products, scores []float32, z float32) float32", false)
	v.pursuit("PursueOptimized", "func(next, row, older []float32, ld int, weights, products, scores, lengths []float32, "+
		"z, inverse, least float32) float32", true)
}

func (v isa) pursuit(kernel, signature string, optimized bool) {
	v.text(kernel, signature)
	next, row, older, ld := base("next"), base("row"), base("older"), v.stride("ld")
	weights, count := base("weights"), length("weights")
	products, scores := base("products"), base("scores")
	left := length("next")
	SHLQ(operand.U8(2), left)
	at, older2, e := GP64(), GP64(), GP64()
	XORQ(at, at)
	z, best := v.param("z"), v.zero()
	var lengths gp
	var inverse, least vec
	var signless op
	if optimized {
		lengths, inverse, least = base("lengths"), v.param("inverse"), v.param("least")
	} else {
		signless = v.signless()
	}
	for _, vectors := range []int{4, 1} {
		place := func(base gp, i int) operand.Mem {
			return operand.Mem{Base: base, Index: at, Scale: 1, Disp: i * v.size()}
		}
		Label(label("piece", vectors))
		CMPQ(left, operand.U32(uint32(vectors*v.size())))
		JLT(operand.LabelRef(label("rest", vectors)))
		sums := make([]vec, vectors)
		for i := range sums {
			sums[i] = v.copy(place(row, i))
		}
		LEAQ(operand.Mem{Base: older, Index: at, Scale: 1}, older2)
		XORQ(e, e)
		Label(label("older", vectors))
		CMPQ(e, count)
		JGE(operand.LabelRef(label("update", vectors)))
		weight := v.vec()
		VBROADCASTSS(operand.Mem{Base: weights, Index: e, Scale: 4}, weight)
		for i, sum := range sums {
			VFMADD231PS(operand.Mem{Base: older2, Disp: i * v.size()}, weight, sum)
		}
		ADDQ(ld, older2)
		INCQ(e)
		JMP(operand.LabelRef(label("older", vectors)))
		Label(label("update", vectors))
		for i, sum := range sums {
			VMOVUPS(sum, place(next, i))
			product := v.fnma(sum, z, v.copy(place(products, i)))
			VMOVUPS(product, place(products, i))
			var score vec
			if optimized {
				length := v.fnma(v.mul(sum, sum), inverse, v.copy(place(lengths, i)))
				length = v.max(length, least)
				VMOVUPS(length, place(lengths, i))
				score = v.div(v.mul(product, product), length)
			} else {
				score = v.abs(product, signless)
			}
			VMOVUPS(score, place(scores, i))
			VMAXPS(score, best, best)
		}
		ADDQ(operand.U32(uint32(vectors*v.size())), at)
		SUBQ(operand.U32(uint32(vectors*v.size())), left)
		JMP(operand.LabelRef(label("piece", vectors)))
		Label(label("rest", vectors))
	}
	largest := v.fold([]vec{best}, func(src, dst reg.Register) { VMAXPS(src, dst, dst) })
	Store(largest, ReturnIndex(0))
	v.end()
}
