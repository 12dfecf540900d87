// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"
)

// Vector instructions are written as numbers: Go's assembler lacks most of those on floats. The names beside them are
// what Arm's assemblers call them; encodings_test.go compares both. A destination comes first.

// three emits an instruction of two sources.
func (k *kernel) three(code uint32, name, arrangement string, d, a, b V) {
	k.word(code|uint32(b)<<16|uint32(a)<<5|uint32(d), "%s v%d.%s, v%d.%s, v%d.%s", name, d, arrangement, a, arrangement, b, arrangement)
}

// two emits an instruction of one source; suffix follows it.
func (k *kernel) two(code uint32, name, to, from, suffix string, d, a V) {
	k.word(code|uint32(a)<<5|uint32(d), "%s v%d.%s, v%d.%s%s", name, d, to, a, from, suffix)
}

func (k *kernel) fadd(d, a, b V) { k.three(0x4e20d400, "fadd", "4s", d, a, b) }
func (k *kernel) fsub(d, a, b V) { k.three(0x4ea0d400, "fsub", "4s", d, a, b) }
func (k *kernel) fmul(d, a, b V) { k.three(0x6e20dc00, "fmul", "4s", d, a, b) }
func (k *kernel) fdiv(d, a, b V) { k.three(0x6e20fc00, "fdiv", "4s", d, a, b) }
func (k *kernel) fmax(d, a, b V) { k.three(0x4e20f400, "fmax", "4s", d, a, b) }
func (k *kernel) fmla(d, a, b V) { k.three(0x4e20cc00, "fmla", "4s", d, a, b) } // d = d + a*b, rounded once
func (k *kernel) fmls(d, a, b V) { k.three(0x4ea0cc00, "fmls", "4s", d, a, b) } // d = d - a*b

// fmlaLane sets d = d + a*b[lane].
func (k *kernel) fmlaLane(d, a, b V, lane int) {
	k.word(0x4f801000|uint32(lane&1)<<21|uint32(lane>>1)<<11|uint32(b)<<16|uint32(a)<<5|uint32(d),
		"fmla v%d.4s, v%d.4s, v%d.s[%d]", d, a, b, lane)
}

// Comparisons give all ones where they hold; none holds of NaN.
func (k *kernel) fcmgt(d, a, b V)   { k.three(0x6ea0e400, "fcmgt", "4s", d, a, b) }
func (k *kernel) fcmge(d, a, b V)   { k.three(0x6e20e400, "fcmge", "4s", d, a, b) }
func (k *kernel) fcmeq(d, a, b V)   { k.three(0x4e20e400, "fcmeq", "4s", d, a, b) }
func (k *kernel) positive(d, a V)   { k.two(0x4ea0c800, "fcmgt", "4s", "4s", ", #0.0", d, a) }
func (k *kernel) isZero(d, a V)     { k.two(0x4ea0d800, "fcmeq", "4s", "4s", ", #0.0", d, a) }
func (k *kernel) negative(d, a V)   { k.two(0x4ea0e800, "fcmlt", "4s", "4s", ", #0.0", d, a) }
func (k *kernel) cmgtD(d, a, b V)   { k.three(0x4ee03400, "cmgt", "2d", d, a, b) }
func (k *kernel) fsqrt(d, a V)      { k.two(0x6ea1f800, "fsqrt", "4s", "4s", "", d, a) }
func (k *kernel) fabs(d, a V)       { k.two(0x4ea0f800, "fabs", "4s", "4s", "", d, a) }
func (k *kernel) scvtf(d, a V)      { k.two(0x4e21d800, "scvtf", "4s", "4s", "", d, a) }
func (k *kernel) ucvtf(d, a V)      { k.two(0x6e21d800, "ucvtf", "4s", "4s", "", d, a) }
func (k *kernel) and(d, a, b V)     { k.three(0x4e201c00, "and", "16b", d, a, b) }
func (k *kernel) bic(d, a, b V)     { k.three(0x4e601c00, "bic", "16b", d, a, b) } // a and not b
func (k *kernel) orr(d, a, b V)     { k.three(0x4ea01c00, "orr", "16b", d, a, b) }
func (k *kernel) eor(d, a, b V)     { k.three(0x6e201c00, "eor", "16b", d, a, b) }
func (k *kernel) bsl(m, yes, no V)  { k.three(0x6e601c00, "bsl", "16b", m, yes, no) } // m = m ? yes : no
func (k *kernel) bit(d, yes, m V)   { k.three(0x6ea01c00, "bit", "16b", d, yes, m) }  // d = m ? yes : d
func (k *kernel) addS(d, a, b V)    { k.three(0x4ea08400, "add", "4s", d, a, b) }
func (k *kernel) subS(d, a, b V)    { k.three(0x6ea08400, "sub", "4s", d, a, b) }
func (k *kernel) addB(d, a, b V)    { k.three(0x4e208400, "add", "16b", d, a, b) }
func (k *kernel) addpB(d, a, b V)   { k.three(0x4e20bc00, "addp", "16b", d, a, b) }
func (k *kernel) trn1(d, a, b V)    { k.three(0x4e802800, "trn1", "4s", d, a, b) }
func (k *kernel) trn2(d, a, b V)    { k.three(0x4e806800, "trn2", "4s", d, a, b) }
func (k *kernel) trn1D(d, a, b V)   { k.three(0x4ec02800, "trn1", "2d", d, a, b) }
func (k *kernel) trn2D(d, a, b V)   { k.three(0x4ec06800, "trn2", "2d", d, a, b) }
func (k *kernel) uzp1S(d, a, b V)   { k.three(0x4e801800, "uzp1", "4s", d, a, b) }
func (k *kernel) uzp2S(d, a, b V)   { k.three(0x4e805800, "uzp2", "4s", d, a, b) }
func (k *kernel) uzp1H(d, a, b V)   { k.three(0x4e401800, "uzp1", "8h", d, a, b) }
func (k *kernel) uzp1B(d, a, b V)   { k.three(0x4e001800, "uzp1", "16b", d, a, b) }
func (k *kernel) cnt(d, a V)        { k.two(0x4e205800, "cnt", "16b", "16b", "", d, a) }
func (k *kernel) uaddlpB(d, a V)    { k.two(0x6e202800, "uaddlp", "8h", "16b", "", d, a) }
func (k *kernel) uaddlpH(d, a V)    { k.two(0x6e602800, "uaddlp", "4s", "8h", "", d, a) }
func (k *kernel) uadalpH(d, a V)    { k.two(0x6e606800, "uadalp", "4s", "8h", "", d, a) }
func (k *kernel) uadalpS(d, a V)    { k.two(0x6ea06800, "uadalp", "2d", "4s", "", d, a) }
func (k *kernel) widenB(d, a V)     { k.two(0x2f08a400, "ushll", "8h", "8b", ", #0", d, a) }
func (k *kernel) widenHighB(d, a V) { k.two(0x6f08a400, "ushll2", "8h", "16b", ", #0", d, a) }
func (k *kernel) widenH(d, a V)     { k.two(0x2f10a400, "ushll", "4s", "4h", ", #0", d, a) }
func (k *kernel) widenHighH(d, a V) { k.two(0x6f10a400, "ushll2", "4s", "8h", ", #0", d, a) }

func (k *kernel) shl(d, a V, n int) {
	k.two(0x4f005400|uint32(32+n)<<16, "shl", "4s", "4s", fmt.Sprintf(", #%d", n), d, a)
}

func (k *kernel) sshr(d, a V, n int) {
	k.two(0x4f000400|uint32(64-n)<<16, "sshr", "4s", "4s", fmt.Sprintf(", #%d", n), d, a)
}

func (k *kernel) move(d, a V) {
	k.word(0x4ea01c00|uint32(a)<<16|uint32(a)<<5|uint32(d), "mov v%d.16b, v%d.16b", d, a)
}
func (k *kernel) clear(d V)  { k.word(0x4f000400|uint32(d), "movi v%d.4s, #0", d) }
func (k *kernel) dup(d, a V) { k.two(0x4e040400, "dup", "4s", "s[0]", "", d, a) }
func (k *kernel) dupWord(d V, r R) {
	k.word(0x4e040c00|uint32(r)<<5|uint32(d), "dup v%d.4s, w%d", d, r)
}
func (k *kernel) dupDouble(d V, r R) {
	k.word(0x4e080c00|uint32(r)<<5|uint32(d), "dup v%d.2d, x%d", d, r)
}

// upper sets the lower half of d to the upper half of a.
func (k *kernel) upper(d, a V) {
	k.word(0x6e004000|8<<11|uint32(a)<<16|uint32(a)<<5|uint32(d), "ext v%d.16b, v%d.16b, v%d.16b, #8", d, a, a)
}

// addPair sets the first lane of d to the sum of the first two of a.
func (k *kernel) addPair(d, a V) {
	k.word(0x7e30d800|uint32(a)<<5|uint32(d), "faddp s%d, v%d.2s", d, a)
}

// Over all lanes: the sum of integers, the largest float, the largest integer; NaN if one is.
func (k *kernel) addv(d, a V) { k.word(0x4eb1b800|uint32(a)<<5|uint32(d), "addv s%d, v%d.4s", d, a) }
func (k *kernel) fmaxv(d, a V) {
	k.word(0x6e30f800|uint32(a)<<5|uint32(d), "fmaxv s%d, v%d.4s", d, a)
}
func (k *kernel) umaxv(d, a V) {
	k.word(0x6eb0a800|uint32(a)<<5|uint32(d), "umaxv s%d, v%d.4s", d, a)
}

// Lanes to integer registers, the rest of which becomes zero.
func (k *kernel) laneS(d R, a V) {
	k.word(0x0e043c00|uint32(a)<<5|uint32(d), "umov w%d, v%d.s[0]", d, a)
}
func (k *kernel) laneH(d R, a V) {
	k.word(0x0e023c00|uint32(a)<<5|uint32(d), "umov w%d, v%d.h[0]", d, a)
}

// ld1 loads one to four consecutive vectors and moves the address on, by their size or by the bytes in a register.
func (k *kernel) ld1(x []V, from R)         { k.structure(0x4cc00000, "ld1", x, from, 31) }
func (k *kernel) ld1By(x []V, from, step R) { k.structure(0x4cc00000, "ld1", x, from, step) }
func (k *kernel) st1(x []V, to R)           { k.structure(0x4c800000, "st1", x, to, 31) }
func (k *kernel) st1By(x []V, to, step R)   { k.structure(0x4c800000, "st1", x, to, step) }

func (k *kernel) structure(code uint32, name string, x []V, at, step R) {
	if !consecutive(x) {
		panic(k.name + ": registers do not follow one another")
	}
	code |= map[int]uint32{1: 0x7800, 2: 0xa800, 3: 0x6800, 4: 0x2800}[len(x)]
	by := fmt.Sprintf("#%d", 16*len(x))
	if step != 31 {
		by = fmt.Sprintf("x%d", step)
	}
	names := make([]string, len(x))
	for i, v := range x {
		names[i] = fmt.Sprintf("v%d.4s", v)
	}
	k.word(code|uint32(step)<<16|uint32(at)<<5|uint32(x[0]), "%s {%s}, [x%d], %s", name, strings.Join(names, ", "), at, by)
}

// ld1r loads one float into all lanes and moves the address on.
func (k *kernel) ld1r(x V, from R) {
	k.word(0x4ddfc800|uint32(from)<<5|uint32(x), "ld1r {v%d.4s}, [x%d], #4", x, from)
}

// lane loads one float into a lane and leaves the others as they are.
func (k *kernel) lane(x V, lane int, from R) {
	k.word(0x0d408000|uint32(lane>>1)<<30|uint32(lane&1)<<12|uint32(from)<<5|uint32(x), "ld1 {v%d.s}[%d], [x%d]", x, lane, from)
}

// Loads and stores of 16, 8 and 4 bytes; the rest of the register becomes zero.
func (k *kernel) loadQ(x V, from R, offset int) { k.do("FMOVQ %d(%v), F%d", offset, from, x) }
func (k *kernel) loadD(x V, from R, offset int) { k.do("FMOVD %d(%v), F%d", offset, from, x) }
func (k *kernel) loadS(x V, from R, offset int) { k.do("FMOVS %d(%v), F%d", offset, from, x) }
func (k *kernel) storeQ(x V, to R, offset int)  { k.do("FMOVQ F%d, %d(%v)", x, offset, to) }
func (k *kernel) storeS(x V, to R, offset int)  { k.do("FMOVS F%d, %d(%v)", x, offset, to) }
func (k *kernel) loadPair(x, y V, from R, offset int) {
	k.do("FLDPQ %d(%v), (F%d, F%d)", offset, from, x, y)
}
func (k *kernel) storePair(x, y V, to R, offset int) {
	k.do("FSTPQ (F%d, F%d), %d(%v)", x, y, offset, to)
}

// The following return a new register. max is a > b ? a : b and min is a < b ? a : b, as on amd64: both return b where
// either is NaN or both are zero.
func (k *kernel) add(a, b V) V { r := k.v(); k.fadd(r, a, b); return r }
func (k *kernel) sub(a, b V) V { r := k.v(); k.fsub(r, a, b); return r }
func (k *kernel) mul(a, b V) V { r := k.v(); k.fmul(r, a, b); return r }
func (k *kernel) div(a, b V) V { r := k.v(); k.fdiv(r, a, b); return r }
func (k *kernel) max(a, b V) V { r := k.v(); k.fcmgt(r, a, b); k.bsl(r, a, b); return r }
func (k *kernel) min(a, b V) V { r := k.v(); k.fcmgt(r, b, a); k.bsl(r, a, b); return r }
func (k *kernel) copy(a V) V   { r := k.v(); k.move(r, a); return r }

// fma sets z = z + x*y with one rounding and returns z; fnma sets z = z - x*y.
func (k *kernel) fma(x, y, z V) V  { k.fmla(z, x, y); return z }
func (k *kernel) fnma(x, y, z V) V { k.fmls(z, x, y); return z }

// constant returns a vector of equal floats.
func (k *kernel) constant(f float64) V { return k.bits(math.Float32bits(float32(f))) }
