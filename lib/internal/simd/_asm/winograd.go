// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// winograd emits the linear maps of minimal filtering for the sizes that package simd has, which also has the
// matrices, beside the Go bodies.
func (v isa) winograd() {
	v.linear("WinogradInput4", 4, 4, func() body {
		return func(x []vec) []vec {
			return []vec{v.sub(x[0], x[2]), v.add(x[1], x[2]), v.sub(x[2], x[1]), v.sub(x[1], x[3])}
		}
	})
	v.linear("WinogradOutput23", 4, 2, func() body {
		return func(x []vec) []vec {
			return []vec{v.add(v.add(x[0], x[1]), x[2]), v.sub(v.sub(x[1], x[2]), x[3])}
		}
	})
	v.linear("WinogradOutputT23", 2, 4, func() body {
		zero := v.zero()
		return func(x []vec) []vec {
			return []vec{x[0], v.add(x[0], x[1]), v.sub(x[0], x[1]), v.sub(zero, x[1])}
		}
	})
	v.linear("WinogradFilter23", 3, 4, func() body {
		half := v.constantReg(0.5)
		return func(x []vec) []vec {
			even, odd := v.mul(half, v.add(x[0], x[2])), v.mul(half, x[1])
			return []vec{x[0], v.add(even, odd), v.sub(even, odd), x[2]}
		}
	})
	v.linear("WinogradFilterT23", 4, 3, func() body {
		half := v.constantReg(0.5)
		return func(x []vec) []vec {
			even, odd := v.mul(half, v.add(x[1], x[2])), v.mul(half, v.sub(x[1], x[2]))
			return []vec{v.add(x[0], even), odd, v.add(even, x[3])}
		}
	})

	const a, b = 3. / 4, 3. / 2 // the points where six inputs are seen
	v.linear("WinogradInput6", 6, 6, func() body {
		a1, b1, a2, b2 := v.constantReg(a), v.constantReg(b), v.constantReg(a*a), v.constantReg(b*b)
		product, sum := v.constant(a*a*b*b), v.constant(a*a+b*b)
		return func(x []vec) []vec {
			evenA, oddA := v.fnma(b2, x[2], v.copy(x[4])), v.mul(a1, v.fnma(b2, x[1], v.copy(x[3])))
			evenB, oddB := v.fnma(a2, x[2], v.copy(x[4])), v.mul(b1, v.fnma(a2, x[1], v.copy(x[3])))
			return []vec{
				v.fnma(x[2], sum, v.fma(x[0], product, v.copy(x[4]))),
				v.add(evenA, oddA), v.sub(evenA, oddA), v.add(evenB, oddB), v.sub(evenB, oddB),
				v.fnma(x[3], sum, v.fma(x[1], product, v.copy(x[5]))),
			}
		}
	})
	v.linear("WinogradOutput43", 6, 4, func() body {
		a1, b1, a2, b2 := v.constantReg(a), v.constantReg(b), v.constantReg(a*a), v.constantReg(b*b)
		a3, b3 := v.constant(a*a*a), v.constant(b*b*b)
		return func(x []vec) []vec {
			evenA, oddA, evenB, oddB := v.add(x[1], x[2]), v.sub(x[1], x[2]), v.add(x[3], x[4]), v.sub(x[3], x[4])
			return []vec{
				v.add(v.add(x[0], evenA), evenB),
				v.fma(b1, oddB, v.mul(a1, oddA)),
				v.fma(b2, evenB, v.mul(a2, evenA)),
				v.fma(oddB, b3, v.fma(oddA, a3, v.copy(x[5]))),
			}
		}
	})
	v.linear("WinogradOutputT43", 4, 6, func() body {
		a1, b1, a2, b2 := v.constantReg(a), v.constantReg(b), v.constantReg(a*a), v.constantReg(b*b)
		a3, b3 := v.constant(a*a*a), v.constant(b*b*b)
		return func(x []vec) []vec {
			evenA, oddA := v.fma(a2, x[2], v.copy(x[0])), v.fma(x[3], a3, v.mul(a1, x[1]))
			evenB, oddB := v.fma(b2, x[2], v.copy(x[0])), v.fma(x[3], b3, v.mul(b1, x[1]))
			return []vec{x[0], v.add(evenA, oddA), v.sub(evenA, oddA), v.add(evenB, oddB), v.sub(evenB, oddB), x[3]}
		}
	})
	// What the rows of G are divided by: the products of a point's differences from the other points.
	const f0, fa, fb = a * a * b * b, 2 * a * a * (a*a - b*b), 2 * b * b * (b*b - a*a)
	v.linear("WinogradFilter43", 3, 6, func() body {
		p0, pa, pb := v.constant(1/f0), v.constant(1/fa), v.constant(1/fb)
		a1, b1, a2, b2 := v.constant(a/fa), v.constant(b/fb), v.constant(a*a/fa), v.constant(b*b/fb)
		return func(x []vec) []vec {
			evenA, oddA := v.fma(x[0], pa, v.mul(x[2], a2)), v.mul(x[1], a1)
			evenB, oddB := v.fma(x[0], pb, v.mul(x[2], b2)), v.mul(x[1], b1)
			return []vec{
				v.mul(x[0], p0), v.add(evenA, oddA), v.sub(evenA, oddA), v.add(evenB, oddB), v.sub(evenB, oddB), x[2],
			}
		}
	})
	v.linear("WinogradFilterT43", 6, 3, func() body {
		p0, pa, pb := v.constant(1/f0), v.constant(1/fa), v.constant(1/fb)
		a1, b1, a2, b2 := v.constant(a/fa), v.constant(b/fb), v.constant(a*a/fa), v.constant(b*b/fb)
		return func(x []vec) []vec {
			evenA, oddA, evenB, oddB := v.add(x[1], x[2]), v.sub(x[1], x[2]), v.add(x[3], x[4]), v.sub(x[3], x[4])
			return []vec{
				v.fma(evenB, pb, v.fma(evenA, pa, v.mul(x[0], p0))),
				v.fma(oddB, b1, v.mul(oddA, a1)),
				v.fma(evenB, b2, v.fma(evenA, a2, v.copy(x[5]))),
			}
		}
	})
	v.linear("WinogradOutput25", 6, 2, func() body {
		a1, b1 := v.constantReg(a), v.constantReg(b)
		return func(x []vec) []vec {
			evenA, oddA, evenB, oddB := v.add(x[1], x[2]), v.sub(x[1], x[2]), v.add(x[3], x[4]), v.sub(x[3], x[4])
			return []vec{
				v.add(v.add(x[0], evenA), evenB),
				v.fma(b1, oddB, v.fma(a1, oddA, v.copy(x[5]))),
			}
		}
	})
	v.linear("WinogradOutputT25", 2, 6, func() body {
		a1, b1 := v.constantReg(a), v.constantReg(b)
		return func(x []vec) []vec {
			oddA, oddB := v.mul(a1, x[1]), v.mul(b1, x[1])
			return []vec{x[0], v.add(x[0], oddA), v.sub(x[0], oddA), v.add(x[0], oddB), v.sub(x[0], oddB), x[1]}
		}
	})
	v.linear("WinogradFilter25", 5, 6, func() body {
		p0, pa, pb := v.constant(1/f0), v.constant(1/fa), v.constant(1/fb)
		a1, b1, a2, b2 := v.constant(a/fa), v.constant(b/fb), v.constant(a*a/fa), v.constant(b*b/fb)
		a3, b3, a4, b4 := v.constant(a*a*a/fa), v.constant(b*b*b/fb), v.constant(a*a*a*a/fa), v.constant(b*b*b*b/fb)
		return func(x []vec) []vec {
			evenA := v.fma(x[0], pa, v.fma(x[2], a2, v.mul(x[4], a4)))
			evenB := v.fma(x[0], pb, v.fma(x[2], b2, v.mul(x[4], b4)))
			oddA, oddB := v.fma(x[1], a1, v.mul(x[3], a3)), v.fma(x[1], b1, v.mul(x[3], b3))
			return []vec{
				v.mul(x[0], p0), v.add(evenA, oddA), v.sub(evenA, oddA), v.add(evenB, oddB), v.sub(evenB, oddB), x[4],
			}
		}
	})
	v.linear("WinogradFilterT25", 6, 5, func() body {
		p0, pa, pb := v.constant(1/f0), v.constant(1/fa), v.constant(1/fb)
		a1, b1, a2, b2 := v.constant(a/fa), v.constant(b/fb), v.constant(a*a/fa), v.constant(b*b/fb)
		a3, b3, a4, b4 := v.constant(a*a*a/fa), v.constant(b*b*b/fb), v.constant(a*a*a*a/fa), v.constant(b*b*b*b/fb)
		return func(x []vec) []vec {
			evenA, oddA, evenB, oddB := v.add(x[1], x[2]), v.sub(x[1], x[2]), v.add(x[3], x[4]), v.sub(x[3], x[4])
			return []vec{
				v.fma(evenB, pb, v.fma(evenA, pa, v.mul(x[0], p0))),
				v.fma(oddB, b1, v.mul(oddA, a1)),
				v.fma(evenB, b2, v.mul(evenA, a2)),
				v.fma(oddB, b3, v.mul(oddA, a3)),
				v.fma(evenB, b4, v.fma(evenA, a4, v.copy(x[5]))),
			}
		}
	})
	// Eight inputs are seen from c, d and e, with both signs.
	const c, e, c2, e2 = 1. / 2, 2., 1. / 4, 4. // d is 1
	v.linear("WinogradInput8", 8, 8, func() body {
		half, two, sum := v.constant(c), v.constant(e), v.constant(1+c2+e2)
		low, high := v.constant(c2), v.constant(e2)
		cd, ce, de := v.constant(c2+1), v.constant(c2+e2), v.constant(1+e2)
		return func(x []vec) []vec {
			first := v.fma(v.sub(x[4], x[2]), sum, v.sub(x[0], x[6]))
			last := v.fma(v.sub(x[3], x[5]), sum, v.sub(x[7], x[1]))
			evenC := v.fnma(x[4], de, v.fma(x[2], high, v.copy(x[6])))
			oddC := v.fnma(x[3], de, v.fma(x[1], high, v.copy(x[5])))
			plusC, minusC := v.fma(oddC, half, v.copy(evenC)), v.fnma(oddC, half, evenC)
			evenD, oddD := v.fnma(x[4], ce, v.add(x[2], x[6])), v.fnma(x[3], ce, v.add(x[1], x[5]))
			plusD, minusD := v.add(evenD, oddD), v.sub(evenD, oddD)
			evenE := v.fnma(x[4], cd, v.fma(x[2], low, v.copy(x[6])))
			oddE := v.fnma(x[3], cd, v.fma(x[1], low, v.copy(x[5])))
			plusE, minusE := v.fma(oddE, two, v.copy(evenE)), v.fnma(oddE, two, evenE)
			return []vec{first, plusC, minusC, plusD, minusD, plusE, minusE, last}
		}
	})
	v.linear("WinogradOutput45", 8, 4, func() body {
		c1, e1, c2, e2 := v.constant(c), v.constant(e), v.constant(c2), v.constant(e2)
		c3, e3 := v.constant(c*c*c), v.constant(e*e*e)
		return func(x []vec) []vec {
			evenC, oddC := v.add(x[1], x[2]), v.sub(x[1], x[2])
			evenD, oddD := v.add(x[3], x[4]), v.sub(x[3], x[4])
			evenE, oddE := v.add(x[5], x[6]), v.sub(x[5], x[6])
			return []vec{
				v.add(v.add(v.add(x[0], evenC), evenD), evenE),
				v.fma(oddE, e1, v.fma(oddC, c1, v.copy(oddD))),
				v.fma(evenE, e2, v.fma(evenC, c2, evenD)),
				v.fma(oddE, e3, v.fma(oddC, c3, v.add(x[7], oddD))),
			}
		}
	})
	v.linear("WinogradOutputT45", 4, 8, func() body {
		c1, e1, c2, e2 := v.constant(c), v.constant(e), v.constant(c2), v.constant(e2)
		c3, e3 := v.constant(c*c*c), v.constant(e*e*e)
		return func(x []vec) []vec {
			evenC, oddC := v.fma(x[2], c2, v.copy(x[0])), v.fma(x[3], c3, v.mul(x[1], c1))
			evenD, oddD := v.add(x[0], x[2]), v.add(x[1], x[3])
			evenE, oddE := v.fma(x[2], e2, v.copy(x[0])), v.fma(x[3], e3, v.mul(x[1], e1))
			return []vec{
				x[0], v.add(evenC, oddC), v.sub(evenC, oddC), v.add(evenD, oddD), v.sub(evenD, oddD),
				v.add(evenE, oddE), v.sub(evenE, oddE), x[3],
			}
		}
	})
	const fc, fd, fe = 2 * c2 * (c2 - 1) * (c2 - e2), 2 * (1 - c2) * (1 - e2), 2 * e2 * (e2 - c2) * (e2 - 1)
	v.linear("WinogradFilter45", 5, 8, func() body {
		pc, pd, pe := v.constant(1/fc), v.constant(1/fd), v.constant(1/fe)
		c3, e3, c4, e4 := v.constant(c*c2/fc), v.constant(e*e2/fe), v.constant(c2*c2/fc), v.constant(e2*e2/fe)
		c1, e1, c2, e2 := v.constant(c/fc), v.constant(e/fe), v.constant(c2/fc), v.constant(e2/fe)
		return func(x []vec) []vec {
			evenC := v.fma(x[0], pc, v.fma(x[2], c2, v.mul(x[4], c4)))
			oddC := v.fma(x[1], c1, v.mul(x[3], c3))
			evenD, oddD := v.mul(v.add(v.add(x[0], x[2]), x[4]), pd), v.mul(v.add(x[1], x[3]), pd)
			evenE := v.fma(x[0], pe, v.fma(x[2], e2, v.mul(x[4], e4)))
			oddE := v.fma(x[1], e1, v.mul(x[3], e3))
			return []vec{
				x[0], v.add(evenC, oddC), v.sub(evenC, oddC), v.add(evenD, oddD), v.sub(evenD, oddD),
				v.add(evenE, oddE), v.sub(evenE, oddE), x[4],
			}
		}
	})
	v.linear("WinogradFilterT45", 8, 5, func() body {
		pc, pd, pe := v.constant(1/fc), v.constant(1/fd), v.constant(1/fe)
		c3, e3, c4, e4 := v.constant(c*c2/fc), v.constant(e*e2/fe), v.constant(c2*c2/fc), v.constant(e2*e2/fe)
		c1, e1, c2, e2 := v.constant(c/fc), v.constant(e/fe), v.constant(c2/fc), v.constant(e2/fe)
		return func(x []vec) []vec {
			evenC, oddC := v.add(x[1], x[2]), v.sub(x[1], x[2])
			evenD, oddD := v.mul(v.add(x[3], x[4]), pd), v.mul(v.sub(x[3], x[4]), pd)
			evenE, oddE := v.add(x[5], x[6]), v.sub(x[5], x[6])
			return []vec{
				v.fma(evenE, pe, v.fma(evenC, pc, v.add(x[0], evenD))),
				v.fma(oddE, e1, v.fma(oddC, c1, v.copy(oddD))),
				v.fma(evenE, e2, v.fma(evenC, c2, v.copy(evenD))),
				v.fma(oddE, e3, v.fma(oddC, c3, oddD)),
				v.fma(evenE, e4, v.fma(evenC, c4, v.add(x[7], evenD))),
			}
		}
	})
}

// linear emits a kernel that applies a map to vectors which lie a plane apart, n floats of each; and that for count
// items, a step apart.
func (v isa) linear(kernel string, inputs, outputs int, prepare func() body) {
	v.text(kernel, "func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)")
	to, from := base("dst"), base("src")
	dstPlane, srcPlane := v.stride("dstPlane"), v.stride("srcPlane")
	count, n := Load(Param("count"), GP64()).(gp), Load(Param("n"), GP64()).(gp)
	compute := prepare()
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
	out, in := rowAddresses(dst, outputs, dstPlane, false), rowAddresses(src, inputs, srcPlane, false)
	MOVQ(n, left)
	Label("vectors")
	SUBQ(operand.U8(uint8(v.lanes)), left)
	JLT(operand.LabelRef("rest"))
	x := make([]vec, inputs)
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
	x = make([]vec, inputs)
	for i := range x {
		x[i] = v.loadMasked(in.at(i, 0), last)
	}
	for i, y := range compute(x) {
		v.storeMasked(y, last, out.at(i, 0))
	}
	JMP(operand.LabelRef("items"))
	Label("done")
	v.end()
}
