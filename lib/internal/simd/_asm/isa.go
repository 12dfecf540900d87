// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type (
	vec  = reg.VecVirtual
	gp   = reg.GPVirtual
	op   = operand.Op
	mask = reg.Register // an opmask register with AVX-512, a vector register of all-ones lanes with AVX2
)

// isa is an instruction set. Its methods emit one or two instructions each and return the register of the result;
// where not said otherwise the arguments keep their values.
type isa struct {
	name  string
	lanes int // floats in a vector
	regs  int // vector registers
}

var (
	avx512 = isa{name: "avx512", lanes: 16, regs: 32}
	avx2   = isa{name: "avx2", lanes: 8, regs: 16}
)

// wide reports whether this is AVX-512.
func (v isa) wide() bool { return v.lanes == 16 }

// size is the number of bytes in a vector.
func (v isa) size() int { return 4 * v.lanes }

// sums is the number of vectors that hold the 64 partial sums of a reduction.
func (v isa) sums() int { return 64 / v.lanes }

// text begins the function of a kernel.
func (v isa) text(kernel, signature string) {
	TEXT(v.name+kernel, attr.NOSPLIT, signature)
	Pragma("noescape")
}

// end ends the function: the upper halves of the registers are cleared, or SSE code after it would be slow.
func (v isa) end() {
	VZEROUPPER()
	RET()
}

func (v isa) vec() vec {
	if v.wide() {
		return ZMM()
	}
	return YMM()
}

func (v isa) zero() vec {
	z := v.vec()
	if v.wide() {
		VPXORD(z, z, z)
	} else {
		VXORPS(z, z, z)
	}
	return z
}

func (v isa) copy(x op) vec {
	r := v.vec()
	VMOVUPS(x, r)
	return r
}

// param broadcasts a float32 argument of the function.
func (v isa) param(name string) vec {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	r := v.vec()
	VBROADCASTSS(b.Addr, r)
	return r
}

// constant returns a vector of equal floats, as a register where there are 32 of them and as memory otherwise.
func (v isa) constant(f float64) op { return v.bits(math.Float32bits(float32(f))) }

// constantReg is constant, always in a register.
func (v isa) constantReg(f float64) vec {
	c := v.constant(f)
	if r, ok := c.(vec); ok {
		return r
	}
	return v.copy(c)
}

// splats are the constants already in the file: static data symbols are not repeated.
var splats = map[uint32]operand.Mem{}

// bits is constant for a bit pattern.
func (v isa) bits(b uint32) op {
	m := v.memory(b)
	if !v.wide() {
		return m
	}
	r := v.vec()
	VBROADCASTSS(m, r)
	return r
}

// memory returns where eight copies of a bit pattern lie.
func (v isa) memory(b uint32) operand.Mem {
	m, ok := splats[b]
	if !ok {
		m = GLOBL(fmt.Sprintf("splat%08x", b), attr.RODATA|attr.NOPTR)
		for i := range 8 {
			DATA(4*i, operand.U32(b))
		}
		splats[b] = m
	}
	return m
}

func (v isa) add(a vec, b op) vec { r := v.vec(); VADDPS(b, a, r); return r }
func (v isa) sub(a vec, b op) vec { r := v.vec(); VSUBPS(b, a, r); return r }
func (v isa) mul(a vec, b op) vec { r := v.vec(); VMULPS(b, a, r); return r }
func (v isa) div(a vec, b op) vec { r := v.vec(); VDIVPS(b, a, r); return r }
func (v isa) sqrt(a op) vec       { r := v.vec(); VSQRTPS(a, r); return r }

// max is a > b ? a : b, min is a < b ? a : b: both return b where either is NaN.
func (v isa) max(a vec, b op) vec { r := v.vec(); VMAXPS(b, a, r); return r }
func (v isa) min(a vec, b op) vec { r := v.vec(); VMINPS(b, a, r); return r }

// fma sets z = z + x*y with one rounding and returns z; fnma sets z = z - x*y.
func (v isa) fma(x vec, y op, z vec) vec  { VFMADD231PS(y, x, z); return z }
func (v isa) fnma(x vec, y op, z vec) vec { VFNMADD231PS(y, x, z); return z }

// horner evaluates the polynomial c[0] + c[1]*x + c[2]*x*x + ...
func (v isa) horner(x vec, c []op) vec {
	p := v.copy(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PS(c[i], x, p) // p = p*x + c[i]
	}
	return p
}

func (v isa) and(a vec, b op) vec    { r := v.vec(); VANDPS(b, a, r); return r }
func (v isa) or(a vec, b op) vec     { r := v.vec(); VORPS(b, a, r); return r }
func (v isa) addInt(a vec, b op) vec { r := v.vec(); VPADDD(b, a, r); return r }
func (v isa) subInt(a vec, b op) vec { r := v.vec(); VPSUBD(b, a, r); return r }

func (v isa) abs(a vec, signless op) vec { return v.and(a, signless) }

// signless is the constant that abs needs.
func (v isa) signless() op { return v.bits(0x7fffffff) }

// The comparisons of VCMPPS that are in use. "Unordered" is what holds of NaN.
const (
	equal         = 0x00
	unordered     = 0x03
	notEqualOrNaN = 0x04
	notLessOrNaN  = 0x05
	ordered       = 0x07
	notEqual      = 0x0c
	less          = 0x11
	greaterOrNaN  = 0x16
	atLeast       = 0x1d
	greater       = 0x1e
)

// compare returns where a and b are in the given relation.
func (v isa) compare(a vec, relation uint8, b op) mask {
	var m mask
	if v.wide() {
		m = K()
	} else {
		m = YMM()
	}
	VCMPPS(operand.Imm(uint64(relation)), b, a, m)
	return m
}

// keep returns a where m holds and zero elsewhere.
func (v isa) keep(m mask, a vec) vec {
	r := v.vec()
	if v.wide() {
		VMOVAPS_Z(a, m, r)
	} else {
		VANDPS(a, m, r)
	}
	return r
}

// choose returns yes where m holds and no elsewhere.
func (v isa) choose(m mask, yes op, no vec) vec {
	if v.wide() {
		r := v.copy(no) // VBLENDMPS would do, but avo believes that it reads its destination
		VMOVAPS(yes, m, r)
		return r
	}
	r := v.vec()
	VBLENDVPS(m, yes, no, r)
	return r
}

// maskBits returns the lanes of a mask as the low bits of an integer.
func (v isa) maskBits(m mask) gp {
	r := GP32()
	if v.wide() {
		KMOVW(m, r)
	} else {
		VMOVMSKPS(m, r)
	}
	return r
}

// maskTable holds 64 lanes of ones and 64 of zeros, from which AVX2 reads its masks.
var maskTable *operand.Mem

// masks returns the masks of count consecutive vectors of which only the first n floats exist, n <= 64.
func (v isa) masks(n gp, count int) []mask {
	all := make([]mask, count)
	if v.wide() {
		bits := GP64()
		MOVQ(operand.I64(-1), bits)
		BZHIQ(n, bits, bits)
		for i := range all {
			k := K()
			KMOVW(bits.As32(), k)
			all[i] = k
			if i+1 < count {
				SHRQ(operand.U8(16), bits)
			}
		}
		return all
	}
	table := v.maskAddress(n)
	for i := range all {
		m := YMM()
		VMOVUPS(table.Offset(i*v.size()), m)
		all[i] = m
	}
	return all
}

// maskAddress returns where the mask of the first of several vectors lies with AVX2, the others follow it.
func (v isa) maskAddress(n gp) operand.Mem {
	if maskTable == nil {
		t := GLOBL("masks", attr.RODATA|attr.NOPTR)
		for i := range 64 {
			DATA(8*i, operand.U64(map[bool]uint64{true: math.MaxUint64}[i < 32]))
		}
		maskTable = &t
	}
	base, back := GP64(), GP64()
	LEAQ(maskTable.Offset(64*4), base)
	MOVQ(n, back)
	NEGQ(back)
	return operand.Mem{Base: base, Index: back, Scale: 4}
}

// loadMasked reads the lanes of a mask, zero elsewhere; memory outside the mask is not touched.
func (v isa) loadMasked(m operand.Mem, k mask) vec {
	r := v.vec()
	v.loadMaskedInto(m, k, r)
	return r
}

func (v isa) loadMaskedInto(m operand.Mem, k mask, r vec) {
	if v.wide() {
		VMOVUPS_Z(m, k, r)
	} else {
		VMASKMOVPS(m, k, r)
	}
}

// storeMasked writes the lanes of a mask.
func (v isa) storeMasked(r reg.Register, k mask, m operand.Mem) {
	if v.wide() {
		VMOVUPS(r, k, m)
	} else {
		VMASKMOVPS(r, k, m)
	}
}

// fold adds (or combines otherwise) the lanes of vectors pairwise, the far half to the near half, until one is left.
func (v isa) fold(parts []vec, combine func(src, dst reg.Register)) reg.Register {
	for h := len(parts) / 2; h > 0; h /= 2 {
		for i := range h {
			combine(parts[i+h], parts[i])
		}
	}
	z := parts[0]
	if v.wide() {
		high := YMM()
		VEXTRACTF32X8(operand.U8(1), z, high)
		combine(high, z.AsY())
	}
	high := XMM()
	VEXTRACTF128(operand.U8(1), z.AsY(), high)
	x := z.AsX()
	combine(high, x)
	VPERMILPS(operand.U8(0b1110), x, high)
	combine(high, x)
	VPERMILPS(operand.U8(0b0001), x, high)
	combine(high, x)
	return x
}

// base loads the address of a slice argument.
func base(name string) gp { return Load(Param(name).Base(), GP64()).(gp) }

// length loads the length of a slice argument.
func length(name string) gp { return Load(Param(name).Len(), GP64()).(gp) }

// stride loads a distance in floats and makes it one in bytes.
func (v isa) stride(name string) gp {
	r := Load(Param(name), GP64()).(gp)
	SHLQ(operand.U8(2), r)
	return r
}

// label numbers the labels of a function.
func label(name string, n int) string { return fmt.Sprintf("%s%d", name, n) }
