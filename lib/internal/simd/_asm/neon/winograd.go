// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/lateral-ml/lateral/lib/internal/simd/_asm/winograd"

// arithmetic emits the operations of maps.
type arithmetic struct{ *kernel }

func (k arithmetic) Zero() V              { return k.zero() }
func (k arithmetic) Constant(f float64) V { return k.constant(f) }
func (k arithmetic) Copy(x V) V           { return k.copy(x) }
func (k arithmetic) Add(a, b V) V         { return k.add(a, b) }
func (k arithmetic) Sub(a, b V) V         { return k.sub(a, b) }
func (k arithmetic) Mul(a, b V) V         { return k.mul(a, b) }
func (k arithmetic) FMA(x, y, z V) V      { return k.fma(x, y, z) }
func (k arithmetic) FNMA(x, y, z V) V     { return k.fnma(x, y, z) }

// winograd emits the linear maps of minimal filtering.
func (f *file) winograd() {
	for _, m := range winograd.Maps[V]() {
		f.linear(m)
	}
}

// linear emits a kernel that applies a map to vectors which lie a plane apart, n floats of each; and that for count
// items, a step apart.
func (f *file) linear(m winograd.Map[V]) {
	const signature = "func(dst []float32, dstPlane, dstStep int, src []float32, srcPlane, srcStep, count, n int)"
	f.kernel(m.Kernel, signature, func(k *kernel) {
		to, from := k.base("dst"), k.base("src")
		dstPlane, srcPlane := k.stride("dstPlane"), k.stride("srcPlane")
		dstStep, srcStep := k.stride("dstStep"), k.stride("srcStep")
		count, n := k.param("count"), k.param("n")
		compute := m.Prepare(arithmetic{k})
		left, in, out, at := k.r(), k.r(), k.r(), k.r()
		// apply reads and writes pieces of so many bytes, and moves on.
		apply := func(size int, load func(x V, from R, offset int), store func(x V, to R, offset int)) {
			k.scope(func() {
				x := k.several(m.Inputs)
				k.do("MOVD %v, %v", in, at)
				for i := range x {
					load(x[i], at, 0)
					if i+1 < m.Inputs {
						k.do("ADD %v, %v", srcPlane, at)
					}
				}
				k.do("MOVD %v, %v", out, at)
				for i, y := range compute(x) {
					store(y, at, 0)
					if i+1 < m.Outputs {
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
