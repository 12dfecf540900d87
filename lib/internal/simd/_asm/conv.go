// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// run is the number of consecutive outputs that a start stands for: see simd.Run.
const run = 8

// convolutions emits the kernels of convolution, each for starts in consecutive pairs (whole) and for any starts.
// With AVX2 a vector is one run, so that both are the same.
func (v isa) convolutions() {
	for _, whole := range []bool{true, false} {
		if whole && !v.wide() {
			continue
		}
		for rows := 1; rows <= v.tileRows(); rows++ {
			v.correlate(rows, whole)
			v.spread(rows, whole)
		}
		for rows := 1; rows <= v.dotRows(); rows++ {
			v.correlateGrad(rows, whole)
		}
	}
	v.rows("CopyRowsAdd", "func(dst []float32, dstStride int, src []float32, stride, rows, n int, s float32)", false)
	v.rows("AddToRows", "func(dst []float32, dstStride int, src []float32, stride, rows, n int)", true)
}

// convName is the name of a kernel of convolution.
func convName(kernel string, rows int, whole bool) string {
	if whole {
		return fmt.Sprintf("%sWhole%d", kernel, rows)
	}
	return fmt.Sprintf("%s%d", kernel, rows)
}

// correlate emits one tile kernel: two vectors of outputs for each of some filters. It is the matrix product's kernel
// for packed A, with rows of B that lie anywhere: a row is a tap, its elements are where the outputs start.
func (v isa) correlate(rows int, whole bool) {
	v.text(convName("Correlate", rows, whole),
		"func(w []float32, offsets []int32, x []float32, starts []int32, c []float32, ldc int)")
	w, offsets, taps := base("w"), base("offsets"), length("offsets")
	x, starts := base("x"), base("starts")
	at := make([]gp, 2*v.lanes/run) // where the runs of the tile start
	for i := range at {
		if whole && i%2 == 1 {
			continue
		}
		at[i] = GP64()
		MOVLQSX(operand.Mem{Base: starts, Disp: 4 * i}, at[i])
		LEAQ(operand.Mem{Base: x, Index: at[i], Scale: 4}, at[i])
	}
	sums := make([][2]vec, rows)
	for i := range sums {
		sums[i] = [2]vec{v.zero(), v.zero()}
	}

	offset := GP64()
	step := func(s int) {
		MOVLQSX(operand.Mem{Base: offsets, Disp: 4 * s}, offset)
		var row [2]vec
		for j := range row {
			first, second := at[j*v.lanes/run], at[(j+1)*v.lanes/run-1]
			row[j] = v.runs(element(first, offset), element(second, offset), whole)
		}
		for i := range sums {
			f := v.vec()
			VBROADCASTSS(operand.Mem{Base: w, Disp: v.size()*s + 4*i}, f)
			for j := range row {
				VFMADD231PS(row[j], f, sums[i][j])
			}
		}
	}
	loop := func(name, after string, steps int) {
		Label(name)
		CMPQ(taps, operand.U8(uint8(steps)))
		JLT(operand.LabelRef(after))
		for s := range steps {
			step(s)
		}
		ADDQ(operand.U8(uint8(4*steps)), offsets)
		ADDQ(operand.U32(uint32(v.size()*steps)), w)
		SUBQ(operand.U8(uint8(steps)), taps)
		JMP(operand.LabelRef(name))
	}
	loop("blocks", "steps", 4)
	loop("steps", "store", 1)

	Label("store")
	c, ldc := base("c"), Load(Param("ldc"), GP64()).(gp)
	SHLQ(operand.U8(2), ldc)
	for i := range sums {
		for j := range sums[i] {
			VMOVUPS(sums[i][j], operand.Mem{Base: c, Disp: j * v.size()})
		}
		if i+1 < rows {
			ADDQ(ldc, c)
		}
	}
	v.end()
}

// spread emits the kernel for one tap of the transposed product: two vectors for each of some channels, combined from
// the gradients of all filters, are added where the tap's inputs lie.
func (v isa) spread(rows int, whole bool) {
	v.text(convName("Spread", rows, whole),
		"func(w []float32, filters int, dy []float32, ld int, dx []float32, starts []int32, plane int)")
	w, k := base("w"), Load(Param("filters"), GP64()).(gp)
	dy, ld := base("dy"), Load(Param("ld"), GP64()).(gp)
	SHLQ(operand.U8(2), ld)
	sums := make([][2]vec, rows)
	for i := range sums {
		sums[i] = [2]vec{v.zero(), v.zero()}
	}
	Label("filters")
	var row [2]vec
	for j := range row {
		row[j] = v.copy(operand.Mem{Base: dy, Disp: j * v.size()})
	}
	for i := range sums {
		f := v.vec()
		VBROADCASTSS(operand.Mem{Base: w, Disp: 4 * i}, f)
		for j := range row {
			VFMADD231PS(row[j], f, sums[i][j])
		}
	}
	ADDQ(operand.U8(uint8(v.size())), w)
	ADDQ(ld, dy)
	DECQ(k)
	JNZ(operand.LabelRef("filters"))

	dx, starts := base("dx"), base("starts")
	plane, down := Load(Param("plane"), GP64()).(gp), GP64()
	SHLQ(operand.U8(2), plane)
	XORQ(down, down)
	runs := v.lanes / run // in a vector
	at := make([]gp, 2*runs)
	for i := range at {
		if whole && i%2 == 1 {
			continue
		}
		at[i] = GP64()
		MOVLQSX(operand.Mem{Base: starts, Disp: 4 * i}, at[i])
		LEAQ(operand.Mem{Base: dx, Index: at[i], Scale: 4}, at[i])
	}
	for i := range sums {
		for j, sum := range sums[i] {
			first := operand.Mem{Base: at[j*runs], Index: down, Scale: 1}
			if whole || !v.wide() {
				VADDPS(first, sum, sum)
				VMOVUPS(sum, first)
				continue
			}
			high, second := YMM(), operand.Mem{Base: at[j*runs+1], Index: down, Scale: 1}
			VEXTRACTF32X8(operand.U8(1), sum, high)
			VADDPS(first, sum.AsY(), sum.AsY())
			VMOVUPS(sum.AsY(), first)
			VADDPS(second, high, high)
			VMOVUPS(high, second)
		}
		if i+1 < rows {
			ADDQ(plane, down)
		}
	}
	v.end()
}

// element is where a float lies, an index of floats away from a base.
func element(base, index gp) operand.Mem { return operand.Mem{Base: base, Index: index, Scale: 4} }

// runs loads a vector: with AVX-512 from two runs that lie anywhere unless whole, otherwise all from the first on.
func (v isa) runs(first, second operand.Mem, whole bool) vec {
	if whole || !v.wide() {
		return v.copy(first)
	}
	r := v.vec()
	VBROADCASTF32X8(first, r) // sets the whole register, so that it depends on nothing before
	VINSERTF32X8(operand.U8(1), second, r, r)
	return r
}

// dotRows and dotTaps say how many filters and taps a kernel of the filters' gradient combines.
func (v isa) dotRows() int { return map[bool]int{true: 6, false: 3}[v.wide()] }
func (v isa) dotTaps() int { return map[bool]int{true: 4, false: 2}[v.wide()] }

// correlateGrad emits the kernel of the filters' gradient: the inner products of the output's gradient for some
// filters with the inputs of some taps. Sixteen partial sums each, one for each place in a pair of runs, are added
// pairwise at the end, l to l + 8, 4, 2, 1, and to dw.
func (v isa) correlateGrad(rows int, whole bool) {
	v.text(convName("CorrelateGrad", rows, whole),
		"func(dy []float32, ld int, offsets []int32, x []float32, starts []int32, dw []float32, ldw int)")
	starts, n := base("starts"), length("starts")
	offsets, x := base("offsets"), base("x")
	at := make([]gp, v.dotTaps())
	for t := range at {
		at[t] = GP64()
		MOVLQSX(operand.Mem{Base: offsets, Disp: 4 * t}, at[t])
		LEAQ(operand.Mem{Base: x, Index: at[t], Scale: 4}, at[t])
	}
	ld := Load(Param("ld"), GP64()).(gp)
	SHLQ(operand.U8(2), ld)
	dy := rowAddresses(base("dy"), rows, ld, false)

	parts := 16 / v.lanes // vectors in a pair of runs
	sums := make([][][]vec, rows)
	for i := range sums {
		sums[i] = make([][]vec, len(at))
		for t := range at {
			for range parts {
				sums[i][t] = append(sums[i][t], v.zero())
			}
		}
	}
	start := [2]gp{GP64(), GP64()}
	Label("pairs")
	SUBQ(operand.U8(2), n)
	JLT(operand.LabelRef("fold"))
	for h := range start {
		if h == 0 || !whole {
			MOVLQSX(operand.Mem{Base: starts, Disp: 4 * h}, start[h])
		}
	}
	for part := range parts {
		in := make([]vec, len(at))
		for t := range in {
			in[t] = v.runs(element(at[t], start[part]), element(at[t], start[1]), whole)
		}
		for i := range sums {
			d := v.copy(dy.at(i, part*v.lanes))
			for t := range in {
				VFMADD231PS(in[t], d, sums[i][t][part])
			}
		}
	}
	ADDQ(operand.U8(8), starts)
	dy.advance(16)
	JMP(operand.LabelRef("pairs"))

	Label("fold")
	dw, ldw := base("dw"), Load(Param("ldw"), GP64()).(gp)
	SHLQ(operand.U8(2), ldw)
	for i := range sums {
		v.foldTaps(sums[i], dw)
		if i+1 < rows {
			ADDQ(ldw, dw)
		}
	}
	v.end()
}

// foldTaps adds the partial sums of one filter: each tap's to one float of dw, all taps side by side.
func (v isa) foldTaps(taps [][]vec, dw gp) {
	quarters := make([]reg.Register, len(taps)) // four partial sums of each tap
	for t, parts := range taps {
		sum := parts[0]
		if v.wide() {
			high := YMM()
			VEXTRACTF32X8(operand.U8(1), sum, high)
			VADDPS(high, sum.AsY(), sum.AsY())
		} else {
			VADDPS(parts[1], sum, sum)
		}
		half := XMM()
		if v.wide() { // VEXTRACTF128 cannot reach all registers
			VEXTRACTF32X4(operand.U8(1), sum.AsY(), half)
		} else {
			VEXTRACTF128(operand.U8(1), sum.AsY(), half)
		}
		VADDPS(half, sum.AsX(), sum.AsX())
		quarters[t] = sum.AsX()
	}
	pairs := make([]vec, len(taps)/2) // two partial sums of two taps
	for i := range pairs {
		a, b, far := quarters[2*i], quarters[2*i+1], XMM()
		pairs[i] = XMM()
		VUNPCKLPD(b, a, pairs[i])
		VUNPCKHPD(b, a, far)
		VADDPS(far, pairs[i], pairs[i])
	}
	first, last := pairs[0], pairs[len(pairs)-1]
	even, odd := XMM(), XMM()
	VSHUFPS(operand.U8(0x88), last, first, even)
	VSHUFPS(operand.U8(0xdd), last, first, odd)
	VADDPS(odd, even, even)
	m := operand.Mem{Base: dw}
	if len(taps) == 4 {
		VADDPS(m, even, even)
		VMOVUPS(even, m)
		return
	}
	old := XMM()
	VMOVSD(m, old)
	VADDPS(old, even, even)
	VMOVSD(even, m)
}

// rows emits a kernel over rows of n elements that lie apart: dst = src + s, or dst = dst + src.
func (v isa) rows(kernel, signature string, accumulate bool) {
	v.text(kernel, signature)
	dst, src := base("dst"), base("src")
	dstStride, stride := Load(Param("dstStride"), GP64()).(gp), Load(Param("stride"), GP64()).(gp)
	SHLQ(operand.U8(2), dstStride)
	SHLQ(operand.U8(2), stride)
	rows, n := Load(Param("rows"), GP64()).(gp), Load(Param("n"), GP64()).(gp)
	var s vec
	if !accumulate {
		s = v.param("s")
	}
	rest := GP64()
	MOVQ(n, rest)
	ANDQ(operand.U8(uint8(v.lanes-1)), rest)
	SUBQ(rest, n) // the elements in whole vectors
	last := v.masks(rest, 1)[0]

	i := GP64()
	from, to := operand.Mem{Base: src, Index: i, Scale: 4}, operand.Mem{Base: dst, Index: i, Scale: 4}
	Label("rows")
	SUBQ(operand.U8(1), rows)
	JLT(operand.LabelRef("done"))
	XORQ(i, i)
	Label("vectors")
	CMPQ(i, n)
	JGE(operand.LabelRef("rest"))
	if accumulate {
		VMOVUPS(v.add(v.copy(from), to), to)
	} else {
		VMOVUPS(v.add(s, from), to)
	}
	ADDQ(operand.U8(uint8(v.lanes)), i)
	JMP(operand.LabelRef("vectors"))
	Label("rest")
	TESTQ(rest, rest)
	JZ(operand.LabelRef("next"))
	x := v.loadMasked(from, last)
	if accumulate {
		x = v.add(x, v.loadMasked(to, last))
	} else {
		x = v.add(x, s)
	}
	v.storeMasked(x, last, to)
	Label("next")
	ADDQ(stride, src)
	ADDQ(dstStride, dst)
	JMP(operand.LabelRef("rows"))
	Label("done")
	v.end()
}
