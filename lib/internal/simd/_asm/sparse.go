// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sparseVectors is the widest strip of a sparse product, in vectors: enough sums to hide the latency of an addition.
const sparseVectors = 8

// sparse emits the kernels of products that skip zeros.
func (v isa) sparse() {
	for vectors := 1; vectors <= sparseVectors; vectors++ {
		v.strip(vectors)
		v.sparseTaps(vectors)
	}
	v.strided()
	v.eightRows()
	v.sampled()
	v.compress()
}

// strip emits the kernel for strips of a number of vectors. Registers hold a row of the strip of C while the entries of
// that row of A pass by: each is broadcast and multiplied with the row of the panel of B that its index names.
func (v isa) strip(vectors int) {
	v.text(fmt.Sprintf("Strip%d", vectors),
		"func(bounds, index []int32, value, b []float32, ldb int, c []float32, ldc, cols int, acc bool)")
	bounds, rows := base("bounds"), length("bounds")
	entry, toValue := base("index"), base("value") // a value lies as far from its index for every entry
	SUBQ(entry, toValue)
	first, end := GP64(), GP64()
	MOVQ(entry, first)
	b, ldb := base("b"), v.stride("ldb")
	c, ldc := base("c"), v.stride("ldc")
	cols := Load(Param("cols"), GP64()).(gp)
	SUBQ(operand.U32(uint32((vectors-1)*v.lanes)), cols)
	edge := v.masks(cols, 1)[0]
	acc := GP8()
	Load(Param("acc"), acc)
	zero := v.zero()
	at := func(j int) operand.Mem { return operand.Mem{Base: c, Disp: j * v.size()} }

	MOVLQSX(operand.Mem{Base: bounds}, end)
	LEAQ(operand.Mem{Base: first, Index: end, Scale: 4}, entry)
	Label("rows")
	DECQ(rows)
	JZ(operand.LabelRef("done"))
	ADDQ(operand.U8(4), bounds)
	MOVLQSX(operand.Mem{Base: bounds}, end)
	LEAQ(operand.Mem{Base: first, Index: end, Scale: 4}, end)
	sums := make([]vec, vectors)
	for j := range sums {
		sums[j] = v.zero()
	}
	TESTB(acc, acc)
	JZ(operand.LabelRef("begin"))
	for j := range vectors - 1 {
		VMOVUPS(at(j), sums[j])
	}
	v.loadMaskedInto(at(vectors-1), edge, sums[vectors-1])

	Label("begin")
	CMPQ(entry, end)
	JEQ(operand.LabelRef("store"))
	Label("entries")
	row, x := GP64(), v.vec()
	MOVLQSX(operand.Mem{Base: entry}, row)
	IMULQ(ldb, row)
	ADDQ(b, row)
	VBROADCASTSS(operand.Mem{Base: entry, Index: toValue, Scale: 1}, x)
	for j, sum := range sums {
		VFMADD231PS(operand.Mem{Base: row, Disp: j * v.size()}, x, sum)
	}
	ADDQ(operand.U8(4), entry)
	CMPQ(entry, end)
	JNE(operand.LabelRef("entries"))

	Label("store")
	for _, sum := range sums {
		VADDPS(zero, sum, sum) // -0 becomes +0
	}
	for j := range vectors - 1 {
		VMOVUPS(sums[j], at(j))
	}
	v.storeMasked(sums[vectors-1], edge, at(vectors-1))
	ADDQ(ldc, c)
	JMP(operand.LabelRef("rows"))
	Label("done")
	v.end()
}

// stridedRows is how many rows of B the strided kernel reads side by side: enough sums to hide the latency of an
// addition.
const stridedRows = 8

// strided emits the kernel for few uses of B stored transposed: one row of A, and rows of B from which it takes single
// elements.
func (v isa) strided() {
	v.text("Strided", "func(index []int32, value, b []float32, ldb int, sums []float32, acc bool)")
	entry, toValue := base("index"), base("value")
	SUBQ(entry, toValue)
	end := length("index")
	LEAQ(operand.Mem{Base: entry, Index: end, Scale: 4}, end)
	ldb := v.stride("ldb")
	rows := []gp{base("b")}
	for len(rows) < stridedRows {
		next := GP64()
		LEAQ(operand.Mem{Base: rows[len(rows)-1], Index: ldb, Scale: 1}, next)
		rows = append(rows, next)
	}
	sums := make([]reg.VecVirtual, stridedRows)
	for j := range sums {
		sums[j] = XMM()
		VXORPS(sums[j], sums[j], sums[j])
	}
	acc := GP8()
	Load(Param("acc"), acc)
	TESTB(acc, acc)
	JZ(operand.LabelRef("begin"))
	c := base("sums")
	for j, sum := range sums {
		VMOVSS(operand.Mem{Base: c, Disp: 4 * j}, sum)
	}
	Label("begin")
	CMPQ(entry, end)
	JEQ(operand.LabelRef("store"))
	Label("entries")
	place, x := GP64(), XMM()
	MOVLQSX(operand.Mem{Base: entry}, place)
	VMOVSS(operand.Mem{Base: entry, Index: toValue, Scale: 1}, x)
	for j, sum := range sums {
		VFMADD231SS(operand.Mem{Base: rows[j], Index: place, Scale: 4}, x, sum)
	}
	ADDQ(operand.U8(4), entry)
	CMPQ(entry, end)
	JNE(operand.LabelRef("entries"))
	Label("store")
	c = base("sums")
	zero := XMM()
	VXORPS(zero, zero, zero)
	for j, sum := range sums {
		VADDSS(zero, sum, sum) // -0 becomes +0
		VMOVSS(sum, operand.Mem{Base: c, Disp: 4 * j})
	}
	v.end()
}

// eightRows emits the kernel for one column of B: the products of eight rows of A with x. The rows go side by side as
// far as the shortest of them goes, so that one's additions need not wait for one another.
func (v isa) eightRows() {
	v.text("EightRows", "func(bounds, index []int32, value, x, sums []float32)")
	bounds := base("bounds")
	index, value, x := base("index"), base("value"), base("x")
	SUBQ(index, value) // a value lies as far from its index for every entry
	toValue := value
	var entries [stridedRows]gp
	var sums [stridedRows]reg.VecVirtual
	shortest, n := GP64(), GP64()
	for j := range entries {
		entries[j], sums[j] = GP64(), XMM()
		MOVLQSX(operand.Mem{Base: bounds, Disp: 4 * j}, entries[j])
		MOVLQSX(operand.Mem{Base: bounds, Disp: 4 * (j + 1)}, n)
		SUBQ(entries[j], n)
		if j == 0 {
			MOVQ(n, shortest)
		} else {
			CMPQ(n, shortest)
			CMOVQLT(n, shortest)
		}
		LEAQ(operand.Mem{Base: index, Index: entries[j], Scale: 4}, entries[j])
		VXORPS(sums[j], sums[j], sums[j])
	}
	add := func(j int) {
		place, w := GP64(), XMM()
		MOVLQSX(operand.Mem{Base: entries[j]}, place)
		VMOVSS(operand.Mem{Base: entries[j], Index: toValue, Scale: 1}, w)
		VFMADD231SS(operand.Mem{Base: x, Index: place, Scale: 4}, w, sums[j])
		ADDQ(operand.U8(4), entries[j])
	}
	Label("together")
	DECQ(shortest)
	JLT(operand.LabelRef("alone0"))
	for j := range entries {
		add(j)
	}
	JMP(operand.LabelRef("together"))
	zero, to := XMM(), GP64()
	for j := range entries {
		Label(label("alone", j))
		end := GP64()
		MOVLQSX(operand.Mem{Base: bounds, Disp: 4 * (j + 1)}, end)
		LEAQ(operand.Mem{Base: index, Index: end, Scale: 4}, end)
		Label(label("more", j))
		CMPQ(entries[j], end)
		JGE(operand.LabelRef(label("end", j)))
		add(j)
		JMP(operand.LabelRef(label("more", j)))
		Label(label("end", j))
	}
	Load(Param("sums").Base(), to)
	VXORPS(zero, zero, zero)
	for j, sum := range sums {
		VADDSS(zero, sum, sum) // -0 becomes +0
		VMOVSS(sum, operand.Mem{Base: to, Disp: 4 * j})
	}
	v.end()
}

// sampled emits the kernel for eight elements of a product of which only few are wanted: the inner products of a with
// rows of b, each one chain of additions.
func (v isa) sampled() {
	v.text("Sampled", "func(rows []int32, a, b []float32, ldb int, sums []float32, acc bool)")
	places, a, n := base("rows"), base("a"), length("a")
	b, ldb := base("b"), v.stride("ldb")
	var rows [stridedRows]gp
	var sums [stridedRows]reg.VecVirtual
	for j := range rows {
		rows[j], sums[j] = GP64(), XMM()
		MOVLQSX(operand.Mem{Base: places, Disp: 4 * j}, rows[j])
		IMULQ(ldb, rows[j])
		ADDQ(b, rows[j])
		VXORPS(sums[j], sums[j], sums[j])
	}
	acc := GP8()
	Load(Param("acc"), acc)
	TESTB(acc, acc)
	JZ(operand.LabelRef("begin"))
	to := base("sums")
	for j, sum := range sums {
		VMOVSS(operand.Mem{Base: to, Disp: 4 * j}, sum)
	}
	Label("begin")
	i := GP64()
	XORQ(i, i)
	Label("steps")
	CMPQ(i, n)
	JGE(operand.LabelRef("store"))
	x := XMM()
	VMOVSS(operand.Mem{Base: a, Index: i, Scale: 4}, x)
	for j, sum := range sums {
		VFMADD231SS(operand.Mem{Base: rows[j], Index: i, Scale: 4}, x, sum)
	}
	INCQ(i)
	JMP(operand.LabelRef("steps"))
	Label("store")
	zero := XMM()
	to = base("sums")
	VXORPS(zero, zero, zero)
	for j, sum := range sums {
		VADDSS(zero, sum, sum) // -0 becomes +0
		VMOVSS(sum, operand.Mem{Base: to, Disp: 4 * j})
	}
	v.end()
}

// sparseTaps emits the kernel of a convolution with few weights for a number of runs of outputs: strip, with rows of B
// that lie anywhere. An index is the offset of a tap. A run is half a vector of AVX-512, where runs are short: both
// instruction sets use the same registers.
func (v isa) sparseTaps(runs int) {
	v.text(fmt.Sprintf("SparseTaps%d", runs),
		"func(bounds, index []int32, value, bias, x []float32, starts []int32, c []float32, ldc int)")
	bounds, filters := base("bounds"), length("bounds")
	entry, toValue := base("index"), base("value")
	SUBQ(entry, toValue)
	x, starts := base("x"), base("starts")
	at := make([]gp, runs)
	for j := range at {
		at[j] = GP64()
		MOVLQSX(operand.Mem{Base: starts, Disp: 4 * j}, at[j])
		LEAQ(operand.Mem{Base: x, Index: at[j], Scale: 4}, at[j])
	}
	end, offset := GP64(), GP64()
	MOVLQSX(operand.Mem{Base: bounds}, offset)
	LEAQ(operand.Mem{Base: entry, Index: offset, Scale: 4}, entry)
	c := base("c")
	Label("filters")
	DECQ(filters)
	JZ(operand.LabelRef("done"))
	ADDQ(operand.U8(4), bounds)
	MOVLQSX(operand.Mem{Base: bounds}, end)
	MOVLQSX(operand.Mem{Base: bounds, Disp: -4}, offset)
	SUBQ(offset, end)
	LEAQ(operand.Mem{Base: entry, Index: end, Scale: 4}, end)
	sums := make([]reg.VecVirtual, runs)
	for j := range sums {
		sums[j] = YMM()
		VXORPS(sums[j], sums[j], sums[j])
	}
	CMPQ(entry, end)
	JEQ(operand.LabelRef("store"))
	Label("entries")
	w := YMM()
	MOVLQSX(operand.Mem{Base: entry}, offset)
	VBROADCASTSS(operand.Mem{Base: entry, Index: toValue, Scale: 1}, w)
	for j, sum := range sums {
		VFMADD231PS(element(at[j], offset), w, sum)
	}
	ADDQ(operand.U8(4), entry)
	CMPQ(entry, end)
	JNE(operand.LabelRef("entries"))
	Label("store")
	bias, at0 := YMM(), base("bias")
	MOVQ(length("bounds"), offset)
	SUBQ(filters, offset) // the number of this filter, counted from 1
	VBROADCASTSS(operand.Mem{Base: at0, Index: offset, Scale: 4, Disp: -4}, bias)
	for j, sum := range sums {
		VADDPS(bias, sum, sum)
		VMOVUPS(sum, operand.Mem{Base: c, Disp: 4 * run * j})
	}
	Load(Param("ldc"), offset)
	LEAQ(operand.Mem{Base: c, Index: offset, Scale: 4}, c)
	JMP(operand.LabelRef("filters"))
	Label("done")
	v.end()
}

// compress emits the kernel that lists the elements of rows that are not zero. The lanes to keep are moved to the front
// of the vector and stored as a whole: what is behind them will be overwritten by those of the next.
func (v isa) compress() {
	v.text("Compress", "func(index []int32, value []float32, bounds []int32, x []float32, ldx, cols int)")
	index, value := base("index"), base("value")
	bounds, rows := base("bounds"), length("bounds")
	x, ldx := base("x"), v.stride("ldx")
	cols, rest := Load(Param("cols"), GP64()).(gp), GP64()
	MOVQ(cols, rest)
	ANDQ(operand.U8(uint8(v.lanes-1)), rest)
	edge := v.masks(rest, 1)[0]
	zero, step := v.zero(), v.bits(uint32(v.lanes))
	order := v.order()
	entry := GP64()
	MOVLQSX(operand.Mem{Base: bounds}, entry)

	Label("rows")
	DECQ(rows)
	JZ(operand.LabelRef("done"))
	positions, i, next := v.zero(), GP64(), GP64()
	XORQ(i, i)
	keep := func(y vec, after string) {
		k := v.compare(y, notEqualOrNaN, zero)
		bits := v.maskBits(k)
		TESTL(bits, bits)
		JZ(operand.LabelRef(after))
		front := order(k, bits)
		to := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Index: entry, Scale: 4} }
		VMOVUPS(v.permute(y, front), to(value))
		VMOVUPS(v.addInt(front, positions), to(index))
		POPCNTL(bits, bits)
		ADDQ(bits.As64(), entry)
		Label(after)
	}
	Label("vectors")
	LEAQ(operand.Mem{Base: i, Disp: v.lanes}, next)
	CMPQ(next, cols)
	JGT(operand.LabelRef("rest"))
	keep(v.copy(operand.Mem{Base: x, Index: i, Scale: 4}), "kept")
	VPADDD(step, positions, positions)
	MOVQ(next, i)
	JMP(operand.LabelRef("vectors"))
	Label("rest")
	CMPQ(i, cols)
	JEQ(operand.LabelRef("end"))
	keep(v.loadMasked(operand.Mem{Base: x, Index: i, Scale: 4}, edge), "end")
	ADDQ(operand.U8(4), bounds)
	MOVL(entry.As32(), operand.Mem{Base: bounds})
	ADDQ(ldx, x)
	JMP(operand.LabelRef("rows"))
	Label("done")
	v.end()
}

// permute returns the lanes of x that front names.
func (v isa) permute(x, front vec) vec {
	r := v.vec()
	VPERMPS(x, front, r)
	return r
}

// order returns a function that gives the numbers of the lanes of a mask in ascending order: where to find what
// belongs at the front. AVX2 looks them up.
func (v isa) order() func(k mask, bits gp) vec {
	if v.wide() {
		numbers := GLOBL("laneNumbers", attr.RODATA|attr.NOPTR)
		for i := range 16 {
			DATA(4*i, operand.U32(uint32(i)))
		}
		iota := v.copy(numbers)
		return func(k mask, _ gp) vec {
			r := v.vec()
			VPCOMPRESSD_Z(iota, k, r)
			return r
		}
	}
	table := GLOBL("lanesInOrder", attr.RODATA|attr.NOPTR)
	for bits := range 256 {
		var lanes uint64
		for lane, at := 0, 0; lane < 8; lane++ {
			if bits>>lane&1 != 0 {
				lanes |= uint64(lane) << at
				at += 8
			}
		}
		DATA(8*bits, operand.U64(lanes))
	}
	start := GP64()
	LEAQ(table, start)
	return func(_ mask, bits gp) vec {
		r := v.vec()
		VPMOVZXBD(operand.Mem{Base: start, Index: bits.As64(), Scale: 8}, r)
		return r
	}
}
