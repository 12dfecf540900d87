// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// sparseVectors is the widest strip of a sparse product, in vectors of eight floats: enough sums to hide the latency of
// an addition.
const sparseVectors = 8

// sparse emits the kernels of products that skip zeros.
func (f *file) sparse() {
	for vectors := 1; vectors <= sparseVectors; vectors++ {
		f.strip(vectors)
		f.sparseTaps(vectors)
	}
	f.strided()
	f.eightRows()
	f.sampled()
	f.compress()
}

// An entryList is the entries of a sparse matrix, row after row.
type entryList struct {
	*kernel
	bounds, index, value R
	end, left            R // of the row in hand
}

// entries begins a list at the entry with the first bound.
func (k *kernel) entries() entryList {
	l := entryList{k, k.base("bounds"), k.base("index"), k.base("value"), k.r(), k.r()}
	k.do("MOVW.P 4(%v), %v", l.bounds, l.end)
	k.do("ADD %v<<2, %v, %v", l.end, l.index, l.index)
	k.do("ADD %v<<2, %v, %v", l.end, l.value, l.value)
	return l
}

// nextRow finds out how many entries are left in the next row.
func (l entryList) nextRow() {
	l.do("MOVD %v, %v", l.end, l.left)
	l.do("MOVW.P 4(%v), %v", l.bounds, l.end)
	l.do("SUB %v, %v, %v", l.left, l.end, l.left)
}

// each emits a loop over the entries of a row; body gets the index and, in the first lane, the value.
func (l entryList) each(body func(index R, value V)) {
	l.do("CBZ %v, store", l.left)
	l.label("entries")
	l.scope(func() {
		index, value := l.r(), l.v()
		l.do("MOVW.P 4(%v), %v", l.index, index)
		l.do("FMOVS.P 4(%v), F%d", l.value, value)
		body(index, value)
	})
	l.do("SUBS $1, %v", l.left)
	l.do("BNE entries")
	l.label("store")
}

// strip emits the kernel for strips of a number of vectors. Registers hold a row of the strip of C while the entries of
// that row of A pass by: each is multiplied with the row of the panel of B that its index names. The last vector of C
// goes by way of the stack, since some of its columns may not exist.
func (f *file) strip(vectors int) {
	f.kernel(fmt.Sprintf("Strip%d", vectors),
		"func(bounds, index []int32, value, b []float32, ldb int, c []float32, ldc, cols int, acc bool)", func(k *kernel) {
			rows, list := k.length("bounds"), k.entries()
			b, ldb, c, ldc := k.base("b"), k.stride("ldb"), k.base("c"), k.stride("ldc")
			edge, acc, frame := k.param("cols"), k.flag("acc"), k.frame(32)
			from, to := k.r(), k.r()
			whole := 2 * (vectors - 1)
			k.do("SUB $%d, %v", 4*whole, edge)
			total, zero := k.several(2*vectors), k.zero()

			k.label("rows")
			k.do("SUBS $1, %v", rows)
			k.do("BEQ done")
			list.nextRow()
			for _, sum := range total {
				k.clear(sum)
			}
			k.do("CBZ %v, begin", acc)
			for j := 0; j < whole; j += 2 {
				k.loadPair(total[j], total[j+1], c, 16*j)
			}
			k.do("ADD $%d, %v, %v", 16*whole, c, from)
			k.do("MOVD %v, %v", frame, to)
			k.copyElements("old", edge, from, to)
			k.loadPair(total[whole], total[whole+1], frame, 0)

			k.label("begin")
			list.each(func(index R, value V) {
				k.do("MADD %v, %v, %v, %v", ldb, b, index, index)
				for j := 0; j < len(total); j += 4 {
					k.scope(func() {
						sums := total[j:min(j+4, len(total))]
						y := k.several(len(sums))
						k.ld1(y, index)
						for i, sum := range sums {
							k.fmlaLane(sum, y[i], value, 0)
						}
					})
				}
			})
			for _, sum := range total {
				k.fadd(sum, sum, zero) // -0 becomes +0
			}
			for j := 0; j < whole; j += 2 {
				k.storePair(total[j], total[j+1], c, 16*j)
			}
			k.storePair(total[whole], total[whole+1], frame, 0)
			k.do("MOVD %v, %v", frame, from)
			k.do("ADD $%d, %v, %v", 16*whole, c, to)
			k.copyElements("new", edge, from, to)
			k.do("ADD %v, %v", ldc, c)
			k.do("B rows")
			k.label("done")
		})
}

// sparseTaps emits the kernel of a convolution with few weights for a number of runs of outputs: strip, with rows of B
// that lie anywhere. An index is the offset of a tap.
func (f *file) sparseTaps(runs int) {
	f.kernel(fmt.Sprintf("SparseTaps%d", runs),
		"func(bounds, index []int32, value, bias, x []float32, starts []int32, c []float32, ldc int)", func(k *kernel) {
			filters, list := k.length("bounds"), k.entries()
			bias, x, starts := k.base("bias"), k.base("x"), k.base("starts")
			c, ldc := k.base("c"), k.stride("ldc")
			at := make([]R, runs)
			for j := range at {
				at[j] = k.r()
				k.do("MOVW %d(%v), %v", 4*j, starts, at[j])
				k.do("ADD %v<<2, %v, %v", at[j], x, at[j])
			}
			total := k.several(2 * runs)
			k.label("filters")
			k.do("SUBS $1, %v", filters)
			k.do("BEQ done")
			list.nextRow()
			for _, sum := range total {
				k.clear(sum)
			}
			list.each(func(index R, value V) {
				from, y := k.r(), k.several(2)
				for j, start := range at {
					k.do("ADD %v<<2, %v, %v", index, start, from)
					k.loadPair(y[0], y[1], from, 0)
					k.fmlaLane(total[2*j], y[0], value, 0)
					k.fmlaLane(total[2*j+1], y[1], value, 0)
				}
			})
			b := k.v()
			k.ld1r(b, bias)
			for j := range at {
				for _, sum := range total[2*j : 2*j+2] {
					k.fadd(sum, sum, b)
				}
				k.storePair(total[2*j], total[2*j+1], c, 32*j)
			}
			k.do("ADD %v, %v", ldc, c)
			k.do("B filters")
			k.label("done")
		})
}

// stridedRows is how many sums of single elements a kernel computes side by side: enough to hide the latency of an
// addition.
const stridedRows = 8

// oldSums clears sums, and with acc loads them.
func (k *kernel) oldSums(total []V) {
	k.scope(func() {
		acc, to := k.flag("acc"), k.base("sums")
		k.do("CBZ %v, begin", acc)
		for j, sum := range total {
			k.loadS(sum, to, 4*j)
		}
		k.label("begin")
	})
}

// newSums stores sums; -0 becomes +0.
func (k *kernel) newSums(total []V) {
	to, zero := k.base("sums"), k.zero()
	for j, sum := range total {
		k.fadd(sum, sum, zero)
		k.storeS(sum, to, 4*j)
	}
}

// multiplyScalar adds the product of w with the float at an index of floats, which it loads.
func (k *kernel) multiplyScalar(sum, w V, base, index R) {
	k.scope(func() {
		x := k.v()
		k.do("FMOVS (%v)(%v<<2), F%d", base, index, x)
		k.do("FMADDS F%d, F%d, F%d, F%d", w, sum, x, sum)
	})
}

// strided emits the kernel for few uses of B stored transposed: one row of A, and rows of B from which it takes single
// elements.
func (f *file) strided() {
	f.kernel("Strided", "func(index []int32, value, b []float32, ldb int, sums []float32, acc bool)", func(k *kernel) {
		list := entryList{kernel: k, index: k.base("index"), value: k.base("value"), left: k.length("index")}
		rows, ldb := []R{k.base("b")}, k.stride("ldb")
		for len(rows) < stridedRows {
			next := k.r()
			k.do("ADD %v, %v, %v", ldb, rows[len(rows)-1], next)
			rows = append(rows, next)
		}
		total := k.zeros(stridedRows)
		k.oldSums(total)
		list.each(func(index R, value V) {
			for j, row := range rows {
				k.multiplyScalar(total[j], value, row, index)
			}
		})
		k.newSums(total)
	})
}

// eightRows emits the kernel for one column of B: the products of eight rows of A with x. The rows go side by side as
// far as the shortest of them goes, so that one's additions need not wait for one another.
func (f *file) eightRows() {
	f.kernel("EightRows", "func(bounds, index []int32, value, x, sums []float32)", func(k *kernel) {
		bounds, index, value, x := k.base("bounds"), k.base("index"), k.base("value"), k.base("x")
		total := k.zeros(stridedRows)
		entries, shortest, n := make([]R, stridedRows), k.r(), k.r()
		for j := range entries {
			entries[j] = k.r()
			k.do("MOVW %d(%v), %v", 4*j, bounds, entries[j])
			k.do("MOVW %d(%v), %v", 4*j+4, bounds, n)
			k.do("SUB %v, %v", entries[j], n)
			if j == 0 {
				k.do("MOVD %v, %v", n, shortest)
			} else {
				k.do("CMP %v, %v", shortest, n)
				k.do("CSEL LT, %v, %v, %v", n, shortest, shortest)
			}
		}
		place, w := k.r(), k.v()
		add := func(j int) {
			k.do("FMOVS (%v)(%v<<2), F%d", value, entries[j], w)
			k.do("ADD %v<<2, %v, %v", entries[j], index, place)
			k.do("MOVW (%v), %v", place, place)
			k.multiplyScalar(total[j], w, x, place)
			k.do("ADD $1, %v", entries[j])
		}
		k.label("together")
		k.do("SUBS $1, %v", shortest)
		k.do("BLT alone")
		for j := range entries {
			add(j)
		}
		k.do("B together")
		k.label("alone")
		for j := range entries {
			k.do("MOVW %d(%v), %v", 4*j+4, bounds, n)
			k.label(label("more", j))
			k.do("CMP %v, %v", n, entries[j])
			k.do("BGE %s", label("end", j))
			add(j)
			k.do("B %s", label("more", j))
			k.label(label("end", j))
		}
		k.newSums(total)
	})
}

// sampled emits the kernel for eight elements of a product of which only few are wanted: the inner products of a with
// rows of b, each one chain of additions.
func (f *file) sampled() {
	f.kernel("Sampled", "func(rows []int32, a, b []float32, ldb int, sums []float32, acc bool)", func(k *kernel) {
		places, a, n := k.base("rows"), k.base("a"), k.length("a")
		b, ldb := k.base("b"), k.stride("ldb")
		rows := make([]R, stridedRows)
		for j := range rows {
			rows[j] = k.r()
			k.do("MOVW %d(%v), %v", 4*j, places, rows[j])
			k.do("MADD %v, %v, %v, %v", ldb, b, rows[j], rows[j])
		}
		total, x, i := k.zeros(stridedRows), k.v(), k.r()
		k.oldSums(total)
		k.do("MOVD ZR, %v", i)
		k.do("CBZ %v, store", n)
		k.label("steps")
		k.do("FMOVS (%v)(%v<<2), F%d", a, i, x)
		for j, row := range rows {
			k.multiplyScalar(total[j], x, row, i)
		}
		k.do("ADD $1, %v", i)
		k.do("CMP %v, %v", n, i)
		k.do("BLT steps")
		k.label("store")
		k.newSums(total)
	})
}

// compress emits the kernel that lists the elements of rows that are not zero. The lanes to keep are moved to the front
// of the vector and stored as a whole: what is behind them will be overwritten by those of the next.
func (f *file) compress() {
	const order, counts = "neonOrder", "neonCounts"
	// For each set of lanes the bytes to be moved to the front, and how many lanes there are.
	lanes, sizes := make([]byte, 0, 256), make([]byte, 16)
	for set := range 16 {
		var bytes []byte
		for lane := range 4 {
			if set>>lane&1 != 0 {
				sizes[set]++
				for i := range 4 {
					bytes = append(bytes, byte(4*lane+i))
				}
			}
		}
		lanes = append(lanes, append(bytes, make([]byte, 16-len(bytes))...)...)
	}
	f.data(order, lanes)
	f.data(counts, sizes)
	f.data("neonLanes", []byte{0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0})
	f.data("neonBits", []byte{1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0})
	f.kernel("Compress", "func(index []int32, value []float32, bounds []int32, x []float32, ldx, cols int)", func(k *kernel) {
		index, value := k.base("index"), k.base("value")
		bounds, rows := k.base("bounds"), k.length("bounds")
		x, ldx, cols := k.base("x"), k.stride("ldx"), k.param("cols")
		table, sizes := k.symbol(order), k.symbol(counts)
		from, left, entry, set, place := k.r(), k.r(), k.r(), k.r(), k.r()
		lanes, bits := k.v(), k.v()
		k.scope(func() {
			at := k.symbol("neonLanes")
			k.loadQ(lanes, at, 0)
			k.do("MOVD $·neonBits(SB), %v", at)
			k.loadQ(bits, at, 0)
		})
		four, positions := k.bits(4), k.v()
		k.do("MOVW.P 4(%v), %v", bounds, entry)
		k.do("ADD %v<<2, %v, %v", entry, index, index)
		k.do("ADD %v<<2, %v, %v", entry, value, value)

		k.label("rows")
		k.do("SUBS $1, %v", rows)
		k.do("BEQ done")
		k.move(positions, lanes)
		k.do("MOVD %v, %v", x, from)
		k.do("SUBS $4, %v, %v", cols, left)
		k.do("BLT rest")
		k.label("vectors")
		y, m := k.v(), k.v()
		k.do("FMOVQ.P 16(%v), F%d", from, y)
		k.isZero(m, y)
		k.bic(m, bits, m)
		k.addv(m, m)
		k.laneS(set, m)
		k.do("CBZ %v, empty", set)
		k.do("ADD %v<<4, %v, %v", set, table, place)
		k.loadQ(m, place, 0)
		k.tbl(y, y, m)
		k.tbl(m, positions, m)
		k.storeQ(y, value, 0)
		k.storeQ(m, index, 0)
		k.do("MOVBU (%v)(%v), %v", sizes, set, set)
		k.do("ADD %v, %v", set, entry)
		k.do("ADD %v<<2, %v, %v", set, value, value)
		k.do("ADD %v<<2, %v, %v", set, index, index)
		k.label("empty")
		k.addS(positions, positions, four)
		k.do("SUBS $4, %v", left)
		k.do("BGE vectors")
		k.label("rest")
		k.do("ADDS $4, %v", left)
		k.do("BEQ end")
		k.do("SUB %v, %v, %v", left, cols, place)
		k.label("element")
		k.do("FMOVS.P 4(%v), F%d", from, y)
		k.do("FMOVS F%d, (%v)", y, value)
		k.do("MOVW %v, (%v)", place, index)
		k.do("FCMPS $(0.0), F%d", y)
		k.do("CSET NE, %v", set) // so is a NaN
		k.do("ADD %v, %v", set, entry)
		k.do("ADD %v<<2, %v, %v", set, value, value)
		k.do("ADD %v<<2, %v, %v", set, index, index)
		k.do("ADD $1, %v", place)
		k.do("SUBS $1, %v", left)
		k.do("BNE element")
		k.label("end")
		k.do("MOVW.P %v, 4(%v)", entry, bounds)
		k.do("ADD %v, %v", ldx, x)
		k.do("B rows")
		k.label("done")
	})
}

// data adds a table of bytes to the file.
func (f *file) data(name string, bytes []byte) {
	fmt.Fprintln(&f.assembly)
	for i := 0; i < len(bytes); i += 8 {
		var word uint64
		for j := range 8 {
			word |= uint64(bytes[i+j]) << (8 * j)
		}
		fmt.Fprintf(&f.assembly, "DATA ·%s+%d(SB)/8, $0x%016x\n", name, i, word)
	}
	fmt.Fprintf(&f.assembly, "GLOBL ·%s(SB), RODATA|NOPTR, $%d\n", name, len(bytes))
}

// symbol loads the address of a table.
func (k *kernel) symbol(name string) R {
	r := k.r()
	k.do("MOVD $·%s(SB), %v", name, r)
	return r
}

// tbl picks bytes of a by their numbers in b.
func (k *kernel) tbl(d, a, b V) {
	k.word(0x4e000000|uint32(b)<<16|uint32(a)<<5|uint32(d), "tbl v%d.16b, {v%d.16b}, v%d.16b", d, a, b)
}
