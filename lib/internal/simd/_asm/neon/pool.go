// SPDX-License-Identifier: Apache-2.0

package main

// maxPool emits the kernel for rows of at least four windows that begin two elements apart. Four windows meet the
// elements of the window in turn; the last four of a row may be in part those before.
func (f *file) maxPool() {
	f.data("neonEvens", []byte{0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0})
	f.kernel("MaxPool2", "func(dst []float32, index []int32, stride, rows, cols int, x []float32, first, rowStep, "+
		"height, width, pitch int)", func(k *kernel) {
		dst, index, stride := k.base("dst"), k.base("index"), k.param("stride")
		rows, cols, x := k.param("rows"), k.param("cols"), k.base("x")
		first, rowStep := k.param("first"), k.param("rowStep")
		height, width, pitch := k.param("height"), k.param("width"), k.param("pitch")
		j, at, line, from, to := k.r(), k.r(), k.r(), k.r(), k.r()
		offset, left, u := k.r(), k.r(), k.r()
		evens, best, place := k.v(), k.v(), k.v()
		k.do("MOVD $·neonEvens(SB), %v", at)
		k.loadQ(evens, at, 0)
		k.do("SUB $4, %v", cols) // where the last four begin

		// everySecond loads elements 0, 2, 4 and 6 from an address on, and none behind them.
		everySecond := func(d V, from R) {
			k.scope(func() {
				high := k.v()
				k.loadQ(d, from, 0)
				k.word(0x3cc00000|12<<12|uint32(from)<<5|uint32(high), "ldur q%d, [x%d, #12]", high, from)
				k.uzp1S(d, d, d)
				k.uzp2S(high, high, high)
				k.trn1D(d, d, high)
			})
		}
		k.label("lines")
		k.do("MOVD ZR, %v", j)
		k.label("blocks")
		k.do("ADD %v<<1, %v, %v", j, first, at)
		k.do("ADD %v<<2, %v, %v", at, x, line)
		everySecond(best, line)
		k.clear(place)
		k.do("MOVD ZR, %v", offset)
		k.do("MOVD %v, %v", height, u)
		k.label("rows")
		k.do("MOVD %v, %v", line, from)
		k.do("MOVD %v, %v", width, left)
		k.label("elements")
		k.scope(func() {
			candidate, here, wins, less := k.v(), k.v(), k.v(), k.v()
			everySecond(candidate, from)
			k.dupWord(here, offset)
			// A larger one wins, and a NaN over all numbers.
			k.fcmge(less, best, candidate)
			k.fcmeq(wins, best, best)
			k.bic(wins, wins, less)
			k.bit(best, candidate, wins)
			k.bit(place, here, wins)
		})
		k.do("ADD $4, %v", from)
		k.do("ADD $1, %v", offset)
		k.do("SUBS $1, %v", left)
		k.do("BNE elements")
		k.do("ADD %v<<2, %v, %v", pitch, line, line)
		k.do("ADD %v, %v", pitch, offset)
		k.do("SUB %v, %v", width, offset)
		k.do("SUBS $1, %v", u)
		k.do("BNE rows")
		k.do("ADD %v<<2, %v, %v", j, dst, to)
		k.storeQ(best, to, 0)
		k.scope(func() {
			start := k.v()
			k.dupWord(start, at)
			k.addS(place, place, evens)
			k.addS(place, place, start)
		})
		k.do("ADD %v<<2, %v, %v", j, index, to)
		k.storeQ(place, to, 0)
		k.do("CMP %v, %v", cols, j)
		k.do("BEQ next")
		k.do("ADD $4, %v", j)
		k.do("CMP %v, %v", cols, j)
		k.do("CSEL GT, %v, %v, %v", cols, j, j)
		k.do("B blocks")
		k.label("next")
		k.do("ADD %v<<2, %v, %v", stride, dst, dst)
		k.do("ADD %v<<2, %v, %v", stride, index, index)
		k.do("ADD %v, %v", rowStep, first)
		k.do("SUBS $1, %v", rows)
		k.do("BNE lines")
	})
}
