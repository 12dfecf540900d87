// SPDX-License-Identifier: Apache-2.0

package main

// pursue emits the kernels of a step of a pursuit, for multiples of sixteen atoms. Registers hold a piece of the new
// direction while the older ones pass by.
func (f *file) pursue() {
	f.pursuit("Pursue", "func(next, row, older []float32, ld int, weights, products, scores []float32, z float32) float32",
		false)
	f.pursuit("PursueOptimized", "func(next, row, older []float32, ld int, weights, products, scores, lengths []float32, "+
		"z, inverse, least float32) float32", true)
}

func (f *file) pursuit(name, signature string, optimized bool) {
	f.kernel(name, signature, func(k *kernel) {
		next, row, older, ld := k.base("next"), k.base("row"), k.base("older"), k.stride("ld")
		weights, count := k.base("weights"), k.length("weights")
		products, scores, n := k.base("products"), k.base("scores"), k.length("next")
		at, weight, left := k.r(), k.r(), k.r()
		z, best := k.splat("z"), k.zero()
		var lengths R
		var inverse, least V
		if optimized {
			lengths, inverse, least = k.base("lengths"), k.splat("inverse"), k.splat("least")
		}
		total, y, w := k.several(4), k.several(4), k.v()
		k.label("pieces")
		k.do("SUBS $16, %v", n)
		k.do("BLT done")
		k.ld1(total, row)
		k.do("MOVD %v, %v", older, at)
		k.do("ADD $64, %v", older)
		k.do("MOVD %v, %v", weights, weight)
		k.do("MOVD %v, %v", count, left)
		k.do("CBZ %v, update", left)
		k.label("older")
		k.ld1r(w, weight)
		k.ld1By(y, at, ld)
		for i, sum := range total {
			k.fmla(sum, y[i], w)
		}
		k.do("SUBS $1, %v", left)
		k.do("BNE older")
		k.label("update")
		k.st1(total, next)
		for i, sum := range total {
			product, length := y[i], k.v()
			k.loadQ(product, products, 16*i)
			k.fmls(product, sum, z)
			k.storeQ(product, products, 16*i)
			if optimized {
				k.fmul(sum, sum, sum)
				k.loadQ(length, lengths, 16*i)
				k.fmls(length, sum, inverse)
				k.fmax(length, length, least)
				k.storeQ(length, lengths, 16*i)
				k.fmul(product, product, product)
				k.fdiv(product, product, length)
			} else {
				k.fabs(product, product)
			}
			k.storeQ(product, scores, 16*i)
			k.fmax(best, best, product)
		}
		moved := []R{products, scores}
		if optimized {
			moved = append(moved, lengths)
		}
		for _, address := range moved {
			k.do("ADD $64, %v", address)
		}
		k.do("B pieces")
		k.label("done")
		k.fmaxv(best, best)
		k.do("FMOVS F%d, %s", best, k.at["ret"])
	})
}
