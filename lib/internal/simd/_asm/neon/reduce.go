// SPDX-License-Identifier: Apache-2.0

package main

// step adds one vector of each input to a vector of partial sums, in place. In the last vector of a slice the inputs
// are zero behind the end, and mask is zero there and all ones before; in all others there is no mask (noMask).
type step func(in []V, sum, mask V)

const noMask V = -1

// sums is the number of vectors that hold the 64 partial sums of a reduction.
const sums = 16

// reduction emits a kernel that sums over slices of equal length in the order described at simd.lanes.
func (f *file) reduction(name, signature string, inputs []string, prepare func(k *kernel) step) {
	f.kernel(name, signature, func(k *kernel) {
		total := k.zeros(sums)
		var address []R
		for _, input := range inputs {
			address = append(address, k.base(input))
		}
		n := k.length(inputs[0])
		add := prepare(k)
		last, mask := k.several(len(inputs)), k.zero()
		for _, x := range last {
			k.clear(x)
		}

		k.do("SUBS $64, %v", n)
		k.do("BLT rest")
		k.label("blocks")
		k.scope(func() {
			in := [2][]V{k.several(len(inputs)), k.several(len(inputs))}
			for t := 0; t < sums; t += 2 {
				for j, from := range address {
					k.loadPair(in[0][j], in[1][j], from, 16*t)
				}
				for side := range in {
					k.scope(func() { add(in[side], total[t+side], noMask) })
				}
			}
		})
		for _, from := range address {
			k.do("ADD $256, %v", from)
		}
		k.do("SUBS $64, %v", n)
		k.do("BGE blocks")

		k.label("rest")
		k.do("ADDS $64, %v", n)
		k.do("BEQ fold")
		k.lastElements(last, mask, address, n)
		for t := range sums - 1 {
			k.do("SUBS $4, %v", n)
			k.do("BLT %s", label("last", t))
			k.scope(func() {
				in := k.several(len(inputs))
				for j, from := range address {
					k.loadQ(in[j], from, 16*t)
				}
				add(in, total[t], noMask)
			})
		}
		for t := sums - 1; t >= 0; t-- {
			k.label(label("last", t))
			k.scope(func() { add(last, total[t], mask) })
			if t > 0 {
				k.do("B fold")
			}
		}
		k.label("fold")
		k.fold(total)
		k.do("FMOVS F%d, %s", total[0], k.at["ret"])
	})
}

// lastElements loads the n mod 4 elements at the end of slices, of which n are left, and makes the mask of their lanes.
// The registers are zero before.
func (k *kernel) lastElements(x []V, mask V, address []R, n R) {
	k.scope(func() {
		at, element, ones := k.r(), k.r(), k.v()
		k.word(0x6f07e7e0|uint32(ones), "movi v%d.2d, #0xffffffffffffffff", ones)
		for lane := range 3 {
			k.do("AND $3, %v, %v", n, at)
			k.do("CMP $%d, %v", lane, at)
			k.do("BLE loaded")
			k.do("BIC $3, %v, %v", n, at)
			k.do("ADD $%d, %v", lane, at)
			k.insert(mask, lane, ones)
			for j, from := range address {
				k.do("ADD %v<<2, %v, %v", at, from, element)
				k.lane(x[j], lane, element)
			}
		}
		k.label("loaded")
	})
}

// insert sets a lane of d to the first of a.
func (k *kernel) insert(d V, lane int, a V) {
	k.word(0x6e040400|uint32(lane)<<19|uint32(a)<<5|uint32(d), "mov v%d.s[%d], v%d.s[0]", d, lane, a)
}

// fold adds vectors and then lanes pairwise, the far half to the near half, until one is left in the first of several vectors.
func (k *kernel) fold(x []V) {
	for h := len(x) / 2; h > 0; h /= 2 {
		for i := range h {
			k.fadd(x[i], x[i], x[i+h])
		}
	}
	half := x[1]
	k.upper(half, x[0])
	k.fadd(x[0], x[0], half)
	k.addPair(x[0], x[0])
}

// reductions emits the sums, the maximum, the search and the counts.
func (f *file) reductions() {
	x := []string{"x"}
	f.reduction("Sum", "func(x []float32) float32", x, func(k *kernel) step {
		return func(in []V, sum, _ V) { k.fadd(sum, sum, in[0]) }
	})
	f.reduction("AbsSum", "func(x []float32) float32", x, func(k *kernel) step {
		return func(in []V, sum, _ V) {
			a := k.v()
			k.fabs(a, in[0])
			k.fadd(sum, sum, a)
		}
	})
	f.reduction("SumSquares", "func(x []float32) float32", x, func(k *kernel) step {
		return func(in []V, sum, _ V) { k.fmla(sum, in[0], in[0]) }
	})
	f.reduction("ZeroTimes", "func(x []float32) float32", x, func(k *kernel) step {
		zero := k.zero()
		return func(in []V, sum, _ V) { k.fmla(sum, in[0], zero) }
	})
	f.reduction("Dot", "func(a, b []float32) float32", []string{"a", "b"}, func(k *kernel) step {
		return func(in []V, sum, _ V) { k.fmla(sum, in[0], in[1]) }
	})
	f.maximum()
	f.index()
	f.count("CountZero", "func(x []float32) int", (*kernel).isZero)
	f.count("CountPositive", "func(x []float32) int", (*kernel).positive)
	f.count("CountAtLeast", "func(x []float32, s float32) int", nil)
	f.sumRows()
}

// maximum emits the largest element, NaN if there is one: so fmax defines it.
func (f *file) maximum() {
	f.kernel("Max", "func(x []float32) float32", func(k *kernel) {
		x, n := k.base("x"), k.length("x")
		best, in := k.several(4), k.several(4)
		for _, b := range best {
			k.loadS(b, x, 0)
			k.dup(b, b)
		}
		k.do("SUBS $16, %v", n)
		k.do("BLT rest")
		k.label("blocks")
		k.ld1(in, x)
		for i, b := range best {
			k.fmax(b, b, in[i])
		}
		k.do("SUBS $16, %v", n)
		k.do("BGE blocks")
		k.label("rest")
		k.do("ADDS $16, %v", n)
		k.do("BEQ fold")
		k.label("element")
		k.ld1r(in[0], x)
		k.fmax(best[0], best[0], in[0])
		k.do("SUBS $1, %v", n)
		k.do("BNE element")
		k.label("fold")
		k.fmax(best[0], best[0], best[2])
		k.fmax(best[1], best[1], best[3])
		k.fmax(best[0], best[0], best[1])
		k.fmaxv(best[0], best[0])
		k.do("FMOVS F%d, %s", best[0], k.at["ret"])
	})
}

// index finds the first element equal to v: the sixteen with one that is, then the element among them.
func (f *file) index() {
	f.kernel("Index", "func(x []float32, v float32) int", func(k *kernel) {
		x, n, i := k.base("x"), k.length("x"), k.r()
		want, in := k.splat("v"), k.several(4)
		k.do("MOVD ZR, %v", i)
		k.do("SUBS $16, %v", n)
		k.do("BLT rest")
		k.label("blocks")
		k.ld1(in, x)
		for _, y := range in {
			k.fcmeq(y, y, want)
		}
		k.orr(in[0], in[0], in[1])
		k.orr(in[2], in[2], in[3])
		k.orr(in[0], in[0], in[2])
		k.umaxv(in[0], in[0])
		found := k.r()
		k.laneS(found, in[0])
		k.do("CBNZ %v, found", found)
		k.do("ADD $16, %v", i)
		k.do("SUBS $16, %v", n)
		k.do("BGE blocks")
		k.label("rest")
		k.do("ADDS $16, %v", n)
		k.do("BEQ none")
		k.label("element")
		k.do("FMOVS.P 4(%v), F%d", x, in[0])
		k.do("FCMPS F%d, F%d", in[0], want)
		k.do("BEQ done")
		k.do("ADD $1, %v", i)
		k.do("SUBS $1, %v", n)
		k.do("BNE element")
		k.label("none")
		k.do("MOVD $-1, %v", i)
		k.do("B done")
		k.label("found")
		k.do("SUB $64, %v", x)
		k.do("MOVD $16, %v", n)
		k.do("B element")
		k.label("done")
		k.do("MOVD %v, %s", i, k.at["ret"])
	})
}

// count counts the elements that stand in a relation to zero, or are the argument s or more. The lanes of a comparison
// are 0 or -1.
func (f *file) count(name, signature string, relation func(k *kernel, d, a V)) {
	f.kernel(name, signature, func(k *kernel) {
		x, n := k.base("x"), k.length("x")
		if relation == nil {
			s := k.splat("s")
			relation = func(k *kernel, d, a V) { k.fcmge(d, a, s) }
		}
		total, in, rest := k.zeros(4), k.several(4), k.zero()
		tally := func(sum, y V) {
			relation(k, y, y)
			k.subS(sum, sum, y)
		}
		k.do("SUBS $16, %v", n)
		k.do("BLT rest")
		k.label("blocks")
		k.ld1(in, x)
		for i, y := range in {
			tally(total[i], y)
		}
		k.do("SUBS $16, %v", n)
		k.do("BGE blocks")
		k.label("rest")
		k.do("ADDS $16, %v", n)
		k.do("BEQ fold")
		k.label("element") // counted in the first lane
		k.do("FMOVS.P 4(%v), F%d", x, in[0])
		tally(rest, in[0])
		k.do("SUBS $1, %v", n)
		k.do("BNE element")
		k.label("fold")
		k.addS(total[0], total[0], total[1])
		k.addS(total[2], total[2], total[3])
		k.addS(total[0], total[0], total[2])
		k.addv(total[0], total[0])
		sum, more := k.r(), k.r()
		k.laneS(sum, total[0])
		k.laneS(more, rest)
		k.do("ADD %v, %v", more, sum)
		k.do("MOVD %v, %s", sum, k.at["ret"])
	})
}

// sumRows adds rows from first to last, for sixteen columns at a time, then four, then one.
func (f *file) sumRows() {
	f.kernel("SumRows", "func(dst, x []float32, rows, stride int, acc bool)", func(k *kernel) {
		dst, x, n := k.base("dst"), k.base("x"), k.length("dst")
		rows, stride, acc := k.param("rows"), k.stride("stride"), k.flag("acc")
		row, left := k.r(), k.r()
		total, in := k.several(4), k.several(4)
		// columns adds so many vectors of columns, or single ones if there are none.
		columns := func(name, after string, vectors int) {
			count, width := max(4*vectors, 1), max(vectors, 1)
			k.do("SUBS $%d, %v", count, n)
			k.do("BLT %s", after)
			k.label(name)
			for _, sum := range total[:width] {
				k.clear(sum)
			}
			k.do("CBZ %v, %sBegin", acc, name)
			for i, sum := range total[:width] {
				if vectors > 0 {
					k.loadQ(sum, dst, 16*i)
				} else {
					k.loadS(sum, dst, 0)
				}
			}
			k.label(name + "Begin")
			k.do("MOVD %v, %v", x, row)
			k.do("MOVD %v, %v", rows, left)
			k.do("CBZ %v, %sStore", left, name)
			k.label(name + "Rows")
			if vectors > 0 {
				k.ld1By(in[:width], row, stride)
			} else {
				k.loadS(in[0], row, 0)
				k.do("ADD %v, %v", stride, row)
			}
			for i, sum := range total[:width] {
				k.fadd(sum, sum, in[i])
			}
			k.do("SUBS $1, %v", left)
			k.do("BNE %sRows", name)
			k.label(name + "Store")
			if vectors > 0 {
				k.st1(total[:width], dst)
			} else {
				k.do("FMOVS.P F%d, 4(%v)", total[0], dst)
			}
			k.do("ADD $%d, %v", 4*count, x)
			k.do("SUBS $%d, %v", count, n)
			k.do("BGE %s", name)
			k.label(after)
			k.do("ADD $%d, %v", count, n)
		}
		columns("blocks", "afterBlocks", 4)
		columns("vectors", "afterVectors", 1)
		columns("single", "done", 0)
	})
}
