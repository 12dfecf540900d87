// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// repel emits the kernel that adds up the forces of cells on 32 points, two vectors of points at a time.
func (v isa) repel() {
	const points, both = 32, 2
	v.text("Repel", "func(sums, points, cells []float32)")
	sums, coordinates := base("sums"), base("points")
	first, size := base("cells"), length("cells")
	SHLQ(operand.U8(2), size)
	end := GP64()
	LEAQ(operand.Mem{Base: first, Index: size, Scale: 1}, end)
	one, guess := v.constant(1), v.bits(0x7ef311c7)
	for at := 0; at < points; at += both * v.lanes {
		place := func(base gp, row, i int) operand.Mem {
			return operand.Mem{Base: base, Disp: 4 * (row*points + at + i*v.lanes)}
		}
		var x, y, z, fx, fy [both]vec
		for i := range both {
			x[i], y[i] = v.copy(place(coordinates, 0, i)), v.copy(place(coordinates, 1, i))
			z[i], fx[i], fy[i] = v.zero(), v.zero(), v.zero()
		}
		cell := GP64()
		MOVQ(first, cell)
		Label(label("cells", at))
		CMPQ(cell, end)
		JGE(operand.LabelRef(label("store", at)))
		for i := range both {
			load := func(disp int) vec {
				r := v.vec()
				VBROADCASTSS(operand.Mem{Base: cell, Disp: disp}, r)
				return r
			}
			dx, dy := v.sub(x[i], load(0)), v.sub(y[i], load(4))
			d := v.fma(dy, dy, v.fma(dx, dx, v.copy(one)))
			// 1/d: from the guess, which is off by 12 % at most, each step of Newton's squares the error.
			q := v.copy(guess)
			VPSUBD(d, q, q)
			for range 3 {
				q = v.fma(v.fnma(d, q, v.copy(one)), q, q)
			}
			w := v.mul(q, load(8))
			VADDPS(w, z[i], z[i])
			VMULPS(q, w, w)
			v.fma(w, dx, fx[i])
			v.fma(w, dy, fy[i])
		}
		ADDQ(operand.U8(12), cell)
		JMP(operand.LabelRef(label("cells", at)))
		Label(label("store", at))
		for i := range both {
			for row, sum := range []vec{z[i], fx[i], fy[i]} {
				m := place(sums, row, i)
				VADDPS(m, sum, sum)
				VMOVUPS(sum, m)
			}
		}
	}
	v.end()
}
