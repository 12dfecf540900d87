// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// body computes one vector of each output of an element-wise kernel from one vector of each input.
type body func(in []vec) (out []vec)

// elementwise emits a kernel that applies a body along slices of equal length: unroll vectors at a time, then one,
// then a masked rest. prepare loads arguments and constants and returns the body.
func (v isa) elementwise(kernel, signature string, unroll int, inputs, outputs []string, prepare func() body) {
	v.text(kernel, signature)
	address := map[string]gp{}
	for _, names := range [][]string{inputs, outputs} {
		for _, name := range names {
			if address[name] == nil {
				address[name] = base(name)
			}
		}
	}
	n, i, next := length(outputs[0]), GP64(), GP64()
	at := func(name string, vector int) operand.Mem {
		return operand.Mem{Base: address[name], Index: i, Scale: 4, Disp: vector * v.size()}
	}
	compute := prepare()

	XORQ(i, i)
	blocks := func(loop, after string, vectors int) {
		Label(loop)
		LEAQ(operand.Mem{Base: i, Disp: vectors * v.lanes}, next)
		CMPQ(next, n)
		JGT(operand.LabelRef(after))
		for k := range vectors {
			in := make([]vec, len(inputs))
			for j, name := range inputs {
				in[j] = v.copy(at(name, k))
			}
			for j, out := range compute(in) {
				VMOVUPS(out, at(outputs[j], k))
			}
		}
		MOVQ(next, i)
		JMP(operand.LabelRef(loop))
	}
	if unroll > 1 {
		blocks("blocks", "vectors", unroll)
	}
	blocks("vectors", "rest", 1)

	Label("rest")
	SUBQ(i, n)
	JZ(operand.LabelRef("done"))
	k := v.masks(n, 1)[0]
	in := make([]vec, len(inputs))
	for j, name := range inputs {
		in[j] = v.loadMasked(at(name, 0), k)
	}
	for j, out := range compute(in) {
		v.storeMasked(out, k, at(outputs[j], 0))
	}
	Label("done")
	v.end()
}

// arithmetic emits the simple element-wise kernels.
func (v isa) arithmetic() {
	dst := []string{"dst"}
	ab := []string{"a", "b"}
	x := []string{"x"}

	binary := func(kernel string, f func(a, b vec) vec) {
		v.elementwise(kernel, "func(dst, a, b []float32)", 4, ab, dst, func() body {
			return func(in []vec) []vec { return []vec{f(in[0], in[1])} }
		})
	}
	binary("Add", func(a, b vec) vec { return v.add(a, b) })
	binary("Sub", func(a, b vec) vec { return v.sub(a, b) })
	binary("Mul", func(a, b vec) vec { return v.mul(a, b) })
	binary("Div", func(a, b vec) vec { return v.div(a, b) })

	v.elementwise("MulAdd", "func(dst, a, b []float32)", 4, []string{"a", "b", "dst"}, dst, func() body {
		return func(in []vec) []vec { return []vec{v.fma(in[0], in[1], in[2])} }
	})

	// scalar kernels have one argument s for all elements.
	scalar := func(kernel string, f func(s, x vec) vec) {
		v.elementwise(kernel, "func(dst []float32, s float32, x []float32)", 4, x, dst, func() body {
			s := v.param("s")
			return func(in []vec) []vec { return []vec{f(s, in[0])} }
		})
	}
	scalar("Scale", func(s, x vec) vec { return v.mul(s, x) })
	scalar("AddScalar", func(s, x vec) vec { return v.add(s, x) })
	v.elementwise("Axpy", "func(dst []float32, s float32, x []float32)", 4, []string{"x", "dst"}, dst, func() body {
		s := v.param("s")
		return func(in []vec) []vec { return []vec{v.fma(s, in[0], in[1])} }
	})

	unary := func(kernel string, unroll int, prepare func() func(x vec) vec) {
		v.elementwise(kernel, "func(dst, x []float32)", unroll, x, dst, func() body {
			f := prepare()
			return func(in []vec) []vec { return []vec{f(in[0])} }
		})
	}
	unary("Relu", 4, func() func(x vec) vec {
		zero := v.zero()
		return func(x vec) vec { return v.max(zero, x) }
	})
	unary("Sqrt", 1, func() func(x vec) vec {
		return func(x vec) vec { return v.sqrt(x) }
	})
	unary("Recip", 1, func() func(x vec) vec {
		one := v.constantReg(1)
		return func(x vec) vec { return v.div(one, x) }
	})
	unary("Abs", 4, func() func(x vec) vec {
		signless := v.signless()
		return func(x vec) vec { return v.abs(x, signless) }
	})
	unary("Sign", 2, func() func(x vec) vec {
		zero, sign, one := v.zero(), v.bits(0x80000000), v.constant(1)
		return func(x vec) vec {
			nonZero := v.compare(x, notEqual, zero)
			return v.choose(nonZero, v.or(v.and(x, sign), one), x)
		}
	})

	v.elementwise("AddSign", "func(dst []float32, s float32, x []float32)", 2, []string{"x", "dst"}, dst, func() body {
		s, zero, sign, one := v.param("s"), v.zero(), v.bits(0x80000000), v.constant(1)
		return func(in []vec) []vec {
			x := in[0]
			nonZero := v.compare(x, notEqual, zero)
			return []vec{v.fma(s, v.choose(nonZero, v.or(v.and(x, sign), one), x), in[1])}
		}
	})
	v.elementwise("AddRelu", "func(dst, a, b []float32)", 4, ab, dst, func() body {
		zero := v.zero()
		return func(in []vec) []vec { return []vec{v.max(zero, v.add(in[0], in[1]))} }
	})
	v.elementwise("ReluGrad", "func(dst, a, b []float32)", 4, ab, dst, func() body {
		zero := v.zero()
		return func(in []vec) []vec { return []vec{v.keep(v.compare(in[1], greater, zero), in[0])} }
	})
	v.elementwise("ReluGradAdd", "func(dst, a, b []float32)", 4, []string{"a", "b", "dst"}, dst, func() body {
		zero := v.zero()
		return func(in []vec) []vec {
			positive := v.compare(in[1], greater, zero)
			return []vec{v.choose(positive, v.add(in[2], in[0]), in[2])}
		}
	})
	v.elementwise("Clamp", "func(dst, x []float32, lo, hi float32)", 4, x, dst, func() body {
		lo, hi := v.param("lo"), v.param("hi")
		return func(in []vec) []vec { return []vec{v.min(hi, v.max(lo, in[0]))} }
	})
	v.scaleU8()
}

// scaleU8 widens bytes to integers and those to floats; a rest shorter than a vector goes one byte at a time.
func (v isa) scaleU8() {
	v.text("ScaleU8", "func(dst []float32, src []byte, s float32)")
	dst, src, n := base("dst"), base("src"), length("dst")
	s := v.param("s")
	Label("vectors")
	CMPQ(n, operand.U8(uint8(v.lanes)))
	JLT(operand.LabelRef("rest"))
	x := v.vec()
	VPMOVZXBD(operand.Mem{Base: src}, x)
	VCVTDQ2PS(x, x)
	VMULPS(x, s, x)
	VMOVUPS(x, operand.Mem{Base: dst})
	ADDQ(operand.U8(uint8(v.lanes)), src)
	ADDQ(operand.U8(uint8(v.size())), dst)
	SUBQ(operand.U8(uint8(v.lanes)), n)
	JMP(operand.LabelRef("vectors"))

	Label("rest")
	TESTQ(n, n)
	JZ(operand.LabelRef("done"))
	value, f := GP32(), XMM()
	MOVBLZX(operand.Mem{Base: src}, value)
	VXORPS(f, f, f)
	VCVTSI2SSL(value, f, f)
	VMULSS(f, s.AsX(), f)
	VMOVSS(f, operand.Mem{Base: dst})
	INCQ(src)
	ADDQ(operand.U8(4), dst)
	DECQ(n)
	JMP(operand.LabelRef("rest"))
	Label("done")
	v.end()
}
