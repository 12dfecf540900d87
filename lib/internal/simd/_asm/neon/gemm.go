// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
)

// A tile of the matrix product has at most tileRows rows, or rowTileRows where A is read by rows, and columns columns,
// twice for the wide kernels. The sums of the largest take 24 registers, or 20: rows of A are read several steps at a
// time and need more of the others.
const (
	tileRows    = 6
	rowTileRows = 5
	columns     = 8
)

// tiles emits the matrix product's kernels for every number of rows, eight and sixteen columns, and A as it is or
// transposed.
func (f *file) tiles() {
	for rows := 1; rows <= tileRows; rows++ {
		for vectors := 1; vectors <= 2; vectors++ {
			if rows <= rowTileRows {
				f.tile(rows, vectors, false)
			}
			f.tile(rows, vectors, true)
		}
	}
}

// grid reserves the sums of a tile: rows of so many vectors, zero.
func (k *kernel) grid(rows, vectors int) [][]V {
	g := make([][]V, rows)
	for i := range g {
		g[i] = k.zeros(vectors)
	}
	return g
}

// tile emits one kernel: registers hold the tile of C while k passes by. Each step loads a row of the panel of B and
// multiplies it with single lanes of what is loaded of A. The hardware fetches ahead: what a tile kernel may ask for is
// not asked for.
func (f *file) tile(rows, vectors int, transposed bool) {
	name := map[bool]string{false: "TileN", true: "TileT"}[transposed] + fmt.Sprintf("%dx%d", rows, vectors)
	f.kernel(name, "func(k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, cols int, acc bool, "+
		"ahead *float32, step int, last *float32)", func(k *kernel) {
		steps, a, lda := k.param("k"), k.base("a"), k.stride("lda")
		b, ldb := k.base("b"), k.stride("ldb")
		c, ldc, cols, acc := k.base("c"), k.stride("ldc"), k.param("cols"), k.flag("acc")
		tile := k.grid(rows, 2*vectors)
		k.do("CBZ %v, begin", acc)
		k.moveTile(c, ldc, cols, tile, false)
		k.label("begin")
		k.scope(func() {
			if transposed {
				k.transposedSteps(tile, steps, a, lda, b, ldb)
			} else {
				k.normalSteps(tile, steps, a, lda, b, ldb)
			}
		})
		zero := k.zero()
		for _, row := range tile {
			for _, sum := range row {
				k.fadd(sum, sum, zero) // -0 becomes +0
			}
		}
		k.moveTile(c, ldc, cols, tile, true)
		k.label("done")
	})
}

// moveTile loads or stores a tile of C, by way of the stack if some of its columns do not exist.
func (k *kernel) moveTile(c, ldc, cols R, tile [][]V, store bool) {
	after, part, edge := "begin", "partOld", "edgeOld"
	move, moveOnStack := k.ld1By, k.ld1
	if store {
		after, part, edge = "done", "partNew", "edgeNew"
		move, moveOnStack = k.st1By, k.st1
	}
	width := len(tile[0])
	size := 16 * width // of a row, in bytes
	k.scope(func() {
		row, stack := k.r(), k.frame(size*len(tile))
		left, from, to := k.r(), k.r(), k.r()
		stackTile := func() {
			for _, sums := range tile {
				moveOnStack(sums, stack)
			}
			k.do("SUB $%d, %v", size*len(tile), stack)
		}
		k.do("MOVD %v, %v", c, row)
		k.do("CMP $%d, %v", 4*width, cols)
		k.do("BNE %s", part)
		for _, sums := range tile {
			move(sums, row, ldc)
		}
		k.do("B %s", after)
		k.label(part)
		if store {
			stackTile()
		}
		k.do("MOVD $%d, %v", len(tile), left)
		k.label(edge)
		k.do("MOVD %v, %v", row, from)
		k.do("MOVD %v, %v", stack, to)
		if store {
			from, to = to, from
		}
		k.copyElements(edge, cols, from, to)
		k.do("ADD %v, %v", ldc, row)
		k.do("ADD $%d, %v", size, stack)
		k.do("SUBS $1, %v", left)
		k.do("BNE %s", edge)
		if !store {
			k.do("SUB $%d, %v", size*len(tile), stack)
			stackTile()
		}
	})
}

// copyElements copies n < 16 floats and changes both addresses. It uses two vector registers that are free.
func (k *kernel) copyElements(name string, n, from, to R) {
	k.scope(func() {
		x, y := k.v(), k.v()
		k.do("TBZ $3, %v, %sFour", n, name)
		k.do("FLDPQ.P 32(%v), (F%d, F%d)", from, x, y)
		k.do("FSTPQ.P (F%d, F%d), 32(%v)", x, y, to)
		k.label(name + "Four")
		for bit, move := range []string{"FMOVQ", "FMOVD", "FMOVS"} {
			next := name + []string{"Two", "One", "End"}[bit]
			k.do("TBZ $%d, %v, %s", 2-bit, n, next)
			k.do("%s.P %d(%v), F%d", move, 16>>bit, from, x)
			k.do("%s.P F%d, %d(%v)", move, x, 16>>bit, to)
			k.label(next)
		}
	})
}

// A pass computes a number of steps of k without a jump. It is taken while so many steps, and spare ones more, are left.
type pass struct {
	steps, spare int
	emit         func()
}

// loops emits one loop for each kind of pass, the longest first.
func (k *kernel) loops(steps R, passes ...pass) {
	for _, p := range passes {
		k.do("SUBS $%d, %v", p.steps+p.spare, steps)
		k.do("BLT after%d", p.steps)
		k.label(fmt.Sprintf("steps%d", p.steps))
		p.emit()
		k.do("SUBS $%d, %v", p.steps, steps)
		k.do("BGE steps%d", p.steps)
		k.label(fmt.Sprintf("after%d", p.steps))
		k.do("ADD $%d, %v", p.steps+p.spare, steps)
	}
}

// normalSteps reads A by rows, eight steps of a row at a time into two registers where there are enough of them, or four
// steps into one.
func (k *kernel) normalSteps(tile [][]V, steps, a, lda, b, ldb R) {
	address := []R{a}
	for len(address) < len(tile) {
		next := k.r()
		k.do("ADD %v, %v, %v", lda, address[len(address)-1], next)
		address = append(address, next)
	}
	y, x := k.several(len(tile[0])), k.several(len(tile))
	var second []V // registers of the first rows for four steps more
	for len(second) < len(tile) && k.vectors < 32 {
		second = append(second, k.v())
	}
	step := func(x []V, lane int) {
		k.ld1By(y, b, ldb)
		for i, sums := range tile {
			for j, sum := range sums {
				k.fmlaLane(sum, y[j], x[i], lane)
			}
		}
	}
	four := func(x []V) {
		for lane := range 4 {
			step(x, lane)
		}
	}
	load := func(rows []R, x []V) {
		for i, from := range rows {
			k.do("FMOVQ.P 16(%v), F%d", from, x[i])
		}
	}
	pairs := len(second)
	k.loops(steps, pass{16, 0, func() {
		for range 2 {
			for i, from := range address[:pairs] {
				k.do("FLDPQ.P 32(%v), (F%d, F%d)", from, x[i], second[i])
			}
			load(address[pairs:], x[pairs:])
			four(x)
			load(address[pairs:], x[pairs:])
			four(slices.Concat(second, x[pairs:]))
		}
	}}, pass{4, 0, func() {
		load(address, x)
		four(x)
	}}, pass{1, 0, func() {
		for i, from := range address {
			k.do("FMOVS.P 4(%v), F%d", from, x[i])
		}
		step(x, 0)
	}})
}

// transposedSteps reads A by columns, each with one instruction: eight elements of a column for five or six rows. Behind
// the last column there may be nothing, so that the main loop leaves it to the steps that follow.
func (k *kernel) transposedSteps(tile [][]V, steps, a, lda, b, ldb R) {
	rows := len(tile)
	x, y := k.several(2), k.several(len(tile[0]))
	exact := func() {
		switch rows {
		case 1:
			k.loadS(x[0], a, 0)
		case 2:
			k.loadD(x[0], a, 0)
		case 3:
			k.loadD(x[0], a, 0)
			k.loadS(x[1], a, 8)
		case 4:
			k.loadQ(x[0], a, 0)
		case 5:
			k.loadQ(x[0], a, 0)
			k.loadS(x[1], a, 16)
		case 6:
			k.loadQ(x[0], a, 0)
			k.loadD(x[1], a, 16)
		}
		k.do("ADD %v, %v", lda, a)
	}
	step := func(load func()) {
		load()
		k.ld1By(y, b, ldb)
		for i, sums := range tile {
			for j, sum := range sums {
				if rows == 3 {
					k.fmlaLane(sum, y[j], x[i/2], i%2)
				} else {
					k.fmlaLane(sum, y[j], x[i/4], i%4)
				}
			}
		}
	}
	load := exact
	switch {
	case rows > 4:
		load = func() { k.ld1By(x, a, lda) }
	case rows == 4:
		load = func() { k.ld1By(x[:1], a, lda) }
	}
	k.loops(steps, pass{8, 1, func() {
		for range 8 {
			step(load)
		}
	}}, pass{1, 0, func() { step(exact) }})
}

// packing emits the kernels that pack a panel.
func (f *file) packing() {
	f.copyRows()
	f.transpose()
}

// copyRows copies k rows of n <= 16 elements.
func (f *file) copyRows() {
	f.kernel("CopyRows", "func(dst []float32, dstStride int, src []float32, stride, k, n int)", func(k *kernel) {
		dst, src := k.base("dst"), k.base("src")
		dstStride, stride := k.stride("dstStride"), k.stride("stride")
		rows, n := k.param("k"), k.param("n")
		k.do("CMP $16, %v", n)
		k.do("BNE part")
		x := k.several(4)
		k.label("whole")
		k.ld1By(x, src, stride)
		k.st1By(x, dst, dstStride)
		k.do("SUBS $1, %v", rows)
		k.do("BNE whole")
		k.do("RET")
		k.label("part")
		from, to := k.r(), k.r()
		k.do("MOVD %v, %v", src, from)
		k.do("MOVD %v, %v", dst, to)
		k.copyElements("part", n, from, to)
		k.do("ADD %v, %v", stride, src)
		k.do("ADD %v, %v", dstStride, dst)
		k.do("SUBS $1, %v", rows)
		k.do("BNE part")
	})
}

// transpose turns n <= 8 rows of src into columns of dst, four elements of each row at a time. k is a multiple of four.
// Rows past the last are the last one again.
func (f *file) transpose() {
	f.kernel("Transpose", "func(dst []float32, dstStride int, src []float32, stride, k, n int)", func(k *kernel) {
		dst, dstStride := k.base("dst"), k.stride("dstStride")
		rows, stride := []R{k.base("src")}, k.stride("stride")
		steps, n := k.param("k"), k.param("n")
		for i := 1; i < columns; i++ {
			row, last := k.r(), rows[i-1]
			k.do("ADD %v, %v, %v", stride, last, row)
			k.do("CMP $%d, %v", i, n)
			k.do("CSEL LE, %v, %v, %v", last, row, row)
			rows = append(rows, row)
		}
		x, pairs, out := k.several(columns), k.several(columns), k.several(columns)
		k.label("blocks")
		for i, row := range rows {
			k.do("FMOVQ.P 16(%v), F%d", row, x[i])
		}
		for half := 0; half < columns; half += 4 {
			in, mixed := x[half:], pairs[half:]
			k.trn1(mixed[0], in[0], in[1])
			k.trn2(mixed[1], in[0], in[1])
			k.trn1(mixed[2], in[2], in[3])
			k.trn2(mixed[3], in[2], in[3])
			to := out[half/4:] // column p of this half is register 2*p
			k.trn1D(to[0], mixed[0], mixed[2])
			k.trn1D(to[2], mixed[1], mixed[3])
			k.trn2D(to[4], mixed[0], mixed[2])
			k.trn2D(to[6], mixed[1], mixed[3])
		}
		for p := range 4 {
			k.st1By(out[2*p:2*p+2], dst, dstStride)
		}
		k.do("SUBS $4, %v", steps)
		k.do("BNE blocks")
	})
}
