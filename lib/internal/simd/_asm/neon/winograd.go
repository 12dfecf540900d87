// SPDX-License-Identifier: Apache-2.0

package main

// winograd emits the linear maps of minimal filtering for tiles of two and of four outputs: their matrices stand in
// package simd, beside the Go bodies.
func (f *file) winograd() {
	f.linear("WinogradInput4", 4, func(k *kernel) body {
		return func(x []V) []V {
			return []V{k.sub(x[0], x[2]), k.add(x[1], x[2]), k.sub(x[2], x[1]), k.sub(x[1], x[3])}
		}
	}, 4)
	f.linear("WinogradOutput23", 4, func(k *kernel) body {
		return func(x []V) []V { return []V{k.add(k.add(x[0], x[1]), x[2]), k.sub(k.sub(x[1], x[2]), x[3])} }
	}, 2)
	f.linear("WinogradOutputT23", 2, func(k *kernel) body {
		zero := k.zero()
		return func(x []V) []V { return []V{x[0], k.add(x[0], x[1]), k.sub(x[0], x[1]), k.sub(zero, x[1])} }
	}, 4)
	f.linear("WinogradFilter23", 3, func(k *kernel) body {
		half := k.constant(0.5)
		return func(x []V) []V {
			even, odd := k.mul(half, k.add(x[0], x[2])), k.mul(half, x[1])
			return []V{x[0], k.add(even, odd), k.sub(even, odd), x[2]}
		}
	}, 4)
	f.linear("WinogradFilterT23", 4, func(k *kernel) body {
		half := k.constant(0.5)
		return func(x []V) []V {
			even, odd := k.mul(half, k.add(x[1], x[2])), k.mul(half, k.sub(x[1], x[2]))
			return []V{k.add(x[0], even), odd, k.add(even, x[3])}
		}
	}, 3)

	const a, b = 3. / 4, 3. / 2 // the points of tiles of four
	f.linear("WinogradInput6", 6, func(k *kernel) body {
		a1, b1, a2, b2 := k.constant(a), k.constant(b), k.constant(a*a), k.constant(b*b)
		product, sum := k.constant(a*a*b*b), k.constant(a*a+b*b)
		return func(x []V) []V {
			evenA, oddA := k.fnma(b2, x[2], k.copy(x[4])), k.mul(a1, k.fnma(b2, x[1], k.copy(x[3])))
			evenB, oddB := k.fnma(a2, x[2], k.copy(x[4])), k.mul(b1, k.fnma(a2, x[1], k.copy(x[3])))
			return []V{
				k.fnma(x[2], sum, k.fma(x[0], product, k.copy(x[4]))),
				k.add(evenA, oddA), k.sub(evenA, oddA), k.add(evenB, oddB), k.sub(evenB, oddB),
				k.fnma(x[3], sum, k.fma(x[1], product, k.copy(x[5]))),
			}
		}
	}, 6)
	f.linear("WinogradOutput43", 6, func(k *kernel) body {
		a1, b1, a2, b2 := k.constant(a), k.constant(b), k.constant(a*a), k.constant(b*b)
		a3, b3 := k.constant(a*a*a), k.constant(b*b*b)
		return func(x []V) []V {
			evenA, oddA, evenB, oddB := k.add(x[1], x[2]), k.sub(x[1], x[2]), k.add(x[3], x[4]), k.sub(x[3], x[4])
			return []V{
				k.add(k.add(x[0], evenA), evenB),
				k.fma(b1, oddB, k.mul(a1, oddA)),
				k.fma(b2, evenB, k.mul(a2, evenA)),
				k.fma(oddB, b3, k.fma(oddA, a3, k.copy(x[5]))),
			}
		}
	}, 4)
	f.linear("WinogradOutputT43", 4, func(k *kernel) body {
		a1, b1, a2, b2 := k.constant(a), k.constant(b), k.constant(a*a), k.constant(b*b)
		a3, b3 := k.constant(a*a*a), k.constant(b*b*b)
		return func(x []V) []V {
			evenA, oddA := k.fma(a2, x[2], k.copy(x[0])), k.fma(x[3], a3, k.mul(a1, x[1]))
			evenB, oddB := k.fma(b2, x[2], k.copy(x[0])), k.fma(x[3], b3, k.mul(b1, x[1]))
			return []V{x[0], k.add(evenA, oddA), k.sub(evenA, oddA), k.add(evenB, oddB), k.sub(evenB, oddB), x[3]}
		}
	}, 6)
	// What the rows of G are divided by: the products of a point's differences from the other points.
	const f0, fa, fb = a * a * b * b, 2 * a * a * (a*a - b*b), 2 * b * b * (b*b - a*a)
	f.linear("WinogradFilter43", 3, func(k *kernel) body {
		p0, pa, pb := k.constant(1/f0), k.constant(1/fa), k.constant(1/fb)
		a1, b1, a2, b2 := k.constant(a/fa), k.constant(b/fb), k.constant(a*a/fa), k.constant(b*b/fb)
		return func(x []V) []V {
			evenA, oddA := k.fma(x[0], pa, k.mul(x[2], a2)), k.mul(x[1], a1)
			evenB, oddB := k.fma(x[0], pb, k.mul(x[2], b2)), k.mul(x[1], b1)
			return []V{
				k.mul(x[0], p0), k.add(evenA, oddA), k.sub(evenA, oddA), k.add(evenB, oddB), k.sub(evenB, oddB), x[2],
			}
		}
	}, 6)
	f.linear("WinogradFilterT43", 6, func(k *kernel) body {
		p0, pa, pb := k.constant(1/f0), k.constant(1/fa), k.constant(1/fb)
		a1, b1, a2, b2 := k.constant(a/fa), k.constant(b/fb), k.constant(a*a/fa), k.constant(b*b/fb)
		return func(x []V) []V {
			evenA, oddA, evenB, oddB := k.add(x[1], x[2]), k.sub(x[1], x[2]), k.add(x[3], x[4]), k.sub(x[3], x[4])
			return []V{
				k.fma(evenB, pb, k.fma(evenA, pa, k.mul(x[0], p0))),
				k.fma(oddB, b1, k.mul(oddA, a1)),
				k.fma(evenB, b2, k.fma(evenA, a2, k.copy(x[5]))),
			}
		}
	}, 3)
	f.linear("WinogradOutput25", 6, func(k *kernel) body {
		a1, b1 := k.constant(a), k.constant(b)
		return func(x []V) []V {
			evenA, oddA, evenB, oddB := k.add(x[1], x[2]), k.sub(x[1], x[2]), k.add(x[3], x[4]), k.sub(x[3], x[4])
			return []V{
				k.add(k.add(x[0], evenA), evenB),
				k.fma(b1, oddB, k.fma(a1, oddA, k.copy(x[5]))),
			}
		}
	}, 2)
	f.linear("WinogradOutputT25", 2, func(k *kernel) body {
		a1, b1 := k.constant(a), k.constant(b)
		return func(x []V) []V {
			oddA, oddB := k.mul(a1, x[1]), k.mul(b1, x[1])
			return []V{x[0], k.add(x[0], oddA), k.sub(x[0], oddA), k.add(x[0], oddB), k.sub(x[0], oddB), x[1]}
		}
	}, 6)
	f.linear("WinogradFilter25", 5, func(k *kernel) body {
		p0, pa, pb := k.constant(1/f0), k.constant(1/fa), k.constant(1/fb)
		a1, b1, a2, b2 := k.constant(a/fa), k.constant(b/fb), k.constant(a*a/fa), k.constant(b*b/fb)
		a3, b3, a4, b4 := k.constant(a*a*a/fa), k.constant(b*b*b/fb), k.constant(a*a*a*a/fa), k.constant(b*b*b*b/fb)
		return func(x []V) []V {
			evenA := k.fma(x[0], pa, k.fma(x[2], a2, k.mul(x[4], a4)))
			evenB := k.fma(x[0], pb, k.fma(x[2], b2, k.mul(x[4], b4)))
			oddA, oddB := k.fma(x[1], a1, k.mul(x[3], a3)), k.fma(x[1], b1, k.mul(x[3], b3))
			return []V{
				k.mul(x[0], p0), k.add(evenA, oddA), k.sub(evenA, oddA), k.add(evenB, oddB), k.sub(evenB, oddB), x[4],
			}
		}
	}, 6)
	f.linear("WinogradFilterT25", 6, func(k *kernel) body {
		p0, pa, pb := k.constant(1/f0), k.constant(1/fa), k.constant(1/fb)
		a1, b1, a2, b2 := k.constant(a/fa), k.constant(b/fb), k.constant(a*a/fa), k.constant(b*b/fb)
		a3, b3, a4, b4 := k.constant(a*a*a/fa), k.constant(b*b*b/fb), k.constant(a*a*a*a/fa), k.constant(b*b*b*b/fb)
		return func(x []V) []V {
			evenA, oddA, evenB, oddB := k.add(x[1], x[2]), k.sub(x[1], x[2]), k.add(x[3], x[4]), k.sub(x[3], x[4])
			return []V{
				k.fma(evenB, pb, k.fma(evenA, pa, k.mul(x[0], p0))),
				k.fma(oddB, b1, k.mul(oddA, a1)),
				k.fma(evenB, b2, k.mul(evenA, a2)),
				k.fma(oddB, b3, k.mul(oddA, a3)),
				k.fma(evenB, b4, k.fma(evenA, a4, k.copy(x[5]))),
			}
		}
	}, 5)
	// Eight inputs are seen from c, d and e, with both signs.
	const c, e, c2, e2 = 1. / 2, 2., 1. / 4, 4. // d is 1
	f.linear("WinogradInput8", 8, func(k *kernel) body {
		half, two, sum := k.constant(c), k.constant(e), k.constant(1+c2+e2)
		low, high := k.constant(c2), k.constant(e2)
		cd, ce, de := k.constant(c2+1), k.constant(c2+e2), k.constant(1+e2)
		return func(x []V) []V {
			first := k.fma(k.sub(x[4], x[2]), sum, k.sub(x[0], x[6]))
			last := k.fma(k.sub(x[3], x[5]), sum, k.sub(x[7], x[1]))
			evenC := k.fnma(x[4], de, k.fma(x[2], high, k.copy(x[6])))
			oddC := k.fnma(x[3], de, k.fma(x[1], high, k.copy(x[5])))
			plusC, minusC := k.fma(oddC, half, k.copy(evenC)), k.fnma(oddC, half, evenC)
			evenD, oddD := k.fnma(x[4], ce, k.add(x[2], x[6])), k.fnma(x[3], ce, k.add(x[1], x[5]))
			plusD, minusD := k.add(evenD, oddD), k.sub(evenD, oddD)
			evenE := k.fnma(x[4], cd, k.fma(x[2], low, k.copy(x[6])))
			oddE := k.fnma(x[3], cd, k.fma(x[1], low, k.copy(x[5])))
			plusE, minusE := k.fma(oddE, two, k.copy(evenE)), k.fnma(oddE, two, evenE)
			return []V{first, plusC, minusC, plusD, minusD, plusE, minusE, last}
		}
	}, 8)
	f.linear("WinogradOutput45", 8, func(k *kernel) body {
		c1, e1, c2, e2 := k.constant(c), k.constant(e), k.constant(c2), k.constant(e2)
		c3, e3 := k.constant(c*c*c), k.constant(e*e*e)
		return func(x []V) []V {
			evenC, oddC := k.add(x[1], x[2]), k.sub(x[1], x[2])
			evenD, oddD := k.add(x[3], x[4]), k.sub(x[3], x[4])
			evenE, oddE := k.add(x[5], x[6]), k.sub(x[5], x[6])
			return []V{
				k.add(k.add(k.add(x[0], evenC), evenD), evenE),
				k.fma(oddE, e1, k.fma(oddC, c1, k.copy(oddD))),
				k.fma(evenE, e2, k.fma(evenC, c2, evenD)),
				k.fma(oddE, e3, k.fma(oddC, c3, k.add(x[7], oddD))),
			}
		}
	}, 4)
	f.linear("WinogradOutputT45", 4, func(k *kernel) body {
		c1, e1, c2, e2 := k.constant(c), k.constant(e), k.constant(c2), k.constant(e2)
		c3, e3 := k.constant(c*c*c), k.constant(e*e*e)
		return func(x []V) []V {
			evenC, oddC := k.fma(x[2], c2, k.copy(x[0])), k.fma(x[3], c3, k.mul(x[1], c1))
			evenD, oddD := k.add(x[0], x[2]), k.add(x[1], x[3])
			evenE, oddE := k.fma(x[2], e2, k.copy(x[0])), k.fma(x[3], e3, k.mul(x[1], e1))
			return []V{
				x[0], k.add(evenC, oddC), k.sub(evenC, oddC), k.add(evenD, oddD), k.sub(evenD, oddD),
				k.add(evenE, oddE), k.sub(evenE, oddE), x[3],
			}
		}
	}, 8)
	const fc, fd, fe = 2 * c2 * (c2 - 1) * (c2 - e2), 2 * (1 - c2) * (1 - e2), 2 * e2 * (e2 - c2) * (e2 - 1)
	f.linear("WinogradFilter45", 5, func(k *kernel) body {
		pc, pd, pe := k.constant(1/fc), k.constant(1/fd), k.constant(1/fe)
		c3, e3, c4, e4 := k.constant(c*c2/fc), k.constant(e*e2/fe), k.constant(c2*c2/fc), k.constant(e2*e2/fe)
		c1, e1, c2, e2 := k.constant(c/fc), k.constant(e/fe), k.constant(c2/fc), k.constant(e2/fe)
		return func(x []V) []V {
			evenC := k.fma(x[0], pc, k.fma(x[2], c2, k.mul(x[4], c4)))
			oddC := k.fma(x[1], c1, k.mul(x[3], c3))
			evenD, oddD := k.mul(k.add(k.add(x[0], x[2]), x[4]), pd), k.mul(k.add(x[1], x[3]), pd)
			evenE := k.fma(x[0], pe, k.fma(x[2], e2, k.mul(x[4], e4)))
			oddE := k.fma(x[1], e1, k.mul(x[3], e3))
			return []V{
				x[0], k.add(evenC, oddC), k.sub(evenC, oddC), k.add(evenD, oddD), k.sub(evenD, oddD),
				k.add(evenE, oddE), k.sub(evenE, oddE), x[4],
			}
		}
	}, 8)
	f.linear("WinogradFilterT45", 8, func(k *kernel) body {
		pc, pd, pe := k.constant(1/fc), k.constant(1/fd), k.constant(1/fe)
		c3, e3, c4, e4 := k.constant(c*c2/fc), k.constant(e*e2/fe), k.constant(c2*c2/fc), k.constant(e2*e2/fe)
		c1, e1, c2, e2 := k.constant(c/fc), k.constant(e/fe), k.constant(c2/fc), k.constant(e2/fe)
		return func(x []V) []V {
			evenC, oddC := k.add(x[1], x[2]), k.sub(x[1], x[2])
			evenD, oddD := k.mul(k.add(x[3], x[4]), pd), k.mul(k.sub(x[3], x[4]), pd)
			evenE, oddE := k.add(x[5], x[6]), k.sub(x[5], x[6])
			return []V{
				k.fma(evenE, pe, k.fma(evenC, pc, k.add(x[0], evenD))),
				k.fma(oddE, e1, k.fma(oddC, c1, k.copy(oddD))),
				k.fma(evenE, e2, k.fma(evenC, c2, k.copy(evenD))),
				k.fma(oddE, e3, k.fma(oddC, c3, oddD)),
				k.fma(evenE, e4, k.fma(evenC, c4, k.add(x[7], evenD))),
			}
		}
	}, 5)
}

// linear emits a kernel that applies a map to vectors which lie a plane apart, n floats of each; and that for count
// items, a step apart.
func (f *file) linear(name string, inputs int, prepare func(k *kernel) body, outputs int) {
	const signature = "func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)"
	f.kernel(name, signature, func(k *kernel) {
		to, from := k.base("dst"), k.base("src")
		dstPlane, srcPlane := k.stride("dstPlane"), k.stride("srcPlane")
		dstStep, srcStep := k.stride("dstStep"), k.stride("srcStep")
		count, n := k.param("count"), k.param("n")
		compute := prepare(k)
		left, in, out, at := k.r(), k.r(), k.r(), k.r()
		// apply reads and writes pieces of so many bytes, and moves on.
		apply := func(size int, load func(x V, from R, offset int), store func(x V, to R, offset int)) {
			k.scope(func() {
				x := k.several(inputs)
				k.do("MOVD %v, %v", in, at)
				for i := range x {
					load(x[i], at, 0)
					if i+1 < inputs {
						k.do("ADD %v, %v", srcPlane, at)
					}
				}
				k.do("MOVD %v, %v", out, at)
				for i, y := range compute(x) {
					store(y, at, 0)
					if i+1 < outputs {
						k.do("ADD %v, %v", dstPlane, at)
					}
				}
				k.do("ADD $%d, %v", size, in)
				k.do("ADD $%d, %v", size, out)
			})
		}
		k.label("items")
		k.do("SUBS $1, %v", count)
		k.do("BLT done")
		k.do("MOVD %v, %v", from, in)
		k.do("MOVD %v, %v", to, out)
		k.do("ADD %v, %v", srcStep, from)
		k.do("ADD %v, %v", dstStep, to)
		k.do("SUBS $4, %v, %v", n, left)
		k.do("BLT rest")
		k.label("vectors")
		apply(16, k.loadQ, k.storeQ)
		k.do("SUBS $4, %v", left)
		k.do("BGE vectors")
		k.label("rest")
		k.do("ADDS $4, %v", left)
		k.do("BEQ items")
		k.label("element")
		apply(4, k.loadS, k.storeS)
		k.do("SUBS $1, %v", left)
		k.do("BNE element")
		k.do("B items")
		k.label("done")
	})
}
