// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// body computes one vector of each output of an element-wise kernel from one vector of each input.
type body func(in []V) (out []V)

// elementwise emits a kernel that applies a body along slices of equal length: vectors of them at a time (1 or an even
// number), then one, then single elements, which pass through the same instructions in the first lane.
// prepare loads arguments and constants and returns the body.
func (f *file) elementwise(name, signature string, vectors int, inputs, outputs []string, prepare func(k *kernel) body) {
	f.kernel(name, signature, func(k *kernel) {
		address := map[string]R{}
		var names []string
		for _, name := range slices.Concat(inputs, outputs) {
			if !slices.Contains(names, name) {
				names = append(names, name)
				address[name] = k.base(name)
			}
		}
		n := k.length(outputs[0])
		compute := prepare(k)
		advance := func(bytes int) {
			for _, name := range names {
				k.do("ADD $%d, %v", bytes, address[name])
			}
		}
		apply := func(load func(x V, from R), store func(x V, to R)) {
			k.scope(func() {
				in := k.several(len(inputs))
				for j, name := range inputs {
					load(in[j], address[name])
				}
				for j, out := range compute(in) {
					store(out, address[outputs[j]])
				}
			})
		}
		// pair applies the body to two vectors that lie side by side.
		pair := func(offset int) {
			k.scope(func() {
				first, second := k.several(len(inputs)), k.several(len(inputs))
				for j, name := range inputs {
					k.loadPair(first[j], second[j], address[name], offset)
				}
				left, right := compute(first), compute(second)
				for j, name := range outputs {
					k.storePair(left[j], right[j], address[name], offset)
				}
			})
		}

		if vectors > 1 {
			k.do("SUBS $%d, %v", 4*vectors, n)
			k.do("BLT vectors")
			k.label("blocks")
			for i := 0; i < vectors; i += 2 {
				pair(16 * i)
			}
			advance(16 * vectors)
			k.do("SUBS $%d, %v", 4*vectors, n)
			k.do("BGE blocks")
			k.label("vectors")
			k.do("ADD $%d, %v", 4*vectors, n)
		}
		k.do("SUBS $4, %v", n)
		k.do("BLT rest")
		k.label("vector")
		apply(func(x V, from R) { k.loadQ(x, from, 0) }, func(x V, to R) { k.storeQ(x, to, 0) })
		advance(16)
		k.do("SUBS $4, %v", n)
		k.do("BGE vector")
		k.label("rest")
		k.do("ADDS $4, %v", n)
		k.do("BEQ done")
		k.label("element")
		apply(func(x V, from R) { k.loadS(x, from, 0) }, func(x V, to R) { k.storeS(x, to, 0) })
		advance(4)
		k.do("SUBS $1, %v", n)
		k.do("BNE element")
		k.label("done")
	})
}

// arithmetic emits the simple element-wise kernels.
func (f *file) arithmetic() {
	dst, ab, x := []string{"dst"}, []string{"a", "b"}, []string{"x"}
	const (
		ofTwo    = "func(dst, a, b []float32)"
		ofScalar = "func(dst []float32, s float32, x []float32)"
		ofOne    = "func(dst, x []float32)"
	)
	binary := func(name string, compute func(k *kernel, a, b V) V) {
		f.elementwise(name, ofTwo, 4, ab, dst, func(k *kernel) body {
			return func(in []V) []V { return []V{compute(k, in[0], in[1])} }
		})
	}
	binary("Add", (*kernel).add)
	binary("Sub", (*kernel).sub)
	binary("Mul", (*kernel).mul)
	binary("Div", (*kernel).div)
	binary("AddRelu", func(k *kernel, a, b V) V { return k.relu(k.add(a, b)) })
	binary("ReluGrad", func(k *kernel, dy, x V) V {
		m := k.v()
		k.positive(m, x)
		k.and(m, m, dy)
		return m
	})
	f.elementwise("MulAdd", ofTwo, 4, []string{"a", "b", "dst"}, dst, func(k *kernel) body {
		return func(in []V) []V { return []V{k.fma(in[0], in[1], in[2])} }
	})
	f.elementwise("ReluGradAdd", ofTwo, 4, []string{"a", "b", "dst"}, dst, func(k *kernel) body {
		return func(in []V) []V {
			m := k.v()
			k.positive(m, in[1])
			k.bit(in[2], k.add(in[2], in[0]), m)
			return []V{in[2]}
		}
	})

	// scalar kernels have one argument s for all elements.
	scalar := func(name string, compute func(k *kernel, s, x V) V) {
		f.elementwise(name, ofScalar, 4, x, dst, func(k *kernel) body {
			s := k.splat("s")
			return func(in []V) []V { return []V{compute(k, s, in[0])} }
		})
	}
	scalar("Scale", (*kernel).mul)
	scalar("AddScalar", (*kernel).add)
	f.elementwise("Axpy", ofScalar, 4, []string{"x", "dst"}, dst, func(k *kernel) body {
		s := k.splat("s")
		return func(in []V) []V { return []V{k.fma(s, in[0], in[1])} }
	})
	f.elementwise("AddSign", ofScalar, 2, []string{"x", "dst"}, dst, func(k *kernel) body {
		s, sign := k.splat("s"), k.sign()
		return func(in []V) []V { return []V{k.fma(s, sign(in[0]), in[1])} }
	})
	f.elementwise("Clamp", "func(dst, x []float32, lo, hi float32)", 4, x, dst, func(k *kernel) body {
		lo, hi := k.splat("lo"), k.splat("hi")
		return func(in []V) []V { return []V{k.min(hi, k.max(lo, in[0]))} }
	})

	unary := func(name string, vectors int, prepare func(k *kernel) func(x V) V) {
		f.elementwise(name, ofOne, vectors, x, dst, func(k *kernel) body {
			compute := prepare(k)
			return func(in []V) []V { return []V{compute(in[0])} }
		})
	}
	unary("Relu", 4, func(k *kernel) func(x V) V { return k.relu })
	unary("Abs", 4, func(k *kernel) func(x V) V {
		return func(x V) V { k.fabs(x, x); return x }
	})
	unary("Sqrt", 2, func(k *kernel) func(x V) V {
		return func(x V) V { k.fsqrt(x, x); return x }
	})
	unary("Recip", 2, func(k *kernel) func(x V) V {
		one := k.constant(1)
		return func(x V) V { return k.div(one, x) }
	})
	unary("Sign", 2, (*kernel).sign)
	unary("Exp", 2, (*kernel).exponential)
	unary("Log", 1, (*kernel).logarithm)
	unary("Tanh", 2, (*kernel).tanh)
	unary("Sigmoid", 2, (*kernel).sigmoid)
	f.elementwise("ExpShifted", ofScalar, 2, x, dst, func(k *kernel) body { // of s + x
		s, exp := k.splat("s"), k.exponential()
		return func(in []V) []V {
			k.fadd(in[0], in[0], s)
			return []V{exp(in[0])}
		}
	})
	f.scaleU8()
}

// relu returns x, or +0 where it is below zero: NaN and -0 stay.
func (k *kernel) relu(x V) V {
	m := k.v()
	k.negative(m, x)
	k.bic(m, x, m)
	return m
}

// sign returns what computes the sign of x, which is x itself where that is zero or NaN.
func (k *kernel) sign() func(x V) V {
	top, one := k.bits(0x80000000), k.constant(1)
	return func(x V) V {
		m, below, r := k.v(), k.v(), k.v()
		k.positive(m, x)
		k.negative(below, x)
		k.orr(m, m, below)
		k.and(r, x, top)
		k.orr(r, r, one)
		k.bsl(m, r, x)
		return m
	}
}

// scaleU8 widens bytes to integers and those to floats, sixteen at a time, then one.
func (f *file) scaleU8() {
	f.kernel("ScaleU8", "func(dst []float32, src []byte, s float32)", func(k *kernel) {
		dst, src, n, s := k.base("dst"), k.base("src"), k.length("dst"), k.splat("s")
		k.do("SUBS $16, %v", n)
		k.do("BLT rest")
		k.label("vectors")
		x, out, halves := k.v(), k.several(4), k.several(2)
		k.ld1([]V{x}, src)
		k.widenB(halves[0], x)
		k.widenHighB(halves[1], x)
		for i, half := range halves {
			k.widenH(out[2*i], half)
			k.widenHighH(out[2*i+1], half)
		}
		for _, y := range out {
			k.ucvtf(y, y)
			k.fmul(y, y, s)
		}
		k.st1(out, dst)
		k.do("SUBS $16, %v", n)
		k.do("BGE vectors")
		k.label("rest")
		k.do("ADDS $16, %v", n)
		k.do("BEQ done")
		k.label("element")
		value := k.r()
		k.do("MOVBU.P 1(%v), %v", src, value)
		k.dupWord(x, value)
		k.ucvtf(x, x)
		k.fmul(x, x, s)
		k.do("FMOVS.P F%d, 4(%v)", x, dst)
		k.do("SUBS $1, %v", n)
		k.do("BNE element")
		k.label("done")
	})
}
